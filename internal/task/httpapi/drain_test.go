package httpapi

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestDrainingEndsKeptConnections with the next answer, whatever that is.
func TestDrainingEndsKeptConnections(t *testing.T) {
	for _, target := range []string{"/healthz", "/nothing"} {
		t.Run(target, func(t *testing.T) {
			s := serving(t)
			connection, err := net.Dial("tcp", s.address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = connection.Close() }()
			if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(connection)
			ask := func(last bool) {
				t.Helper()
				if _, err := io.WriteString(connection, "GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				response, err := http.ReadResponse(reader, nil) //nolint:bodyclose // read closes it
				if err != nil {
					t.Fatal(err)
				}
				if s.read(target, response); response.Close != last {
					t.Errorf("is the answer the last? %t, want %t", response.Close, last)
				}
			}
			ask(false)
			ask(false)
			s.api.Drain()
			ask(true)
			if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
				t.Errorf("the connection is kept: %v", err)
			}
		})
	}
}
