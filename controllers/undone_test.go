package controllers_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// undoing is a client whose applies of a Secret are undone at once, as by a GitOps tool that holds an earlier version of it.
type undoing struct {
	client.Client
	secret string
	undo   func() error
}

func (u undoing) Apply(ctx context.Context, config runtime.ApplyConfiguration, options ...client.ApplyOption) error {
	if err := u.Client.Apply(ctx, config, options...); err != nil {
		return err
	}
	applied, err := runtime.DefaultUnstructuredConverter.ToUnstructured(config)
	if err != nil {
		return err
	}
	object := unstructured.Unstructured{Object: applied}
	if object.GetKind() != "Secret" || object.GetName() != u.secret {
		return nil
	}
	return u.undo()
}

// TestTheStatusTellsOfAWriteThatIsUndone fails if an app has no status of a rotation because another client undoes each write of a
// Secret: every reconcile then waits for nothing but what it has just written.
func TestTheStatusTellsOfAWriteThatIsUndone(t *testing.T) {
	e := newEnvironment(t)
	var secret corev1.Secret
	var before string
	undo := func() error {
		object := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: secret.Name}}
		patch := fmt.Sprintf(`{"stringData":{%q:%q}}`, keyring.EntrySecrets, before)
		return e.client.Patch(t.Context(), object, client.RawPatch(types.MergePatchType, []byte(patch)))
	}
	e.start(func(r *controllers.Reconciler) { r.Client = undoing{r.Client, "todo-frontend-auth", undo} })
	app := e.app("todo")
	e.settled("todo")
	e.phase("todo", "Stable", "")
	must(t, e.get("todo-frontend-auth", &secret))
	before = string(secret.Data[keyring.EntrySecrets])
	e.ask(app, "rotateAfter")
	e.phase("todo", "Publishing", keyring.FrontendProjection)
	must(t, e.observed("todo", 2))
}
