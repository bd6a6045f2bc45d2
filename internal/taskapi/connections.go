package taskapi

import (
	"bytes"
	"container/list"
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// connections limits the open connections of a server. Over a limit it closes the connection that has waited longest
// without a request under way, so that idle and slow clients make room for new ones.
type connections struct {
	net.Listener
	// most is the limit of all connections. mostStarted is the limit of connections with a half-sent header, which
	// may take 64 KiB each.
	most, mostStarted int
	// resized gets the number of open connections after each change.
	resized func(open int)

	mu   sync.Mutex
	open int
	// waiting and started hold connections, the longest-waiting first.
	waiting, started list.List
}

// connection is an open connection. It has no places in the lists while a request is under way.
type connection struct {
	net.Conn
	of             *connections
	place, started *list.Element
	// closed is set once the connection no longer counts.
	closed bool
	// unread is set while the connection waits and has not sent a byte.
	unread atomic.Bool
}

func newConnections(most, mostStarted int, resized func(int)) *connections {
	return &connections{most: most, mostStarted: mostStarted, resized: resized}
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // http.Server compares it
	}
	return &connection{Conn: conn, of: c}, nil
}

var headerEnd = []byte("\r\n\r\n")

// Read implements net.Conn. net/http does not tell of a header before it is complete, so half of one is noted here.
func (c *connection) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	if n > 0 && c.unread.Load() && !bytes.Contains(into[:n], headerEnd) {
		c.of.starts(c)
	}
	return n, err //nolint:wrapcheck // net/http compares it
}

// plainRefusal is how net/http begins the header of an answer to a request that it cannot read. No handler sees those.
var plainRefusal = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// Write implements net.Conn. It adds to net/http's own refusals the header that every other answer has.
func (c *connection) Write(from []byte) (int, error) {
	if before, after, found := bytes.Cut(from, plainRefusal); found && len(before) < 64 {
		whole := slices.Concat(before, []byte("\r\nX-Content-Type-Options: nosniff"), plainRefusal, after)
		_, err := c.Conn.Write(whole)
		return len(from), err
	}
	return c.Conn.Write(from) //nolint:wrapcheck // net/http compares it
}

// limit makes the server keep the limits for the connections of the listener.
func (c *connections) limit(server *http.Server, listener net.Listener) {
	c.Listener = listener
	server.ConnState = c.changed
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, conn)
	}
	next := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connectionKey{}).(*connection); ok {
			c.mu.Lock()
			c.leaves(conn) // its header is complete
			c.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

// connectionKey is the key of a request's connection in its context.
type connectionKey struct{}

// changed is http.Server's ConnState.
func (c *connections) changed(of net.Conn, state http.ConnState) {
	conn, ok := of.(*connection)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open++
		c.waits(conn)
		c.resized(c.open)
	case http.StateIdle:
		c.waits(conn)
	case http.StateClosed, http.StateHijacked:
		c.ends(conn)
	}
}

// ends stops counting a connection.
func (c *connections) ends(conn *connection) {
	c.leaves(conn)
	if !conn.closed {
		conn.closed = true
		c.open--
		c.resized(c.open)
	}
}

// waits puts a connection without a request last. If there are too many connections, it closes the first, but the new one
// itself only if requests are under way on so many others that this is the flood.
func (c *connections) waits(conn *connection) {
	if conn.closed {
		return
	}
	c.leaves(conn)
	conn.place = c.waiting.PushBack(conn)
	conn.unread.Store(true)
	if c.open > c.most && c.waiting.Len() > 1 || c.open > c.most+c.mostStarted {
		c.closeFirst(&c.waiting)
	}
}

// starts notes that a part of a header has arrived. The connection keeps its place in the list of waiting connections.
func (c *connections) starts(conn *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !conn.unread.Swap(false) {
		return
	}
	conn.started = c.started.PushBack(conn)
	if c.started.Len() > c.mostStarted {
		c.closeFirst(&c.started)
	}
}

// closeFirst closes the first connection of a list.
func (c *connections) closeFirst(from *list.List) {
	conn := from.Front().Value.(*connection)
	c.ends(conn)
	_ = conn.Close() // fails only if the client has closed it
}

// leaves takes a connection off both lists.
func (c *connections) leaves(conn *connection) {
	conn.unread.Store(false)
	if conn.place != nil {
		c.waiting.Remove(conn.place)
	}
	if conn.started != nil {
		c.started.Remove(conn.started)
	}
	conn.place, conn.started = nil, nil
}
