package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// todoAppValidator reads the objects that the rules about a TodoApp need, and applies the rules.
type todoAppValidator struct {
	// reader is live. The cache finds TodoApps by the Secrets that they name.
	reader, cache client.Reader
}

// ValidateCreate implements admission.Validator.
func (v todoAppValidator) ValidateCreate(ctx context.Context, app *todov1.TodoApp) (admission.Warnings, error) {
	return v.validate(ctx, nil, app)
}

// ValidateUpdate implements admission.Validator.
func (v todoAppValidator) ValidateUpdate(ctx context.Context, old, app *todov1.TodoApp) (admission.Warnings, error) {
	if !app.DeletionTimestamp.IsZero() {
		return nil, nil
	}
	return v.validate(ctx, old, app)
}

// ValidateDelete implements admission.Validator; deletes are never hooked.
func (todoAppValidator) ValidateDelete(context.Context, *todov1.TodoApp) (admission.Warnings, error) {
	return nil, nil
}

func (v todoAppValidator) validate(ctx context.Context, old, app *todov1.TodoApp) (admission.Warnings, error) {
	if app.Undecodable != "" {
		return checkUndecodable(old, app)
	}
	if old != nil && old.Undecodable != "" {
		old = nil // the update repairs the app, so all of its spec is new
	}
	found, others, err := v.gather(ctx, old, app)
	if err != nil {
		return nil, undecided(fmt.Errorf("looking up Secrets and TodoApps: %w", err))
	}
	_, wholeMaps := newlyInjected(old, app)
	configMaps, err := getAll(ctx, v.reader, app.Namespace, union(wholeMaps, nil), trimToReserved)
	if err != nil {
		return nil, undecided(fmt.Errorf("looking up ConfigMaps: %w", err))
	}
	refusals, warnings := checkTodoApp(old, app, found, others)
	refusals = append(refusals, checkConfigMaps(app, configMaps)...)
	if len(refusals) == 0 {
		warnings = append(warnings, warnAdopted(app, newReferences(old, app), found)...)
	}
	if old != nil && len(refusals) == 0 {
		warnings = append(warnings, warnLeft(old, app)...)
	}
	return warnings, invalid("TodoApp", app.Name, refusals)
}

// gather reads the Secrets that the app newly refers to or injects. If a newly referenced one exists, gather also reads the
// app's other Secrets and the TodoApps that name it too, concurrently.
func (v todoAppValidator) gather(ctx context.Context, old, app *todov1.TodoApp) (secrets, []todov1.TodoApp, error) {
	anew := newReferences(old, app)
	injected, _ := newlyInjected(old, app)
	read := union(names(anew), injected)
	found, err := getAll[corev1.Secret](ctx, v.reader, app.Namespace, read, trimFor(app))
	exists := slices.ContainsFunc(anew, func(ref reference) bool { return found[ref.name] != nil })
	if err != nil || !exists {
		return found, nil, err
	}
	unread := slices.DeleteFunc(names(references(app)), func(name string) bool { return slices.Contains(read, name) })
	var more secrets
	var others []todov1.TodoApp
	var errs [2]error
	var reads sync.WaitGroup
	reads.Go(func() { more, errs[0] = getAll[corev1.Secret](ctx, v.reader, app.Namespace, unread, trimFor(app)) })
	reads.Go(func() { others, errs[1] = v.others(ctx, app.Namespace, ofComponents(anew), found) })
	reads.Wait()
	maps.Copy(found, more)
	return found, others, errors.Join(errs[:]...)
}

// others returns the TodoApps that name an existing Secret which a component newly names and which belongs to no app: another
// app may read that Secret as its source, or be about to adopt it.
func (v todoAppValidator) others(ctx context.Context, namespace string, anew []reference, found secrets) ([]todov1.TodoApp, error) {
	unowned := func(ref reference) bool { return found[ref.name] != nil && desired.Owner(found[ref.name]) == "" }
	anew = slices.DeleteFunc(anew, func(ref reference) bool { return !unowned(ref) })
	return appsNaming(ctx, v.cache, v.reader, namespace, names(anew))
}

// union returns the sorted names of both slices, each once.
func union(some, more []string) []string {
	all := slices.Sorted(slices.Values(slices.Concat(some, more)))
	return slices.Compact(all)
}

// checkUndecodable rejects a spec that the operator cannot decode, unless it was stored before: such an app can still be
// labelled or deleted.
func checkUndecodable(old, app *todov1.TodoApp) (admission.Warnings, error) {
	message := "cannot be decoded: " + app.Undecodable
	if old != nil && old.Undecodable != "" {
		return admission.Warnings{"spec " + message + ": correct that value, the operator reconciles nothing of this app until then"}, nil
	}
	return nil, invalid("TodoApp", app.Name, field.ErrorList{refuse(ruleSpec, field.NewPath("spec"), message)})
}
