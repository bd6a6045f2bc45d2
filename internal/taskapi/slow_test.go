package taskapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestTheSlowAreCutOff shortens one limit at a time: each is a limit of its own.
func TestTheSlowAreCutOff(t *testing.T) {
	const long, short, patient = time.Hour, 200 * time.Millisecond, 20 * time.Second
	for name, c := range map[string]struct {
		limits  patience
		request string
		// serve says on the channel that the handler got rid of the client.
		serve func(http.ResponseWriter, *http.Request) error
	}{
		"body": {patience{short, long, long}, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
			func(_ http.ResponseWriter, r *http.Request) error {
				_, err := io.ReadAll(r.Body)
				return err
			}},
		"reader": {patience{long, short, long}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			func(w http.ResponseWriter, _ *http.Request) error {
				for part := make([]byte, 1<<20); ; {
					if _, err := w.Write(part); err != nil {
						return err
					}
				}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			slow := dial(t, c.limits, func(w http.ResponseWriter, r *http.Request) { ended <- c.serve(w, r) })
			if _, err := io.WriteString(slow, c.request); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err == nil {
					t.Error("the handler saw no failure")
				}
			case <-time.After(patient):
				t.Error("the client may stay")
			}
		})
	}
	t.Run("idle", func(t *testing.T) {
		idle := dial(t, patience{long, long, short}, func(http.ResponseWriter, *http.Request) {})
		if _, err := io.WriteString(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(idle)
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if err := idle.SetReadDeadline(time.Now().Add(patient)); err != nil {
			t.Fatal(err)
		}
		if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("the connection is kept: %v", err)
		}
	})
	if usual.read <= 0 || usual.write <= 0 || usual.idle <= 0 || usual.read+usual.write > time.Minute || usual.idle > time.Minute {
		t.Errorf("a slow client may stay longer than a minute: %+v", usual)
	}
}

// unbounded closes no connection of a test.
func unbounded() *connections { return newConnections(1000, 1000, func(int) {}) }

// dial connects to a port with the limits; the port goes with the test.
func dial(t *testing.T, limits patience, handler http.HandlerFunc) net.Conn {
	t.Helper()
	p, err := listen(t.Context(), "127.0.0.1:0", handler, limits, unbounded(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.server.Serve(p.listener) }()
	connection, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = connection.Close()
		if err := p.server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return connection
}

// TestAFailureEndsTheDelay of a stop: there is nothing left to serve.
func TestAFailureEndsTheDelay(t *testing.T) {
	p, err := listen(t.Context(), "127.0.0.1:0", http.NotFoundHandler(), usual, unbounded(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	closing := drain{func() { _ = p.listener.Close() }, time.Hour}
	nothing := func(context.Context) {}
	stop()
	err = run(ctx, func(context.Context) error { return nil }, nothing, closing, p)
	if err == nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("stopped with %v", err)
	}
	failure := fmt.Errorf("no store")
	q, err := listen(t.Context(), "127.0.0.1:0", http.NotFoundHandler(), usual, unbounded(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	fails := func(context.Context) error { return failure }
	if err := run(t.Context(), fails, nothing, drain{func() {}, time.Hour}, q); !errors.Is(err, failure) {
		t.Errorf("stopped with %v", err)
	}
}
