package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// eachReach tests the proxy in front of a pod, with each way to reach it. It passes the proxy's address.
func eachReach(t *testing.T, pod http.HandlerFunc, test func(t *testing.T, address string)) {
	t.Helper()
	upstream := httptest.NewServer(pod)
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseInt(target.Port(), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	objects := clusterWith(target.Hostname(), int32(port))
	_, forward := newNode(t, objects)
	for way, dial := range map[string]dialer{byAddress: services{objects}.dial, byPortForward: forward.dial} {
		t.Run(way, func(t *testing.T) {
			front := httptest.NewServer(newProxy(objects, dial, false))
			t.Cleanup(front.Close)
			test(t, front.Listener.Addr().String())
		})
	}
}

// clusterWith returns a cluster whose Ingress for todo.localhost leads to a Service with two pods. Only the pod named ready is so.
func clusterWith(address string, port int32) client.Client {
	ingress := rules("a", "todo.localhost", path(networkingv1.PathTypePrefix, "/", "web"))
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "web"}, Spec: corev1.ServiceSpec{
		ClusterIP: address, Ports: []corev1.ServicePort{{Name: "http", Port: port}}}}
	endpoint := func(name string, ready bool) discoveryv1.Endpoint {
		return discoveryv1.Endpoint{
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Name: name},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready},
		}
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "web-1", Labels: map[string]string{discoveryv1.LabelServiceName: "web"}},
		Ports:      []discoveryv1.EndpointPort{{Name: new("other"), Port: new(int32(1))}, {Name: new("http"), Port: &port}},
		Endpoints:  []discoveryv1.Endpoint{endpoint("starting", false), endpoint("ready", true)},
	}
	return fake.NewClientBuilder().WithObjects(&ingress, service, slice).Build()
}

func get(t *testing.T, address, host, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestRequestsArriveAsTheyWereSent checks that the pod receives the host and the path of the browser's request.
func TestRequestsArriveAsTheyWereSent(t *testing.T) {
	eachReach(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Host, " ", r.RequestURI, " ", r.Header.Get("X-Forwarded-Host"), " ", r.Header.Get("X-Forwarded-Proto"))
	}, func(t *testing.T, address string) {
		status, body := get(t, address, "todo.localhost:8080", "/api/a%2Fb/tasks?limit=1")
		if want := "todo.localhost:8080 /api/a%2Fb/tasks?limit=1 todo.localhost:8080 http"; status != http.StatusOK || body != want {
			t.Errorf("the pod saw %q (%d), expected %q", body, status, want)
		}
		if status, _ := get(t, address, "elsewhere.localhost", "/"); status != http.StatusNotFound {
			t.Errorf("a host without a rule gives %d", status)
		}
	})
}

// TestUpgradesPass checks that a connection can switch to another protocol, such as websockets.
func TestUpgradesPass(t *testing.T) {
	eachReach(t, func(w http.ResponseWriter, _ *http.Request) {
		connection, stream, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = connection.Close() }()
		_, _ = stream.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = stream.Flush()
		line, _ := stream.ReadString('\n')
		_, _ = stream.WriteString(line)
		_ = stream.Flush()
	}, func(t *testing.T, address string) {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		_, _ = fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: todo.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		stream := bufio.NewReader(connection)
		response, err := http.ReadResponse(stream, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		_, _ = fmt.Fprint(connection, "hello\n")
		if answer, err := stream.ReadString('\n'); response.StatusCode != http.StatusSwitchingProtocols || answer != "hello\n" {
			t.Errorf("the answer to hello is %q (%v) after %s", answer, err, response.Status)
		}
	})
}
