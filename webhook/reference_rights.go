package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// ReferenceRights says what happens to a review that refers to an object which its user may not read.
type ReferenceRights string

const (
	// Enforce refuses the review.
	Enforce ReferenceRights = "Enforce"
	// Warn admits it with a warning.
	Warn ReferenceRights = "Warn"
	// Off asks nothing.
	Off ReferenceRights = "Off"
)

// UnmarshalText implements encoding.TextUnmarshaler, for a flag.
func (r *ReferenceRights) UnmarshalText(text []byte) error {
	switch ReferenceRights(text) {
	case Enforce, Warn, Off:
		*r = ReferenceRights(text)
		return nil
	default:
		return fmt.Errorf("%q must be Enforce, Warn or Off", text)
	}
}

// MarshalText implements encoding.TextMarshaler.
func (r ReferenceRights) MarshalText() ([]byte, error) { return []byte(r), nil }

// guard bounds what a review refers to and judges new references with the rights of the user who makes them, before the
// rules of the inner validator read anything. Otherwise a user who may write TodoApps alone could print any Secret of the
// namespace, by having a pod read it.
type guard[T client.Object] struct {
	inner  admission.Validator[T]
	kind   string
	client client.Client
	mode   ReferenceRights
	// at is the path of the bounded field.
	at *field.Path
	// size counts what accesses would list. Both are called only for objects that applies reports.
	size     func(T) int
	accesses func(T) []access
	applies  func(T) bool
}

// ValidateCreate implements admission.Validator.
func (g guard[T]) ValidateCreate(ctx context.Context, object T) (admission.Warnings, error) {
	if !g.applies(object) {
		return g.inner.ValidateCreate(ctx, object) //nolint:wrapcheck // the answer to the client as it is
	}
	warnings, err := g.check(ctx, nil, object)
	if err != nil {
		return warnings, err
	}
	more, err := g.inner.ValidateCreate(ctx, object)
	return append(warnings, more...), err
}

// ValidateUpdate implements admission.Validator.
func (g guard[T]) ValidateUpdate(ctx context.Context, old, object T) (admission.Warnings, error) {
	if !g.applies(object) || !object.GetDeletionTimestamp().IsZero() {
		return g.inner.ValidateUpdate(ctx, old, object) //nolint:wrapcheck // the answer to the client as it is
	}
	var before []access
	if g.applies(old) && g.size(old) <= maxEntries {
		before = g.accesses(old)
	}
	warnings, err := g.check(ctx, before, object)
	if err != nil {
		return warnings, err
	}
	more, err := g.inner.ValidateUpdate(ctx, old, object)
	return append(warnings, more...), err
}

// ValidateDelete implements admission.Validator.
func (g guard[T]) ValidateDelete(ctx context.Context, object T) (admission.Warnings, error) {
	return g.inner.ValidateDelete(ctx, object) //nolint:wrapcheck // the answer to the client as it is
}

// check returns a refusal if the object refers to too much, or adds references that its user may not make.
func (g guard[T]) check(ctx context.Context, before []access, object T) (admission.Warnings, error) {
	if refusals := checkSize(g.size(object), g.at); len(refusals) > 0 {
		return nil, invalid(g.kind, object.GetName(), refusals)
	}
	all := g.accesses(object)
	if refusals := checkNumber(all, g.at); len(refusals) > 0 {
		return nil, invalid(g.kind, object.GetName(), refusals)
	}
	added := newAccesses(before, all)
	if g.mode == Off || len(added) == 0 {
		return nil, nil
	}
	denied, err := g.denied(ctx, object, added)
	if err != nil {
		return nil, undecided(fmt.Errorf("asking what the user may read: %w", err))
	}
	refusals := checkRights(added, denied)
	if g.mode == Enforce {
		return nil, invalid(g.kind, object.GetName(), refusals)
	}
	var warnings admission.Warnings
	for _, r := range refusals {
		warnings = append(warnings, r.Field+": "+r.Detail)
	}
	return warnings, nil
}

// checkRights refuses accesses to objects that the user may not get, one access for each object, and tokens.
func checkRights(added []access, denied sets.Set[target]) field.ErrorList {
	var refusals field.ErrorList
	said := sets.New[target]()
	for _, a := range added {
		switch {
		case a.token:
			refusals = append(refusals, refuse(ruleToken, a.at,
				"projects a service account's token, which lets the pod act for that account: remove it"))
		case denied.Has(a.target) && !said.Has(a.target):
			said.Insert(a.target)
			refusals = append(refusals, refuse(ruleRights, a.at, fmt.Sprintf(
				"you may not get %s %q: refer to another, or ask for the right to get it", a.kind, a.name)))
		}
	}
	return refusals
}

// denied returns the objects of new accesses that the requesting user may not get. All are asked for at the same time.
func (g guard[T]) denied(ctx context.Context, object T, added []access) (sets.Set[target], error) {
	request, err := admission.RequestFromContext(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says that the context has no request
	}
	namespace, targets := object.GetNamespace(), map[target]bool{} // by object: whether it is read, not only adopted
	for _, a := range added {
		if !a.token {
			targets[a.target] = targets[a.target] || !a.adopts
		}
	}
	var lock sync.Mutex
	var errs []error
	denied := sets.New[target]()
	err = atOnce(ctx, slices.Collect(maps.Keys(targets)), func(t target) {
		allowed, err := mayGet(ctx, g.client, request, namespace, t)
		lock.Lock()
		defer lock.Unlock()
		errs = append(errs, err)
		if err == nil && !allowed {
			denied.Insert(t)
		}
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	for t := range denied {
		if targets[t] {
			continue
		}
		nothing, err := adoptsNothing(ctx, g.client, object, t.name)
		if err != nil {
			return nil, err
		}
		if nothing {
			denied.Delete(t)
		}
	}
	return denied, nil
}

// mayGet asks the API server whether the user of a request may get an object. The review is local to the namespace, so that a
// Role is enough to create it.
func mayGet(ctx context.Context, c client.Client, request admission.Request, namespace string, t target) (bool, error) {
	user, resource := request.UserInfo, "secrets"
	if t.kind == fromConfigMap {
		resource = "configmaps"
	}
	review := &authorizationv1.LocalSubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, Groups: user.Groups, UID: user.UID,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "get", Version: "v1", Resource: resource, Name: t.name,
		},
	}}
	review.Namespace = namespace
	if len(user.Extra) > 0 {
		review.Spec.Extra = make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	}
	for key, value := range user.Extra {
		review.Spec.Extra[key] = authorizationv1.ExtraValue(value)
	}
	if err := c.Create(ctx, review); err != nil {
		return false, fmt.Errorf("reviewing access to %s %q: %w", t.kind, t.name, err)
	}
	return review.Status.Allowed, nil
}

// adoptsNothing reports whether a Secret that a TodoApp names as its own is missing or was made for it, so that naming it
// reveals nothing.
func adoptsNothing(ctx context.Context, reader client.Reader, object client.Object, name string) (bool, error) {
	app, ok := object.(*todov1.TodoApp)
	if !ok {
		return false, nil
	}
	found, err := getAll[corev1.Secret](ctx, reader, object.GetNamespace(), []string{name}, withoutData)
	if err != nil {
		return false, err
	}
	return found[name] == nil || desired.MadeFor(found[name], app), nil
}
