package webhookserver

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// strangers is how many connections may be open that have not asked at a served path. An API server needs a handful, each
// for the milliseconds until its first request; after that it is no stranger.
const strangers = 512

// listener bounds the connections of strangers: beyond the bound, each new connection closes the oldest of them. Refusing
// the new connection instead would let a client that holds idle connections keep the API server out.
type listener struct {
	net.Listener
	bound int

	lock sync.Mutex
	open list.List // of *connection, the oldest first
}

func newListener(inner net.Listener, bound int) *listener {
	return &listener{Listener: inner, bound: bound}
}

// connection is a stranger's until it is trusted.
type connection struct {
	net.Conn
	listener *listener
	element  *list.Element // nil once the connection is trusted or closed; guarded by the listener's lock
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // http.Server compares it
	}
	c := &connection{Conn: accepted, listener: l}
	if oldest := l.add(c); oldest != nil {
		_ = oldest.Close() // its client sees the connection end, which is all there is to do
	}
	return c, nil
}

// add lists a connection, and returns the oldest one if there are now too many.
func (l *listener) add(c *connection) *connection {
	l.lock.Lock()
	defer l.lock.Unlock()
	c.element = l.open.PushBack(c)
	if l.open.Len() <= l.bound {
		return nil
	}
	oldest, _ := l.open.Front().Value.(*connection)
	return oldest
}

// trust takes the connection out of the bound.
func (c *connection) trust() {
	c.listener.lock.Lock()
	defer c.listener.lock.Unlock()
	if c.element != nil {
		c.listener.open.Remove(c.element)
		c.element = nil
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.trust()
	return c.Conn.Close() //nolint:wrapcheck // as of the connection that it wraps
}

type connectionKey struct{}

// withConnection implements http.Server.ConnContext, so that a handler can trust the connection of its request.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, c)
}

func trustConnection(ctx context.Context) {
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		c.trust()
	}
}
