package controllers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
)

// says returns an error unless a condition has a reason and its message holds a text.
func (e *environment) says(app, kind, reason, text string) error {
	var live todov1.TodoApp
	if err := e.get(app, &live); err != nil {
		return err
	}
	c := meta.FindStatusCondition(live.Status.Conditions, kind)
	if c == nil || c.Reason != reason || !strings.Contains(c.Message, text) {
		return fmt.Errorf("condition %s is %+v, not %s with %q", kind, c, reason, text)
	}
	return nil
}

// TestCausesOutsideThePodsStatus plays the kubelet for pods that do not start: their status says ContainerCreating or counts
// crashes, and the cause is a Secret that does not exist or an Event.
func TestCausesOutsideThePodsStatus(t *testing.T) {
	e := newEnvironment(t)
	e.start(func(r *controllers.Reconciler) { // pods count as older than startPatience
		r.Now = func() time.Time { return time.Now().Add(time.Minute) }
	})
	app := e.app("todo")
	e.settled("todo")
	pod := e.pod(app, todov1.ComponentBackend, "todo-backend-a", nil, func(p *corev1.Pod) {
		p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "DATABASE_URL", ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}, Key: "url"}}}}
	})
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", Image: "main", RestartCount: 3,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: 137, Reason: "Error"}}}}
	must(t, e.client.Status().Update(t.Context(), pod))
	available := func(reason, text string) {
		t.Helper()
		eventually(t, func() error { return e.says("todo", todov1.ConditionBackendAvailable, reason, text) })
	}
	available(todov1.ReasonSecretMissing, "Secret db not found")
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "db"},
		StringData: map[string]string{"uri": "x"}}
	must(t, e.client.Create(t.Context(), secret))
	e.touch(app, "created")
	available(todov1.ReasonSecretMissing, "Secret db has no entry url")
	e.merge(secret, `{"stringData":{"url":"x"}}`)
	e.touch(app, "corrected")
	available(todov1.ReasonCrashing, "code 137")

	pod.Status.ContainerStatuses[0].State.Waiting.Reason = "ContainerCreating"
	must(t, e.client.Status().Update(t.Context(), pod))
	for i, note := range []string{
		`Unable to attach or mount volumes: unmounted volumes=[data]: timed out waiting for the condition`,
		`Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) todo-backend-b`,
	} {
		must(t, e.client.Create(t.Context(), &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: e.namespace, GenerateName: "todo-backend-a."},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: e.namespace, Name: pod.Name, UID: pod.UID},
			Type:           corev1.EventTypeWarning, Reason: "FailedAttachVolume", Message: note,
			LastTimestamp: metav1.NewTime(time.Now().Add(time.Duration(i) * time.Second)),
		}))
	}
	e.touch(app, "attached elsewhere")
	available(todov1.ReasonMountFailed, "Multi-Attach error")
}
