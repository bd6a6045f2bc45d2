package controllers

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// indexApp is the name of the index of cached objects by the app that their label names.
const indexApp = "app"

// IndexTodoApps adds to a cache the index of TodoApps by the Secrets that they name, which the controller and the webhook search.
func IndexTodoApps(ctx context.Context, indexer client.FieldIndexer) error {
	bySecret := func(object client.Object) []string {
		if app, ok := object.(*todov1.TodoApp); ok {
			return desired.NamedSecrets(app)
		}
		return nil
	}
	if err := indexer.IndexField(ctx, &todov1.TodoApp{}, desired.IndexNamedSecrets, bySecret); err != nil {
		return fmt.Errorf("indexing TodoApps: %w", err)
	}
	bySource := func(object client.Object) []string {
		if app, ok := object.(*todov1.TodoApp); ok {
			return desired.SourceObjects(app)
		}
		return nil
	}
	if err := indexer.IndexField(ctx, &todov1.TodoApp{}, desired.IndexSources, bySource); err != nil {
		return fmt.Errorf("indexing TodoApps by their sources: %w", err)
	}
	return nil
}

// index adds all indexes to a cache. Without them every reconcile would scan its namespace.
func index(ctx context.Context, indexer client.FieldIndexer) error {
	byApp := func(object client.Object) []string { return []string{object.GetLabels()[todov1.LabelApp]} }
	for _, object := range watched() {
		if err := indexer.IndexField(ctx, object, indexApp, byApp); err != nil {
			return fmt.Errorf("indexing the objects of apps: %w", err)
		}
	}
	return IndexTodoApps(ctx, indexer)
}

// belonging returns the options of a list of an app's objects. The cache finds them by the index, the API server by the label.
func (r *Reconciler) belonging(reader client.Reader, app *todov1.TodoApp) []client.ListOption {
	in := client.InNamespace(app.Namespace)
	if reader == r.Live {
		return []client.ListOption{in, client.MatchingLabels{todov1.LabelApp: app.Name}}
	}
	return []client.ListOption{in, client.MatchingFields{indexApp: app.Name}}
}

// naming returns the cached TodoApps of a namespace that name one of the Secrets. They must not be changed.
func (r *Reconciler) naming(ctx context.Context, namespace string, secrets []string) ([]todov1.TodoApp, error) {
	var found []todov1.TodoApp
	seen := map[string]bool{}
	for _, secret := range secrets {
		var apps todov1.TodoAppList
		err := r.Client.List(ctx, &apps, client.InNamespace(namespace),
			client.MatchingFields{desired.IndexNamedSecrets: secret}, client.UnsafeDisableDeepCopy)
		if err != nil {
			return nil, fmt.Errorf("finding the TodoApps that name Secret %s: %w", secret, err)
		}
		for i := range apps.Items {
			if name := apps.Items[i].Name; !seen[name] {
				seen[name] = true
				found = append(found, apps.Items[i])
			}
		}
	}
	return found, nil
}

// rivals returns the other TodoApps that name a Secret which the operator writes for an app. The cached index names the
// candidates. A live plan then reads each of them from the API server.
func (r *Reconciler) rivals(ctx context.Context, reader client.Reader, app *todov1.TodoApp) ([]todov1.TodoApp, error) {
	candidates, err := r.naming(ctx, app.Namespace, desired.Secrets(app))
	if err != nil {
		return nil, err
	}
	var found []todov1.TodoApp
	for i := range candidates {
		rival := &candidates[i]
		if rival.UID == app.UID {
			continue
		}
		if reader == r.Live {
			rival = &todov1.TodoApp{}
			if err := r.Live.Get(ctx, client.ObjectKeyFromObject(&candidates[i]), rival); client.IgnoreNotFound(err) != nil {
				return nil, fmt.Errorf("reading TodoApp %s: %w", candidates[i].Name, err)
			} else if err != nil {
				continue
			}
		}
		found = append(found, onlyNames(rival))
	}
	return found, nil
}

// onlyNames returns of another app what decisions read: its identity, its age, and the Secrets that it names. A rival may be large.
func onlyNames(app *todov1.TodoApp) todov1.TodoApp {
	var kept todov1.TodoApp
	kept.Namespace, kept.Name, kept.UID = app.Namespace, app.Name, app.UID
	kept.CreationTimestamp, kept.DeletionTimestamp = app.CreationTimestamp, app.DeletionTimestamp
	kept.Spec.Frontend.SecretRef, kept.Spec.Backend.SecretRef = app.Spec.Frontend.SecretRef, app.Spec.Backend.SecretRef
	kept.Spec.Auth.Source = app.Spec.Auth.Source
	return kept
}
