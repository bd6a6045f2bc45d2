package controllers_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// If a keyring is lost before a revocation was carried out, the revocation stays pending until the owner asks for another one. The
// Secrets record that one, so the next loss of the keyring leaves no doubt.
func TestARevocationThatIsLostStaysPending(t *testing.T) {
	e := newEnvironment(t)
	before := transitions(t, "Recovered")
	p := e.start()
	app := e.app("todo", func(app *todov1.TodoApp) {
		app.Spec.Frontend.HandoverPeriod = &metav1.Duration{Duration: time.Second}
	})
	e.settled("todo")
	e.inSync()
	p.stop()
	e.ask(app, "revokeBefore")
	e.remove("todo-keyring")
	p = e.start()
	pending := func() error {
		return e.condition("todo", todov1.ConditionRotationComplete, metav1.ConditionFalse, todov1.ReasonRevocationPending)
	}
	complete := func() error {
		return e.condition("todo", todov1.ConditionRotationComplete, metav1.ConditionTrue, todov1.ReasonComplete)
	}
	eventually(t, pending)
	e.settled("todo")
	must(t, pending())
	if now := transitions(t, "Recovered"); now < before+1 {
		t.Errorf("%v recoveries are counted, after %v before", now, before)
	}
	e.ask(app, "revokeBefore")
	eventually(t, func() error { return e.uses("todo", 2) })
	eventually(t, complete)
	p.stop()
	e.remove("todo-keyring")
	told, _ := e.announcing()
	eventually(t, func() error { return told.told(todov1.ReasonKeyringRestored) })
	e.settled("todo")
	eventually(t, complete)

	for _, secret := range e.backup("todo-frontend-auth", "todo-backend-auth") {
		if secret.Annotations[todov1.AnnotationRevokedBefore] == "" {
			t.Errorf("Secret %s does not record the revocation", secret.Name)
		}
	}
}

// transitions returns how many transitions of an action the operator has counted.
func transitions(t *testing.T, action string) float64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	must(t, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "todoapp_key_transitions_total" && m.GetLabel()[0].GetValue() == action {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("there is no series of action %s", action)
	return 0
}
