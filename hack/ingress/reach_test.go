package main

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// TestWayToReachPods checks which way is taken: the addresses of Services only if the API server of this very cluster answers at
// the address of its Service.
func TestWayToReachPods(t *testing.T) {
	api := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(api.Close)
	trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})
	answering := kubernetesService(api.Listener.Addr())
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := kubernetesService(closed.Addr())
	_ = closed.Close()
	for _, c := range []struct {
		name, asked, want string
		objects           client.Reader
		authority         []byte
	}{
		{"this cluster answers", automatically, byAddress, answering, trusted},
		{"another server answers", automatically, byPortForward, answering, nil},
		{"nothing answers", automatically, byPortForward, refusing, trusted},
		{"no such Service", automatically, byPortForward, fake.NewFakeClient(), trusted},
		{"services", byAddress, byAddress, refusing, trusted},
		{"port-forward", byPortForward, byPortForward, answering, trusted},
		{"a typing error", "service", "", answering, trusted},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := &rest.Config{Host: api.URL, TLSClientConfig: rest.TLSClientConfig{CAData: c.authority}}
			_, way, err := newDialer(t.Context(), c.asked, config, c.objects)
			if way != c.want || (err == nil) != (c.want != "") {
				t.Errorf("it takes %q (%v), expected %q", way, err, c.want)
			}
			if err != nil && !strings.Contains(err.Error(), "must be auto, services or port-forward") {
				t.Errorf("the error does not list the ways: %v", err)
			}
		})
	}
}

// kubernetesService returns a cluster whose API server has the Service address.
func kubernetesService(address net.Addr) client.Reader {
	tcp := address.(*net.TCPAddr)
	return fake.NewClientBuilder().WithObjects(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "kubernetes"},
		Spec:       corev1.ServiceSpec{ClusterIP: tcp.IP.String(), Ports: []corev1.ServicePort{{Port: int32(tcp.Port)}}},
	}).Build()
}

// rollOut is a cluster whose Service leads to a pod that has stopped for the first connections.
type rollOut struct {
	stopped, running client.Reader
	// stale is how many connections still lead to the stopped pod.
	stale    int
	attempts int
}

// Get implements client.Reader.
func (r *rollOut) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	r.attempts++
	if r.attempts <= r.stale {
		return r.stopped.Get(ctx, key, object, options...)
	}
	return r.running.Get(ctx, key, object, options...)
}

// List implements client.Reader.
func (r *rollOut) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	return r.running.List(ctx, list, options...)
}

// TestAConnectionIsTriedAgain checks that a Service is tried again if it led to a pod that has stopped, but not without end.
func TestAConnectionIsTriedAgain(t *testing.T) {
	running, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = running.Close() }()
	port := int32(running.Addr().(*net.TCPAddr).Port)
	const elsewhere = "127.0.0.2" // nothing listens here
	to := authority(client.ObjectKey{Namespace: "a", Name: "web"}, port)
	for stale, reached := range map[int]bool{0: true, 1: true, 3: true, 4: false} {
		cluster := &rollOut{stopped: clusterWith(elsewhere, port), running: clusterWith("127.0.0.1", port), stale: stale}
		connection, err := services{cluster}.dial(t.Context(), "tcp", to)
		if reached && err == nil {
			_ = connection.Close()
		}
		if (err == nil) != reached || cluster.attempts != min(stale+1, 4) {
			t.Errorf("%d connections to a stopped pod: %v after %d attempts", stale, err, cluster.attempts)
		}
		if err != nil && !strings.Contains(err.Error(), "reaching Service a/web: ") {
			t.Errorf("the error does not name the Service: %v", err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	cluster := &rollOut{stopped: clusterWith(elsewhere, port), stale: 4}
	if _, err := (services{cluster}).dial(ended, "tcp", to); err == nil || cluster.attempts > 1 {
		t.Errorf("a request that has ended: %v after %d attempts", err, cluster.attempts)
	}
	missing := &rollOut{running: fake.NewFakeClient()}
	if _, err := (services{missing}).dial(t.Context(), "tcp", to); !apierrors.IsNotFound(err) || missing.attempts != 1 {
		t.Errorf("a Service that does not exist: %v after %d attempts", err, missing.attempts)
	}
}
