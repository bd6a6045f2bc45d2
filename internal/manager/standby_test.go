package manager

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// managerArguments is the variable that makes the test binary run a manager with the given flags instead of tests.
const managerArguments = "TEST_MANAGER_ARGUMENTS"

// replica is a manager in a process of its own, whose requests pass through the test.
type replica struct {
	command *exec.Cmd
	log     safeLog
	proxy   *httptest.Server
	// lists counts the first lists of objects: a cache that is filled.
	lists atomic.Int32
	// away makes the proxy close connections without an answer, which refused counts.
	away    atomic.Bool
	refused atomic.Int32
	// forbidding is the number of requests that get 403, as from an API server that starts.
	forbidding atomic.Int32
	ended      sync.WaitGroup
}

// safeLog is a log that a test reads while a process writes it.
type safeLog struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

// Write implements io.Writer.
func (l *safeLog) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

// String returns everything that was logged.
func (l *safeLog) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// counting returns a handler that counts a request and passes it on, unless the API server is away.
func (r *replica) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if r.away.Load() {
			r.refused.Add(1)
			panic(http.ErrAbortHandler) // closes the connection
		}
		if r.forbidding.Add(-1) >= 0 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if q.URL.Query().Get("sendInitialEvents") == "true" || q.URL.Query().Get("resourceVersion") == "0" {
			r.lists.Add(1)
		}
		next.ServeHTTP(w, q)
	})
}

// startReplica starts a manager that competes for a lease.
func startReplica(t *testing.T, namespace string, flags ...string) *replica {
	t.Helper()
	r := newReplica(t)
	r.start(t, namespace, flags...)
	return r
}

// newReplica returns a replica that has not been started.
func newReplica(t *testing.T) *replica {
	t.Helper()
	target, err := url.Parse(apiServer.Host)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.Transport, err = rest.TransportFor(apiServer)
	must(t, err)
	r := &replica{}
	r.proxy = httptest.NewServer(r.counting(proxy))
	t.Cleanup(r.proxy.Close)
	return r
}

// start starts the process, which ends with the test.
func (r *replica) start(t *testing.T, namespace string, flags ...string) {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"test": {Server: r.proxy.URL}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test"}},
		CurrentContext: "test",
	}, kubeconfig))
	r.command = exec.CommandContext(t.Context(), os.Args[0])
	r.command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, managerArguments+"="+strings.Join(append([]string{
		"--task-api-image=image", "--namespace=" + namespace, "--watch-namespaces=" + namespace, "--webhook=false", "--leader-elect",
		"--metrics-listen=0", "--health-listen=0", "--leader-election-id=standby-test",
		"--leader-election-lease-duration=3s", "--leader-election-renew-deadline=2s",
	}, flags...), " "))
	r.command.Stdout, r.command.Stderr = &r.log, &r.log
	must(t, r.command.Start())
	r.ended.Go(func() { _ = r.command.Wait() })
	t.Cleanup(func() {
		r.kill()
		if t.Failed() {
			t.Logf("the log of a manager:\n%s", &r.log)
		}
	})
}

// kill ends the process without a chance to give up its lease.
func (r *replica) kill() {
	_ = r.command.Process.Kill()
	r.ended.Wait()
}

// TestAStandbyIsWarm kills the leader. The other replica has filled its caches before and fills none when it takes over.
func TestAStandbyIsWarm(t *testing.T) {
	admin := newAdmin(t)
	namespace := newNamespace(t, admin)
	create := func(name string) func(context.Context) error {
		must(t, admin.Create(t.Context(), &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}))
		return func(ctx context.Context) error {
			return admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name + "-keyring"}, &corev1.Secret{})
		}
	}
	leader := startReplica(t, namespace)
	await(t, create("first"))
	standby := startReplica(t, namespace)
	await(t, func(context.Context) error {
		if lists, all := standby.lists.Load(), leader.lists.Load(); lists < all {
			return fmt.Errorf("the standby has filled %d of %d caches", lists, all)
		}
		return nil
	})
	before := standby.lists.Load()
	leader.kill()
	killed := time.Now()
	await(t, create("second"))
	t.Logf("a new app had its keys %s after the leader was killed, with a lease of 3s", time.Since(killed))
	if more := standby.lists.Load() - before; more > 0 || before < 10 {
		t.Errorf("the standby filled %d caches before it took over and %d after", before, more)
	}
	var lease coordinationv1.Lease
	must(t, admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "standby-test"}, &lease))
	if n := lease.Spec.LeaseTransitions; n == nil || *n != 1 {
		t.Errorf("the lease has changed hands %v times", n)
	}
}
