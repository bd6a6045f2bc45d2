package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/podforward"
)

// forwarding reaches Services through the API server, which forwards ports of their pods. Unlike "kubectl port-forward" it chooses
// a ready pod for each connection, so that it goes on when pods are replaced.
type forwarding struct {
	objects client.Reader
	config  *rest.Config
	api     kubernetes.Interface
}

// endpoint is a port of a pod.
type endpoint struct {
	pod  client.ObjectKey
	port int32
}

func (f forwarding) dial(ctx context.Context, _, address string) (net.Conn, error) {
	key, port, err := parseAuthority(address)
	if err != nil {
		return nil, err
	}
	ready, err := endpoints(ctx, f.objects, key, port)
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("service %s has no ready pod", key)
	for _, i := range rand.Perm(len(ready)) {
		var connection net.Conn
		if connection, err = f.connect(ready[i]); err == nil {
			return connection, nil
		}
	}
	return nil, err
}

// endpoints returns the ready endpoints of a port of a Service.
func endpoints(ctx context.Context, objects client.Reader, key client.ObjectKey, port int32) ([]endpoint, error) {
	var service corev1.Service
	if err := objects.Get(ctx, key, &service); err != nil {
		return nil, fmt.Errorf("finding the Service: %w", err)
	}
	name := ""
	for _, p := range service.Spec.Ports {
		if p.Port == port {
			name = p.Name
		}
	}
	var slices discoveryv1.EndpointSliceList
	ofService := client.MatchingLabels{discoveryv1.LabelServiceName: key.Name}
	if err := objects.List(ctx, &slices, client.InNamespace(key.Namespace), ofService); err != nil {
		return nil, fmt.Errorf("listing the endpoints of Service %s: %w", key, err)
	}
	var ready []endpoint
	for i := range slices.Items {
		for _, p := range slices.Items[i].Ports {
			if p.Port != nil && (p.Name == nil && name == "" || p.Name != nil && *p.Name == name) {
				ready = append(ready, readyPods(&slices.Items[i], *p.Port)...)
			}
		}
	}
	return ready, nil
}

// readyPods returns the ready pods of a slice with a port.
func readyPods(slice *discoveryv1.EndpointSlice, port int32) (ready []endpoint) {
	for _, e := range slice.Endpoints {
		if e.TargetRef != nil && e.TargetRef.Kind == "Pod" && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
			ready = append(ready, endpoint{client.ObjectKey{Namespace: slice.Namespace, Name: e.TargetRef.Name}, port})
		}
	}
	return ready
}

// connect opens a connection to a port of a pod.
func (f forwarding) connect(to endpoint) (net.Conn, error) {
	dialer, err := podforward.Dialer(f.config, f.api, to.pod.Namespace, to.pod.Name)
	if err != nil {
		return nil, err
	}
	connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, fmt.Errorf("forwarding to pod %s: %w", to.pod, err)
	}
	opened, err := newTunnel(connection, to)
	if err != nil {
		_ = connection.Close()
		return nil, fmt.Errorf("forwarding to pod %s: %w", to.pod, err)
	}
	return opened, nil
}

// tunnel is a connection to a port of a pod.
type tunnel struct {
	httpstream.Stream
	connection httpstream.Connection
	to         endpoint
	ended      chan struct{} // closed when failure is set
	failure    error
}

// newTunnel opens the two streams of the protocol: one reports errors, the other carries the data.
func newTunnel(connection httpstream.Connection, to endpoint) (*tunnel, error) {
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(int(to.port)))
	headers.Set(corev1.PortForwardRequestIDHeader, "0")
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	failures, err := connection.CreateStream(headers)
	if err != nil {
		return nil, fmt.Errorf("opening the stream of errors: %w", err)
	}
	_ = failures.Close() // nothing is written to it
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := connection.CreateStream(headers)
	if err != nil {
		return nil, fmt.Errorf("opening the stream of data: %w", err)
	}
	t := &tunnel{Stream: data, connection: connection, to: to, ended: make(chan struct{})}
	go t.awaitFailure(failures)
	return t, nil
}

// awaitFailure keeps what the node reports until the tunnel ends.
func (t *tunnel) awaitFailure(failures io.Reader) {
	defer close(t.ended)
	if said, err := io.ReadAll(failures); err == nil && len(said) > 0 {
		t.failure = errors.New(string(said))
	}
}

// Read implements net.Conn. If the node could not reach the port, it ends with the reason.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.Stream.Read(p)
	if err == nil || n > 0 {
		return n, err
	}
	select {
	case <-t.ended:
	case <-t.connection.CloseChan():
		return 0, err
	}
	if t.failure != nil {
		return 0, t.failure
	}
	return 0, err
}

// Close implements net.Conn.
func (t *tunnel) Close() error { return t.connection.Close() }

// LocalAddr implements net.Conn.
func (t *tunnel) LocalAddr() net.Addr { return address("port-forward") }

// RemoteAddr implements net.Conn.
func (t *tunnel) RemoteAddr() net.Addr {
	return address(fmt.Sprintf("%s:%d", t.to.pod, t.to.port))
}

// SetDeadline implements net.Conn.
func (t *tunnel) SetDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline implements net.Conn.
func (t *tunnel) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SetWriteDeadline implements net.Conn.
func (t *tunnel) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// address is the address of a tunnel's end.
type address string

// Network implements net.Addr.
func (address) Network() string { return "port-forward" }

// String implements net.Addr.
func (a address) String() string { return string(a) }
