package webhook

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// todoAppValidator gathers what a decision about a TodoApp needs and leaves the decision to the rules.
type todoAppValidator struct {
	reader client.Reader
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
	var found secrets
	if !sameReferences(old, app) {
		var err error
		if found, err = lookup[corev1.Secret](ctx, v.reader, app.Namespace, names(references(app))); err != nil {
			return nil, undecided(fmt.Errorf("looking up Secrets: %w", err))
		}
	}
	refusals, warnings := checkTodoApp(old, app, found)
	return warnings, invalid("TodoApp", app.Name, refusals)
}
