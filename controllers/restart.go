package controllers

import (
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// restart annotates a desired Deployment so that its pods are replaced if a value that they read at start has changed. The
// Deployment records the digest of the values, and its pod template has the digest of the last change. So neither a new app, nor
// an upgrade to a release that knows digests, nor a missing Secret restarts a pod.
func restart(want *unstructured.Unstructured, have client.Object, digest string) error {
	var recorded, rolled string
	if live, ok := have.(*appsv1.Deployment); ok && live != nil {
		recorded = live.Annotations[todov1.AnnotationSources]
		rolled = live.Spec.Template.Annotations[todov1.AnnotationSources]
	}
	if digest == "" {
		digest = recorded
	}
	if recorded != "" && digest != recorded {
		rolled = digest
	}
	if digest != "" {
		notes := maps.Clone(want.GetAnnotations())
		if notes == nil {
			notes = map[string]string{}
		}
		notes[todov1.AnnotationSources] = digest
		want.SetAnnotations(notes)
	}
	if rolled == "" {
		return nil
	}
	return unstructured.SetNestedField(want.Object, rolled, //nolint:wrapcheck // it cannot fail: a template is an object
		"spec", "template", "metadata", "annotations", todov1.AnnotationSources)
}

// restarting returns the Deployments that were written and whose pods are replaced because a value has changed that they read at
// start. A changed spec replaces the pods by itself, so its new digest does not count.
func (p *plan) restarting(app *todov1.TodoApp) []*appsv1.Deployment {
	var all []*appsv1.Deployment
	for _, c := range p.changed {
		live, ok := c.live.(*appsv1.Deployment)
		if !ok || c.object.GetResourceVersion() == live.ResourceVersion || app.Status.ObservedGeneration != app.Generation {
			continue
		}
		recorded := live.Annotations[todov1.AnnotationSources]
		if recorded != "" && recorded != c.object.GetAnnotations()[todov1.AnnotationSources] {
			all = append(all, live)
		}
	}
	return all
}

// namesOf lists the entries that the pods of a component read at start, such as "entry url of Secret db".
func namesOf(sources []desired.Source) string {
	names := make([]string, len(sources))
	for i, source := range sources {
		names[i] = "entry " + source.Key + " of " + source.Kind + " " + source.Name
	}
	return strings.Join(names, " or ")
}
