package controllers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// There is no kubelet beside the test's API server, so the tests play it: pods of the embedded API answer on addresses
// of the loopback range, and hold what their Secret held when they were last touched.

var address atomic.Uint32

// verifier is a pod of the embedded API.
type verifier struct {
	e        *environment
	pod      *corev1.Pod
	mutex    sync.Mutex
	touched  string
	versions []int64
	store    string
	hangs    atomic.Bool
	asked    atomic.Int32
	// refuses is the number of requests up to which the pod gives no answer.
	refuses atomic.Int32
}

// listen listens on the operations port of an address that no other test uses, nor another run of the tests on this machine.
func (e *environment) listen() (net.Listener, string) {
	e.t.Helper()
	for {
		n := address.Add(1)
		ip := fmt.Sprintf("127.1.%d.%d", n/250, n%250+1)
		listener, err := (&net.ListenConfig{}).Listen(e.t.Context(), "tcp", fmt.Sprintf("%s:%d", ip, desired.OperationsPort))
		if !errors.Is(err, syscall.EADDRINUSE) {
			must(e.t, err)
			return listener, ip
		}
	}
}

// verifier starts a pod that mounts the backend's Secret as it is now.
func (e *environment) verifier(app *todov1.TodoApp, name string) *verifier {
	e.t.Helper()
	v := &verifier{e: e, pod: e.pod(app, todov1.ComponentBackend, name, nil)}
	v.load()
	listener, ip := e.listen()
	server := &http.Server{Handler: v, ReadHeaderTimeout: time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	e.t.Cleanup(func() { _ = server.Close(); <-done })
	v.pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip}
	must(e.t, e.client.Status().Update(e.t.Context(), v.pod))
	return v
}

// pod creates a pod of the operator's for an app, on a node.
func (e *environment) pod(app *todov1.TodoApp, component, name string, annotations map[string]string,
	change ...func(*corev1.Pod),
) *corev1.Pod {
	e.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: e.namespace, Name: name, Labels: desired.Labels(app, component), Annotations: annotations,
		},
		Spec: corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "main", Image: "main"}}},
	}
	for _, c := range change {
		c(pod)
	}
	must(e.t, controllerutil.SetControllerReference(e.replicaSet(app, component), pod, e.client.Scheme()))
	must(e.t, e.client.Create(e.t.Context(), pod))
	return pod
}

// replicaSet returns a ReplicaSet of a component's Deployment, as the Deployment controller would make it.
func (e *environment) replicaSet(app *todov1.TodoApp, component string) *appsv1.ReplicaSet {
	e.t.Helper()
	name := app.Name + "-" + component
	var deployment appsv1.Deployment
	eventually(e.t, func() error { return e.get(name, &deployment) })
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name + "-rs", Labels: desired.Labels(app, component)},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32), Selector: deployment.Spec.Selector, Template: deployment.Spec.Template,
		},
	}
	must(e.t, controllerutil.SetControllerReference(&deployment, rs, e.client.Scheme()))
	if err := e.client.Create(e.t.Context(), rs); apierrors.IsAlreadyExists(err) {
		must(e.t, e.get(rs.Name, rs))
	} else {
		must(e.t, err)
	}
	return rs
}

// load reads the Secret as the kubelet would mount it.
func (v *verifier) load() {
	var secret corev1.Secret
	if v.e.get(v.pod.Labels[todov1.LabelApp]+"-backend-auth", &secret) != nil {
		return
	}
	entries, err := keyring.ParseList(string(secret.Data[keyring.EntrySecrets]))
	if err != nil {
		return
	}
	v.versions = nil
	for _, e := range entries {
		v.versions = append(v.versions, e.Version)
	}
}

// ServeHTTP answers as the operations port of the task API does.
func (v *verifier) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	asked := v.asked.Add(1)
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.hangs.Load() || asked <= v.refuses.Load() {
		http.Error(w, "hanging", http.StatusServiceUnavailable)
		return
	}
	var pod corev1.Pod
	if v.e.client.Get(context.Background(), client.ObjectKeyFromObject(v.pod), &pod) == nil &&
		pod.Annotations[todov1.AnnotationRefresh] != v.touched {
		v.touched = pod.Annotations[todov1.AnnotationRefresh]
		v.load()
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"versions": v.versions, "active": v.versions[0], "store": v.store})
}

// trusts returns what the pod trusts now.
func (v *verifier) trusts() []int64 {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.versions
}

// roll replaces the frontend pods of an app by ones of the Deployment's present template, as a rolling update ends.
func (e *environment) roll(app *todov1.TodoApp) { e.rollBut(app, "") }

// rollBut leaves one pod as it is.
func (e *environment) rollBut(app *todov1.TodoApp, spared string) {
	e.t.Helper()
	var d appsv1.Deployment
	must(e.t, e.get(app.Name+"-frontend", &d))
	old := &corev1.PodList{}
	must(e.t, e.client.List(e.t.Context(), old, client.InNamespace(e.namespace),
		client.MatchingLabels(desired.Selector(app, todov1.ComponentFrontend))))
	keys := d.Spec.Template.Annotations[todov1.AnnotationKeys]
	for i := range 2 {
		e.pod(app, todov1.ComponentFrontend, fmt.Sprintf("%s-frontend-%d-%d", app.Name, d.Generation, i),
			map[string]string{todov1.AnnotationKeys: keys})
	}
	for i := range old.Items {
		if old.Items[i].Name == spared {
			continue
		}
		must(e.t, e.client.Delete(e.t.Context(), &old.Items[i], client.GracePeriodSeconds(0)))
	}
}
