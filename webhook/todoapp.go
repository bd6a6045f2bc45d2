package webhook

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
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
	refusals := append(checkEnv(app), checkNames(app)...)
	warnings := warnURL(app)
	if old != nil {
		refusals = append(refusals, checkStorage(old, app)...)
	}
	// What an update leaves as it was has been decided before, and is not held against it.
	if old == nil || !sameReferences(old, app) {
		more, moreWarnings, err := v.validateReferences(ctx, app)
		if err != nil {
			return nil, apierrors.NewInternalError(err)
		}
		refusals, warnings = append(refusals, more...), append(warnings, moreWarnings...)
	}
	return warnings, invalid("TodoApp", app.Name, refusals)
}

func (v todoAppValidator) validateReferences(ctx context.Context, app *todov1.TodoApp) (field.ErrorList, []string, error) {
	var names []string
	for _, ref := range references(app) {
		names = append(names, ref.name)
	}
	slices.Sort(names)
	found, err := lookup[corev1.Secret](ctx, v.reader, app.Namespace, slices.Compact(names))
	if err != nil {
		return nil, nil, fmt.Errorf("looking up Secrets: %w", err)
	}
	refusals, warnings := checkSource(app, found)
	return append(checkReferences(app, found), refusals...), warnings, nil
}

func sameReferences(old, app *todov1.TodoApp) bool {
	before, after := old.Spec.Auth.Source, app.Spec.Auth.Source
	sameSource := before == nil && after == nil || before != nil && after != nil && *before == *after
	return sameSource && slices.EqualFunc(sides(old), sides(app), func(a, b reference) bool { return a.name == b.name })
}
