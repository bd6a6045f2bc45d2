package taskapi

import (
	"bufio"
	"container/list"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// crowded serves with limits of connections. A request for /wait tells that it is under way, and is answered once it is
// released.
func crowded(t *testing.T, crowd *connections) (address string, underWay, release chan struct{}) {
	t.Helper()
	underWay, release = make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			underWay <- struct{}{}
			<-release
		}
	})
	p, err := listen(t.Context(), "127.0.0.1:0", handler, usual, crowd, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.server.Serve(p.listener) }()
	t.Cleanup(func() {
		if err := p.server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return p.address(), underWay, release
}

// client is one connection.
type client struct {
	t *testing.T
	net.Conn
	reader *bufio.Reader
}

func connect(t *testing.T, address, text string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c := &client{t, conn, bufio.NewReader(conn)}
	c.send(text)
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// answered reads an answer, and reports whether there is one instead of the end of the connection.
func (c *client) answered() bool {
	c.t.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatal("neither an answer nor the end of the connection")
	}
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return true
}

const (
	whole = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	wait  = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
	half  = "GET / HTTP/1.1\r\nHost: x\r\nX: "
)

// TestIdleConnectionsMakeRoom: over the limit the one that waited longest is closed, and no request under way is.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	crowd := newConnections(3, 3, func(int) {})
	address, underWay, release := crowded(t, crowd)
	busy := connect(t, address, wait)
	<-underWay
	var all []*client
	for range 12 {
		one := connect(t, address, whole)
		if !one.answered() {
			t.Fatal("a new connection gets no answer")
		}
		awaitLast(t, crowd, &crowd.waiting, one)
		all = append(all, one)
	}
	for i, one := range all[:10] {
		if one.answered() {
			t.Errorf("connection %d is open beside %d newer ones", i, len(all)-i)
		}
	}
	for _, kept := range all[10:] {
		kept.send(whole)
		if !kept.answered() {
			t.Error("one of the last connections was closed within the limit")
		}
	}
	close(release)
	if !busy.answered() {
		t.Error("a request under way was cut off")
	}
}

// TestHalfSentHeadersMakeRoom: over the limit the first of them is closed, and whole requests pass.
func TestHalfSentHeadersMakeRoom(t *testing.T) {
	crowd := newConnections(100, 3, func(int) {})
	address, _, _ := crowded(t, crowd)
	var halves []*client
	for range 8 {
		one := connect(t, address, half)
		awaitLast(t, crowd, &crowd.started, one)
		halves = append(halves, one)
		if one := connect(t, address, whole); !one.answered() {
			t.Fatal("a whole request gets no answer beside half-sent headers")
		}
	}
	for _, gone := range halves[:5] {
		if gone.answered() {
			t.Error("half a header was answered")
		}
	}
	for _, kept := range halves[5:] {
		kept.send("y\r\n\r\n")
		if !kept.answered() {
			t.Error("one of the last half-sent headers was closed within the limit")
		}
	}
}

// awaitLast waits until a client is the last of a list.
func awaitLast(t *testing.T, crowd *connections, of *list.List, one *client) {
	t.Helper()
	seen := func() bool {
		crowd.mu.Lock()
		defer crowd.mu.Unlock()
		last := of.Back()
		return last != nil && last.Value.(*connection).RemoteAddr().String() == one.LocalAddr().String()
	}
	for deadline := time.After(10 * time.Second); !seen(); {
		select {
		case <-deadline:
			t.Fatal("the server never saw the client")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestConnectionsAreCounted, down to none.
func TestConnectionsAreCounted(t *testing.T) {
	var open, peak atomic.Int64
	address, _, _ := crowded(t, newConnections(100, 100, func(now int) {
		open.Store(int64(now))
		peak.Store(max(peak.Load(), int64(now)))
	}))
	var all []*client
	for range 10 {
		one := connect(t, address, whole)
		if !one.answered() {
			t.Fatal("no answer")
		}
		all = append(all, one)
	}
	for _, one := range all {
		_ = one.Close()
	}
	for deadline := time.After(10 * time.Second); open.Load() != 0; {
		select {
		case <-deadline:
			t.Fatalf("%d connections are counted after all are closed", open.Load())
		case <-time.After(time.Millisecond):
		}
	}
	if peak.Load() != 10 {
		t.Errorf("%d connections were counted, want 10", peak.Load())
	}
}
