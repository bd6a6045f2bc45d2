//go:build e2e

package e2e

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"
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
	local, err := url.Parse(pgtest.Own(t, false).URL("postgres"))
	must(t, err)
	listener, err := net.Listen("tcp", net.JoinHostPort(addressForPods(t), "0"))
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go forward(listener, local.Host)
	local.Host = listener.Addr().String()
	return local.String()
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

// forward forwards connections to a server that listens on the loopback interface only.
func forward(listener net.Listener, to string) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return // closed when the test ends
		}
		go func() {
			defer func() { _ = near.Close() }()
			far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", to)
			if err != nil {
				return
			}
			defer func() { _ = far.Close() }()
			go func() { _, _ = io.Copy(far, near); _ = far.(*net.TCPConn).CloseWrite() }()
			_, _ = io.Copy(near, far)
		}()
	}
}
