//go:build e2e

package e2e

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// databaseURL returns the URL of a PostgreSQL database that pods reach: E2E_DATABASE_URL, or a server on this machine.
func databaseURL(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("E2E_DATABASE_URL"); given != "" {
		return given
	}
	return openGate(t, pgtest.Own(t, false).URL("postgres")).url.String()
}

// addressForPods returns the address of this machine on the network that it shares with the cluster's node.
func addressForPods(t *testing.T) string {
	t.Helper()
	var nodes corev1.NodeList
	must(t, cluster.List(t.Context(), &nodes))
	for _, address := range nodes.Items[0].Status.Addresses {
		if address.Type != corev1.NodeInternalIP {
			continue
		}
		// The kernel chooses the route; dialling UDP sends nothing.
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "udp", net.JoinHostPort(address.Address, "1"))
		must(t, err)
		host, _, err := net.SplitHostPort(connection.LocalAddr().String())
		must(t, err)
		must(t, connection.Close())
		return host
	}
	t.Fatalf("node %s has no internal address", nodes.Items[0].Name)
	return ""
}

// carry copies bytes both ways until one of the two ends closes its connection.
func carry(near net.Conn, to string) {
	defer func() { _ = near.Close() }()
	far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	go func() { _, _ = io.Copy(far, near); _ = far.(*net.TCPConn).CloseWrite() }()
	_, _ = io.Copy(near, far)
}

// gate forwards connections to a database until it is shut.
type gate struct {
	url *url.URL // the database as pods reach it through the gate
	to  string

	mutex    sync.Mutex
	isShut   bool
	carrying []net.Conn
}

// openGate returns an open gate in front of a database, which ends with the test.
func openGate(t *testing.T, database string) *gate {
	t.Helper()
	behind, err := url.Parse(database)
	must(t, err)
	listener, err := net.Listen("tcp", net.JoinHostPort(addressForPods(t), "0"))
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	g := &gate{to: behind.Host, url: behind}
	g.url.Host = listener.Addr().String()
	go g.serve(listener)
	return g
}

func (g *gate) serve(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return // closed when the test ends
		}
		g.mutex.Lock()
		if g.isShut {
			_ = near.Close()
		} else {
			g.carrying = append(g.carrying, near)
			go carry(near, g.to)
		}
		g.mutex.Unlock()
	}
}

// shut cuts the connections and refuses new ones.
func (g *gate) shut() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.isShut = true
	for _, connection := range g.carrying {
		_ = connection.Close()
	}
	g.carrying = nil
}

// open lets connections through again.
func (g *gate) open() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.isShut = false
}
