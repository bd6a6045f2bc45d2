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

// dial connects to the Service of clusterWith in a given way. No API server answers, so no port can be forwarded.
func (r *rollOut) dial(t *testing.T, ctx context.Context, way string, port int32) error {
	t.Helper()
	dial, _, err := newDialer(ctx, way, &rest.Config{Host: "http://127.0.0.2:1"}, r)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := dial(ctx, "tcp", authority(client.ObjectKey{Namespace: "a", Name: "web"}, port))
	if err == nil {
		_ = connection.Close()
	}
	return err
}

// TestAConnectionIsTriedAgain checks that a Service is tried again if it led to a pod that has stopped, but not without end.
func TestAConnectionIsTriedAgain(t *testing.T) {
	running, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = running.Close() }()
	port := int32(running.Addr().(*net.TCPAddr).Port)
	stopped := clusterWith("127.0.0.2", port) // nothing listens there
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		name, way, fails string
		ctx              context.Context
		cluster          *rollOut
		attempts         int
	}{
		{"no stopped pod", byAddress, "", t.Context(), &rollOut{running: clusterWith("127.0.0.1", port)}, 1},
		{"one stopped pod", byAddress, "", t.Context(), &rollOut{stopped, clusterWith("127.0.0.1", port), 1, 0}, 2},
		{"three stopped pods", byAddress, "", t.Context(), &rollOut{stopped, clusterWith("127.0.0.1", port), 3, 0}, 4},
		{"only stopped pods", byAddress, "reaching Service a/web: ", t.Context(), &rollOut{running: stopped}, 4},
		{"the browser has gone", byAddress, "canceled", ended, &rollOut{running: stopped}, 0},
		{"no such Service", byAddress, "not found", t.Context(), &rollOut{running: fake.NewFakeClient()}, 1},
		{"no API server", byPortForward, "forwarding to pod a/ready: ", t.Context(), &rollOut{running: stopped}, 4},
	} {
		err := c.cluster.dial(t, c.ctx, c.way, port)
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) || c.cluster.attempts != c.attempts {
			t.Errorf("%s: %v after %d attempts, expected %q after %d", c.name, err, c.cluster.attempts, c.fails, c.attempts)
		}
	}
}
