package controllers

import (
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// TestWrittenObjectsDelayNothing checks that the status does not name objects that the plan has just written, unless nothing else
// is left, and that only a step that waits for nothing else has no status of its own.
func TestWrittenObjectsDelayNothing(t *testing.T) {
	written := func(kind, name, component string) *change {
		object := &unstructured.Unstructured{}
		object.SetKind(kind)
		object.SetName(name)
		object.SetLabels(map[string]string{todov1.LabelComponent: component})
		return &change{object: object}
	}
	frontend, backend := written("Secret", "web", todov1.ComponentFrontend), written("Secret", "api", todov1.ComponentBackend)
	deployment := written("Deployment", "shop-frontend", todov1.ComponentFrontend)
	all := []string{"deployment/shop-frontend", keyring.BackendProjection, keyring.FrontendProjection, "pod"}
	for name, c := range map[string]struct {
		changed []*change
		paused  bool
		failure error
		waiting []string
		want    []string
	}{
		"all are written":                 {[]*change{frontend, backend, deployment}, false, nil, all, []string{"pod"}},
		"the frontend's Secret":           {[]*change{frontend}, false, nil, all, []string{all[0], keyring.BackendProjection, "pod"}},
		"the backend's Secret":            {[]*change{backend}, false, nil, all, []string{all[0], keyring.FrontendProjection, "pod"}},
		"a Service of that name":          {[]*change{written("Service", "shop-frontend", "")}, false, nil, all, all},
		"a Deployment that is not listed": {[]*change{written("Deployment", "shop-backend", "")}, false, nil, all, all},
		"nothing else is left":            {[]*change{frontend, backend, deployment}, false, nil, all[:3], all[:3]},
		"a write failed":                  {[]*change{frontend, backend, deployment}, false, errors.New("full"), all, all},
		"a paused app writes nothing":     {[]*change{frontend, backend, deployment}, true, nil, all, all},
	} {
		t.Run(name, func(t *testing.T) {
			p := &plan{observed: &snapshot{}, keyring: &corev1.Secret{}, changed: c.changed, paused: c.paused}
			p.step.Waiting = c.waiting
			if got := p.stillWaiting(c.failure); !slices.Equal(got, c.want) {
				t.Errorf("waiting for %q, expected %q", got, c.want)
			}
			if p.toldLater(c.failure) {
				t.Error("a plan without a step has no status of its own")
			}
			p.step.Action = keyring.ActionPromote
			if later := p.toldLater(c.failure); later != (name == "nothing else is left") {
				t.Errorf("the status of a step is left to the next reconcile: %t", later)
			}
		})
	}
}
