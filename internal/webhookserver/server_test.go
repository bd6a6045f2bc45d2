package webhookserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// start runs a server that serves /token/hook, and returns its address.
func start(t *testing.T, hook http.HandlerFunc) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	certificate.Close()
	s, _ := server(hook)
	s.options.Host, s.options.Port = "127.0.0.1", port
	s.options.TLS = func(c *tls.Config) { c.Certificates = certificate.TLS.Certificates }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended: %v", err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); s.StartedChecker()(nil) != nil; {
		if time.Now().After(deadline) {
			t.Fatal("the server does not answer")
		}
		<-time.After(10 * time.Millisecond)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}

// An API server's connection outlives any number of strangers' connections, and a new one of its own gets through.
func TestStrangersDoNotKeepTheAPIServerOut(t *testing.T) {
	address := start(t, accept)
	known := client()
	ask := func(c *http.Client) {
		t.Helper()
		answer, err := c.Post("https://"+address+"/token/hook", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusAccepted {
			t.Errorf("%d, %v", answer.StatusCode, err)
		}
	}
	ask(known)
	var idle []net.Conn
	for range strangers + 50 {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		idle = append(idle, connection)
	}
	ask(client())
	ask(known)
	open := 0
	for _, connection := range idle[:50] {
		_ = connection.SetReadDeadline(time.Now().Add(2 * time.Second))
		if _, err := connection.Read(make([]byte, 1)); err == nil || !isEnd(err) {
			open++
		}
	}
	if open > 0 {
		t.Errorf("%d of the oldest 50 connections are open still", open)
	}
}

func isEnd(err error) bool {
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// A stranger's request for a path that is not served ends its connection, over either version of HTTP.
func TestWrongPathEndsTheConnection(t *testing.T) {
	address := start(t, accept)
	for _, two := range []bool{false, true} {
		c := client()
		c.Transport.(*http.Transport).ForceAttemptHTTP2 = two
		reader, writer := io.Pipe() // a body without end
		answer, err := c.Post("https://"+address+"/hook", "application/json", reader)
		if err != nil {
			t.Fatal(err)
		}
		_ = writer.Close()
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound || !two && !answer.Close {
			t.Errorf("HTTP/2 %t: %d, closing %t", two, answer.StatusCode, answer.Close)
		}
	}
}
