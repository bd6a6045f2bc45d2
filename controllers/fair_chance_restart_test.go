package controllers_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// becomesReady makes the kubelet report a pod ready.
func (v *verifier) becomesReady() {
	v.e.t.Helper()
	var live corev1.Pod
	must(v.e.t, v.e.get(v.pod.Name, &live))
	live.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	must(v.e.t, v.e.client.Status().Update(v.e.t.Context(), &live))
}

// completeApp makes an app whose pods are ready and have confirmed its keys, and stops its manager.
func completeApp(e *environment) (*todov1.TodoApp, []*verifier) {
	e.t.Helper()
	manager := e.start()
	app, backends := e.rotating()
	for _, v := range backends {
		v.becomesReady()
	}
	e.phase("todo", "Stable", "")
	e.quiet(manager)
	manager.stop()
	return app, backends
}

// wasAsked awaits that a pod was asked a number of times in all.
func (v *verifier) wasAsked(times int32) {
	v.e.t.Helper()
	eventually(v.e.t, func() error {
		if got := v.asked.Load(); got < times {
			return fmt.Errorf("%s was asked %d times, not %d", v.pod.Name, got, times)
		}
		return nil
	})
}

// TestAStartWritesNothingBeforePodsHadAFairChance: a start over 300 complete apps on a busy machine wrote statuses and annotated
// pods, because the first requests to some pods took too long.
func TestAStartWritesNothingBeforePodsHadAFairChance(t *testing.T) {
	e := newEnvironment(t)
	_, backends := completeApp(e)
	unanswered := backends[1].asked.Load() + 2
	backends[1].refuses.Store(unanswered)
	manager := e.start()
	backends[1].wasAsked(unanswered + 1)
	for _, request := range e.quiet(manager) {
		if !strings.HasPrefix(request, http.MethodGet) {
			t.Errorf("nothing has changed, and the manager sent %s", request)
		}
	}
}

// TestAPodThatStaysSilentIsReported: the fair chance of a pod ends, and then the status names it.
func TestAPodThatStaysSilentIsReported(t *testing.T) {
	e := newEnvironment(t)
	_, backends := completeApp(e)
	backends[1].hangs.Store(true)
	e.start()
	eventually(t, func() error {
		var live todov1.TodoApp
		if err := e.get("todo", &live); err != nil {
			return err
		}
		for _, c := range live.Status.Conditions {
			if c.Type == todov1.ConditionKeysInSync && strings.Contains(c.Message, backends[1].pod.Name+" answers 503") {
				return nil
			}
		}
		return fmt.Errorf("no condition names the silent pod: %v", live.Status.Conditions)
	})
}

// TestARotationAwaitsAPodInDoubt: a pod without an answer confirms no key, also while its silence is not reported yet.
func TestARotationAwaitsAPodInDoubt(t *testing.T) {
	e := newEnvironment(t)
	app, backends := completeApp(e)
	backends[1].hangs.Store(true)
	e.ask(app, "rotateAfter")
	e.start()
	e.phase("todo", "Publishing", "frontend")
	e.roll(app)
	e.phase("todo", "Publishing", "todo-backend-b")
	must(t, e.condition("todo", todov1.ConditionRotationComplete, metav1.ConditionFalse, todov1.ReasonWaitingForPods))
	if key, err := e.active("todo"); err != nil || key.Version != 1 {
		t.Errorf("key %d signs, which a pod has not confirmed (%v)", key.Version, err)
	}
}
