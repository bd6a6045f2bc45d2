package manager

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// TestTheAPIServerGoesAway takes the API server away before a manager starts, and again until its lease has ended. The process
// waits for the API server both times, says so, and reconciles as soon as it is back.
func TestTheAPIServerGoesAway(t *testing.T) {
	admin := newAdmin(t)
	namespace := newNamespace(t, admin)
	health := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	r := newReplica(t)
	r.away.Store(true)
	r.start(t, namespace, "--health-listen="+health)
	r.awaitOutage(t, health, 1)
	r.reconciles(t, admin, namespace, "first")

	r.away.Store(true)
	r.proxy.CloseClientConnections()
	await(t, func(context.Context) error { return r.hasLogged("starting again as a standby") })
	r.awaitOutage(t, health, 2)
	r.reconciles(t, admin, namespace, "second")
	if err := r.command.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the process has ended: %v", err)
	}
}

// awaitOutage waits until the manager has been refused a few times, and checks that it lives, is not ready, and has said so often
// why.
func (r *replica) awaitOutage(t *testing.T, health string, often int) {
	t.Helper()
	before := r.refused.Load()
	await(t, func(context.Context) error {
		if n := r.refused.Load() - before; n < 3 {
			return fmt.Errorf("%d requests were refused", n)
		}
		if n := strings.Count(r.log.String(), "waiting for it"); n != often {
			return fmt.Errorf("the log tells of %d outages", n)
		}
		return nil
	})
	await(t, func(ctx context.Context) error { return status(ctx, health, "/healthz", http.StatusOK) })
	await(t, func(ctx context.Context) error { return status(ctx, health, "/readyz", http.StatusServiceUnavailable) })
}

// reconciles brings the API server back, which knows no rights at first, and waits for the keys of a new app.
func (r *replica) reconciles(t *testing.T, admin client.Client, namespace, name string) {
	t.Helper()
	r.forbidding.Store(2)
	r.away.Store(false)
	must(t, admin.Create(t.Context(), &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}))
	await(t, func(ctx context.Context) error {
		return admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name + "-keyring"}, &corev1.Secret{})
	})
}

func (r *replica) hasLogged(text string) error {
	if !strings.Contains(r.log.String(), text) {
		return fmt.Errorf("the log does not say %q", text)
	}
	return nil
}

// status returns an error unless a health check answers with a status.
func status(ctx context.Context, address, path string, wanted int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != wanted {
		return fmt.Errorf("%s answers %s, expected %d", path, response.Status, wanted)
	}
	return nil
}

// TestAway asks servers that fail in different ways for the kinds of the operator.
func TestAway(t *testing.T) {
	answer := func(code int) string {
		return serverOf(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }).URL
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts connections, and nothing answers them
	must(t, err)
	defer func() { _ = silent.Close() }()
	encrypted := httptest.NewTLSServer(http.NotFoundHandler())
	defer encrypted.Close()
	for _, c := range []struct {
		name, url       string
		away, unsettled bool
	}{
		{"refused", fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), true, false},
		{"no such name", "http://api.invalid", true, false},
		{"no answer", "http://" + silent.Addr().String(), true, false},
		{"closed", serverOf(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).URL, true, false},
		{"starting", answer(http.StatusServiceUnavailable), true, false},
		{"its database is away", answer(http.StatusInternalServerError), true, false},
		{"no rights yet", answer(http.StatusForbidden), false, true},
		{"unknown user", answer(http.StatusUnauthorized), false, true},
		{"no CRD", answer(http.StatusNotFound), false, false},
		{"unknown authority", encrypted.URL, false, false},
	} {
		asking, err := discovery.NewDiscoveryClientForConfig(&rest.Config{Host: c.url, Timeout: time.Second, QPS: -1})
		must(t, err)
		_, err = asking.ServerResourcesForGroupVersion(todov1.GroupVersion.String())
		if err == nil || away(err) != c.away || unsettled(err) != c.unsettled {
			t.Errorf("%s: away is %t, unsettled is %t for %v", c.name, away(err), unsettled(err), err)
		}
	}
}

func serverOf(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}
