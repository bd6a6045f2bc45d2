package controllers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// appOfAManagerThatEnded returns an app with every object, and its key. No manager runs.
func appOfAManagerThatEnded(t *testing.T) (*environment, *todov1.TodoApp, keyring.Key) {
	t.Helper()
	e := newEnvironment(t)
	first := e.start(withPolicies)
	app := e.app("todo", everything)
	key := e.settled("todo")
	eventually(t, func() error { return e.get("todo", &networkingv1.Ingress{}) })
	e.quiet(first)
	first.stop()
	return e, app, key
}

// Objects that carry the operator's labels and no controller were orphaned, retained or restored: the app finds them again, and
// the objects keep what they hold.
func TestOrphanedObjectsAreFoundAgain(t *testing.T) {
	e, app, key := appOfAManagerThatEnded(t)
	uids := map[string]string{}
	for _, object := range e.orphan(app) {
		uids[fmt.Sprintf("%T %s", object, object.GetName())] = string(object.GetUID())
	}
	e.start(withPolicies)
	again := e.app("todo", everything)
	if found := e.settled("todo"); found.Value != key.Value || found.Version != key.Version {
		t.Error("the key became another")
	}
	eventually(t, func() error {
		now := maps.Clone(uids)
		for _, object := range e.objects("todo") {
			id := fmt.Sprintf("%T %s", object, object.GetName())
			retained := object.GetName() == "todo-keyring" || object.GetName() == "todo-data"
			if now[id] == string(object.GetUID()) && (metav1.IsControlledBy(object, again) || retained) {
				delete(now, id)
			}
		}
		if len(now) > 0 {
			return fmt.Errorf("not found again: %v", now)
		}
		return nil
	})
}

// Objects that an app controls are its own without labels too, as the owner reference alone tells.
func TestObjectsThatLostTheirLabelsAreLabelledAgain(t *testing.T) {
	e := newEnvironment(t)
	p := e.start(withPolicies)
	app := e.app("todo", everything, func(a *todov1.TodoApp) {
		a.Spec.Backend.Storage.SQLite = &todov1.SQLiteSpec{ReclaimPolicy: todov1.ReclaimDelete}
		a.Spec.Auth.ReclaimPolicy = todov1.ReclaimDelete
	})
	key := e.settled("todo")
	eventually(t, func() error { return e.get("todo", &networkingv1.Ingress{}) })
	e.quiet(p)
	objects := e.objects("todo")
	for _, object := range objects {
		if !metav1.IsControlledBy(object, app) {
			t.Errorf("%T %s is not the app's", object, object.GetName())
		}
		e.merge(object, `{"metadata":{"labels":null}}`)
	}
	e.merge(app, `{"spec":{"auth":{"rotation":{"historyLimit":9}}}}`)
	eventually(t, func() error {
		for _, object := range objects {
			uid := object.GetUID()
			if err := e.get(object.GetName(), object); err != nil || object.GetUID() != uid || !desired.Managed(object) {
				return fmt.Errorf("%T %s has the labels %v: %w", object, object.GetName(), object.GetLabels(), err)
			}
		}
		return e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync)
	})
	if now := e.settled("todo"); now != key {
		t.Errorf("key %d became key %d", key.Version, now.Version)
	}
}

// A backup brings objects back with a reference to an earlier app of the name, and without the fields that the operator applied.
func TestObjectsOfAnEarlierAppChangeTheirOwner(t *testing.T) {
	e, app, key := appOfAManagerThatEnded(t)
	restored := slices.DeleteFunc(e.objects("todo"), func(o client.Object) bool { return !metav1.IsControlledBy(o, app) })
	for _, object := range restored {
		earlier := *metav1.GetControllerOf(object)
		earlier.UID = "11111111-2222-3333-4444-555555555555"
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"managedFields": []any{map[string]any{}}, "ownerReferences": []any{earlier}}})
		must(t, err)
		e.merge(object, string(patch))
	}
	e.start(withPolicies)
	eventually(t, func() error {
		for _, object := range restored {
			uid := object.GetUID()
			if err := e.get(object.GetName(), object); err != nil || object.GetUID() != uid {
				return fmt.Errorf("%T %s is gone: %w", object, object.GetName(), err)
			}
			if refs := object.GetOwnerReferences(); len(refs) != 1 || refs[0].UID != app.UID {
				return fmt.Errorf("%T %s has the owners %v", object, object.GetName(), refs)
			}
		}
		return e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync)
	})
	if now := e.settled("todo"); len(restored) < 10 || now != key {
		t.Errorf("of %d objects, key %d became key %d", len(restored), key.Version, now.Version)
	}
}

// objects returns the objects of the kinds that the operator makes that carry an app's label.
func (e *environment) objects(app string) []client.Object {
	e.t.Helper()
	var all []client.Object
	for _, list := range []client.ObjectList{
		&corev1.SecretList{}, &corev1.ServiceList{}, &corev1.PersistentVolumeClaimList{}, &appsv1.DeploymentList{},
		&networkingv1.IngressList{}, &networkingv1.NetworkPolicyList{}, &policyv1.PodDisruptionBudgetList{},
	} {
		must(e.t, e.client.List(e.t.Context(), list, client.InNamespace(e.namespace), client.MatchingLabels{todov1.LabelApp: app}))
		items, err := meta.ExtractList(list)
		must(e.t, err)
		for _, item := range items {
			all = append(all, item.(client.Object))
		}
	}
	return all
}
