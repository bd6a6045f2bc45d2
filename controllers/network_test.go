package controllers_test

import (
	"errors"
	"fmt"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// url awaits where the status says that browsers reach the frontend.
func (e *environment) url(app, want string) {
	e.t.Helper()
	eventually(e.t, func() error {
		var live todov1.TodoApp
		if err := e.get(app, &live); err != nil {
			return err
		}
		if live.Status.Frontend == nil || live.Status.Frontend.URL != want {
			return fmt.Errorf("the frontend is at %+v, not %q", live.Status.Frontend, want)
		}
		return nil
	})
}

func (e *environment) gone(name string, object client.Object) {
	e.t.Helper()
	eventually(e.t, func() error {
		switch err := e.get(name, object); {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		default:
			return fmt.Errorf("%T %s is still there", object, name)
		}
	})
}

func TestAnIngressComesAndGoesWithTheSpec(t *testing.T) {
	e := newEnvironment(t)
	manager := e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image = "web:1"
		a.Spec.Ingress = &todov1.IngressSpec{Host: "todo.example.com", TLSSecretName: "todo-tls"}
	})
	e.url("todo", "https://todo.example.com")
	var ingress networkingv1.Ingress
	eventually(t, func() error { return e.get("todo", &ingress) })
	var paths []string
	for _, p := range ingress.Spec.Rules[0].HTTP.Paths {
		paths = append(paths, p.Path+" "+p.Backend.Service.Name)
	}
	if got, want := fmt.Sprint(paths), "[/api/auth todo-frontend /api todo-backend / todo-frontend]"; got != want {
		t.Errorf("the Ingress sends %s, expected %s", got, want)
	}
	e.quiet(manager)
	e.touch(app, "ingress")
	if sent := e.quiet(manager); len(sent) > 0 {
		t.Errorf("a reconcile with nothing to do sent %v", sent)
	}
	for _, c := range []struct{ value, want string }{{`"10m"`, "10m"}, {"null", ""}} {
		e.merge(app, `{"spec":{"ingress":{"annotations":{"size":`+c.value+`}}}}`)
		eventually(t, func() error {
			var changed networkingv1.Ingress
			if err := e.get("todo", &changed); err != nil || changed.Annotations["size"] != c.want || changed.UID != ingress.UID {
				return fmt.Errorf("annotation size is %q, expected %q (%w)", changed.Annotations["size"], c.want, err)
			}
			return nil
		})
	}
	e.merge(app, `{"spec":{"ingress":null}}`)
	e.gone("todo", &networkingv1.Ingress{})
	e.url("todo", "")
}

func TestPoliciesComeAndGoWithTheFlag(t *testing.T) {
	e := newEnvironment(t)
	policies := func(wanted bool) func(*controllers.Reconciler) {
		return func(r *controllers.Reconciler) {
			r.Network = desired.Network{Policies: wanted, OperatorNamespace: "todoapp-system"}
		}
	}
	first := e.start(policies(true))
	app := e.app("todo", func(a *todov1.TodoApp) { a.Spec.Frontend.Image = "web:1" })
	eventually(t, func() error {
		return errors.Join(e.get("todo-frontend", &networkingv1.NetworkPolicy{}), e.get("todo-backend", &networkingv1.NetworkPolicy{}))
	})
	e.quiet(first)
	e.touch(app, "policies")
	if sent := e.quiet(first); len(sent) > 0 {
		t.Errorf("a reconcile with nothing to do sent %v", sent)
	}
	var policy networkingv1.NetworkPolicy
	must(t, e.get("todo-backend", &policy))
	rules := policy.DeepCopy().Spec.Ingress
	e.merge(&policy, `{"spec":{"ingress":null}}`)
	eventually(t, func() error {
		if err := e.get("todo-backend", &policy); err != nil || !equality.Semantic.DeepEqual(policy.Spec.Ingress, rules) {
			return fmt.Errorf("the policy that was closed by hand has the rules %v (%w)", policy.Spec.Ingress, err)
		}
		return nil
	})
	first.stop()
	e.start(policies(false))
	e.gone("todo-frontend", &networkingv1.NetworkPolicy{})
	e.gone("todo-backend", &networkingv1.NetworkPolicy{})
}
