package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// node forwards ports of pods as an API server and a kubelet do. Its pods listen on the loopback address.
type node struct {
	mutex sync.Mutex
	paths []string
}

// newNode starts an API server with a node, and returns the way to its pods.
func newNode(t *testing.T, objects client.Reader) (*node, forwarding) {
	t.Helper()
	n := &node{}
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return n, forwarding{objects, config, api}
}

// ServeHTTP implements http.Handler. It speaks SPDY, the older of the two protocols.
func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "websocket" {
		http.Error(w, "unknown protocol", http.StatusBadRequest)
		return
	}
	n.mutex.Lock()
	n.paths = append(n.paths, r.URL.Path)
	n.mutex.Unlock()
	if _, err := httpstream.Handshake(r, w, []string{portforward.PortForwardProtocolV1Name}); err != nil {
		return // the client got the error
	}
	streams := make(chan httpstream.Stream, 2)
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error {
		streams <- s
		return nil
	})
	if connection == nil {
		return
	}
	go forwardPort(<-streams, <-streams)
	<-connection.CloseChan()
}

// forwardPort copies data between a stream and the port that it names.
func forwardPort(failures, data httpstream.Stream) {
	defer func() { _ = failures.Close() }()
	defer func() { _ = data.Close() }()
	pod, err := net.Dial("tcp", "127.0.0.1:"+data.Headers().Get(corev1.PortHeader))
	if err != nil {
		_, _ = fmt.Fprintf(failures, "error forwarding port: %v", err)
		return
	}
	defer func() { _ = pod.Close() }()
	go func() { _, _ = io.Copy(pod, data) }()
	_, _ = io.Copy(data, pod)
}

// TestForwardedPorts checks which pod a request reaches, and what the answer says if it reaches none.
func TestForwardedPorts(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := int32(closed.Addr().(*net.TCPAddr).Port)
	_ = closed.Close()
	objects := clusterWith("192.0.2.1", port)
	n, forward := newNode(t, objects)
	front := httptest.NewServer(newProxy(objects, forward.dial, false))
	defer front.Close()
	address := front.Listener.Addr().String()

	status, body := get(t, address, "todo.localhost", "/")
	if status != http.StatusBadGateway || !strings.Contains(body, "connection refused") {
		t.Errorf("a pod that does not listen: %d %s", status, body)
	}
	if got := strings.Join(n.paths, " "); got != "/api/v1/namespaces/a/pods/ready/portforward" {
		t.Errorf("these pods were asked: %s", got)
	}
	unknown := &corev1.Service{}
	if err := objects.Get(t.Context(), client.ObjectKey{Namespace: "a", Name: "web"}, unknown); err != nil {
		t.Fatal(err)
	}
	unknown.Spec.Ports[0].Name = "unknown" // as that of a Service whose pods are not up yet
	if err := objects.Update(t.Context(), unknown); err != nil {
		t.Fatal(err)
	}
	_, err = forward.dial(t.Context(), "tcp", authority(client.ObjectKeyFromObject(unknown), port))
	if err == nil || !strings.Contains(err.Error(), "service a/web has no ready pod") {
		t.Errorf("a Service without ready pods: %v", err)
	}
}
