package controllers_test

import (
	"errors"
	"fmt"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// url awaits where the status says that browsers reach the frontend.
func (b *bench) url(app, want string) {
	b.t.Helper()
	eventually(b.t, func() error {
		var live todov1.TodoApp
		if err := b.get(app, &live); err != nil {
			return err
		}
		if live.Status.Frontend == nil || live.Status.Frontend.URL != want {
			return fmt.Errorf("the frontend is at %+v, not %q", live.Status.Frontend, want)
		}
		return nil
	})
}

func (b *bench) gone(name string, object client.Object) {
	b.t.Helper()
	eventually(b.t, func() error {
		switch err := b.get(name, object); {
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
	b := newBench(t)
	manager := b.start()
	app := b.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image = "web:1"
		a.Spec.Ingress = &todov1.IngressSpec{Host: "todo.example.com", TLSSecretName: "todo-tls"}
	})
	b.url("todo", "https://todo.example.com")
	var ingress networkingv1.Ingress
	eventually(t, func() error { return b.get("todo", &ingress) })
	var paths []string
	for _, p := range ingress.Spec.Rules[0].HTTP.Paths {
		paths = append(paths, p.Path+" "+p.Backend.Service.Name)
	}
	if got, want := fmt.Sprint(paths), "[/api/auth todo-frontend /api todo-backend / todo-frontend]"; got != want {
		t.Errorf("the Ingress sends %s, expected %s", got, want)
	}
	b.quiet(manager)
	b.touch(app, "ingress")
	if sent := b.quiet(manager); len(sent) > 0 {
		t.Errorf("a reconcile with nothing to do sent %v", sent)
	}
	b.merge(app, `{"spec":{"ingress":null}}`)
	b.gone("todo", &networkingv1.Ingress{})
	b.url("todo", "")
}

func TestPoliciesComeAndGoWithTheFlag(t *testing.T) {
	b := newBench(t)
	policies := func(wanted bool) func(*controllers.Reconciler) {
		return func(r *controllers.Reconciler) {
			r.Network = desired.Network{Policies: wanted, OperatorNamespace: "todoapp-system"}
		}
	}
	first := b.start(policies(true))
	app := b.app("todo", func(a *todov1.TodoApp) { a.Spec.Frontend.Image = "web:1" })
	eventually(t, func() error {
		return errors.Join(b.get("todo-frontend", &networkingv1.NetworkPolicy{}), b.get("todo-backend", &networkingv1.NetworkPolicy{}))
	})
	b.quiet(first)
	b.touch(app, "policies")
	if sent := b.quiet(first); len(sent) > 0 {
		t.Errorf("a reconcile with nothing to do sent %v", sent)
	}
	first.stop()
	b.start(policies(false))
	b.gone("todo-frontend", &networkingv1.NetworkPolicy{})
	b.gone("todo-backend", &networkingv1.NetworkPolicy{})
}
