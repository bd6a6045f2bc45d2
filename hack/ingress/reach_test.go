package main

import (
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
