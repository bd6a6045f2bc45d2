package controllers

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// need is a Secret or ConfigMap that a pod cannot start without, and the entry of it if a variable or a file names one.
type need struct{ kind, name, entry string }

// needReads holds the entries of the objects that were read for one reconcile by kind and name, and how many requests are left. The
// entries of an object that does not exist are nil.
type needReads struct {
	known map[string]map[string][]byte
	left  int
}

// findMissing returns an assessment if a Secret or ConfigMap that a pod needs to start does not exist or lacks an entry.
func (r *Reconciler) findMissing(ctx context.Context, pod *corev1.Pod, app *todov1.TodoApp, reads *needReads) (assessment, error) {
	for _, need := range needs(pod) {
		object := need.kind + " " + need.name
		found, known := reads.known[object]
		if !known && reads.left <= 0 {
			return assessment{}, nil
		}
		if !known {
			var err error
			name := types.NamespacedName{Namespace: app.Namespace, Name: need.name}
			if _, found, err = r.readEntries(ctx, need.kind, name); err != nil {
				return assessment{}, err
			}
			reads.known[object] = found
			reads.left--
		}
		var missing string
		switch _, has := found[need.entry]; {
		case found == nil:
			missing = object + " not found"
		case need.entry != "" && !has:
			missing = object + " has no entry " + need.entry
		default:
			continue
		}
		return fails(todov1.ReasonSecretMissing, "%s: pod %s cannot start without it. It starts by itself once that exists.%s",
			missing, pod.Name, correction(app, pod.Labels[todov1.LabelComponent], need)), nil
	}
	return assessment{}, nil
}

// correction names the field of the app that refers to a missing entry of a database; empty if the pod refers to it otherwise.
func correction(app *todov1.TodoApp, component string, missing need) string {
	database, field := app.Spec.Backend.Storage.Postgres, "spec.backend.storage.postgres"
	if component == todov1.ComponentFrontend {
		database, field = app.Spec.Frontend.Database, "spec.frontend.database"
	}
	if database == nil {
		return ""
	}
	if url := database.URLSecretRef; missing == (need{todov1.KindSecret, url.Name, url.Key}) {
		return fmt.Sprintf(" If the name is wrong, correct %s.urlSecretRef.", field)
	}
	if ref := desired.Authority(database); ref != nil && ref.Kind == missing.kind && ref.Name == missing.name &&
		(missing.entry == "" || ref.Key == missing.entry) {
		return fmt.Sprintf(" If the name is wrong, correct %s.caRef.", field)
	}
	return ""
}

// needs lists the Secrets and ConfigMaps that the variables and volumes of a pod refer to, but for the optional ones.
func needs(pod *corev1.Pod) []need {
	var all []need
	add := func(kind, name, entry string, isOptional *bool) {
		if !optional(isOptional) {
			all = append(all, need{kind, name, entry})
		}
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, from := range c.EnvFrom {
			if ref := from.SecretRef; ref != nil {
				add(todov1.KindSecret, ref.Name, "", ref.Optional)
			}
			if ref := from.ConfigMapRef; ref != nil {
				add(todov1.KindConfigMap, ref.Name, "", ref.Optional)
			}
		}
		for _, variable := range c.Env {
			if variable.ValueFrom == nil {
				continue
			}
			if ref := variable.ValueFrom.SecretKeyRef; ref != nil {
				add(todov1.KindSecret, ref.Name, ref.Key, ref.Optional)
			}
			if ref := variable.ValueFrom.ConfigMapKeyRef; ref != nil {
				add(todov1.KindConfigMap, ref.Name, ref.Key, ref.Optional)
			}
		}
	}
	for i := range pod.Spec.Volumes {
		all = append(all, volumeNeeds(&pod.Spec.Volumes[i])...)
	}
	return all
}

// volumeNeeds lists the objects and entries that a volume makes files of, but for the optional ones.
func volumeNeeds(volume *corev1.Volume) []need {
	var all []need
	if from := volume.Secret; from != nil && !optional(from.Optional) {
		all = append(all, files(todov1.KindSecret, from.SecretName, from.Items)...)
	}
	if from := volume.ConfigMap; from != nil && !optional(from.Optional) {
		all = append(all, files(todov1.KindConfigMap, from.Name, from.Items)...)
	}
	if volume.Projected == nil {
		return all
	}
	for _, source := range volume.Projected.Sources {
		if from := source.Secret; from != nil && !optional(from.Optional) {
			all = append(all, files(todov1.KindSecret, from.Name, from.Items)...)
		}
		if from := source.ConfigMap; from != nil && !optional(from.Optional) {
			all = append(all, files(todov1.KindConfigMap, from.Name, from.Items)...)
		}
	}
	return all
}

// files lists the entries of an object that become files; the object alone if all of its entries do.
func files(kind, name string, items []corev1.KeyToPath) []need {
	all := []need{{kind, name, ""}}
	for _, item := range items {
		all = append(all, need{kind, name, item.Key})
	}
	return all
}

func optional(set *bool) bool { return set != nil && *set }
