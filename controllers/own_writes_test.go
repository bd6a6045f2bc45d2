package controllers

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// versions is a cache of Secrets, by name, of which only the resourceVersion is read.
type versions struct {
	client.Client
	shown map[string]string
}

func (versions) Scheme() *runtime.Scheme { return clientgoscheme.Scheme }

func (v versions) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	version, ok := v.shown[key.Name]
	if !ok {
		return apierrors.NewNotFound(corev1.Resource("secrets"), key.Name)
	}
	into.SetResourceVersion(version)
	return nil
}

// TestOwnWrites: a reconcile waits for each write of the one before, and for no longer than the longest lag.
func TestOwnWrites(t *testing.T) {
	secret := corev1.SchemeGroupVersion.WithKind("Secret")
	for name, c := range map[string]struct {
		write ownWrite
		after string
		shown map[string]string
		want  lag
	}{
		"nothing was written":            {ownWrite{secret, "a", "7"}, "7", map[string]string{"a": "7"}, inStep},
		"a creation that is not shown":   {ownWrite{secret, "a", ""}, "8", nil, behind},
		"a creation that is shown":       {ownWrite{secret, "a", ""}, "8", map[string]string{"a": "8"}, inStep},
		"an update that is not shown":    {ownWrite{secret, "a", "7"}, "8", map[string]string{"a": "7"}, behind},
		"an update that is shown":        {ownWrite{secret, "a", "7"}, "8", map[string]string{"a": "8"}, inStep},
		"an update, and a later one":     {ownWrite{secret, "a", "7"}, "8", map[string]string{"a": "9"}, inStep},
		"an update, and then a deletion": {ownWrite{secret, "a", "7"}, "8", nil, inStep},
		"a deletion that is not shown":   {ownWrite{secret, "a", "7"}, "", map[string]string{"a": "7"}, behind},
		"a status that is not shown":     {ownWrite{todov1.GroupVersion.WithKind("TodoApp"), "todo", "1"}, "2", nil, behind},
		"a status that is shown":         {ownWrite{todov1.GroupVersion.WithKind("TodoApp"), "todo", "0"}, "1", nil, inStep},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &Reconciler{Client: versions{shown: c.shown}}
				app := &todov1.TodoApp{}
				app.Namespace, app.Name, app.ResourceVersion = "ns", "todo", "1"
				r.ownWrites.note(client.ObjectKeyFromObject(app), c.write, c.after)
				expectLag(t, r, app, c.want)
				expectLag(t, r, app, c.want) // a reconcile that waited has not forgotten
				if c.want == inStep {
					return
				}
				<-time.After(longestLag + time.Millisecond)
				expectLag(t, r, app, tooLong)
				expectLag(t, r, app, inStep) // it was planned on live reads
			})
		})
	}
}

func expectLag(t *testing.T, r *Reconciler, app *todov1.TodoApp, want lag) {
	t.Helper()
	if got, err := r.lagOf(t.Context(), app); err != nil || got != want {
		t.Errorf("lag %d, want %d (%v)", got, want, err)
	}
}
