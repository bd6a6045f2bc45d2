package webhook

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// checkOwners rejects references to a Secret that belongs to another TodoApp, as a component's Secret or as a source.
func checkOwners(app *todov1.TodoApp, anew []reference, found secrets) field.ErrorList {
	var refusals field.ErrorList
	for _, ref := range anew {
		if owner := desired.Owner(found[ref.name]); owner != "" && owner != app.Name {
			message := fmt.Sprintf("Secret %q belongs to TodoApp %q: choose another name", ref.name, owner)
			refusals = append(refusals, refuse(ruleOwner, ref.at, message))
		}
	}
	return refusals
}

// checkOthers rejects references to an existing Secret without an owner that another TodoApp reads or is to write.
// If the Secret does not exist yet, the controller decides which app gets it.
func checkOthers(app *todov1.TodoApp, anew []reference, found secrets, others []todov1.TodoApp) field.ErrorList {
	var refusals field.ErrorList
	for _, ref := range written(anew) {
		if found[ref.name] == nil || desired.Owner(found[ref.name]) != "" {
			continue
		}
		for i := range others {
			claim := claimOn(ref.name, &others[i])
			if claim == "" || others[i].Name == app.Name {
				continue
			}
			message := fmt.Sprintf("Secret %q %s TodoApp %q: choose another name", ref.name, claim, others[i].Name)
			refusals = append(refusals, refuse(ruleOwner, ref.at, message))
		}
	}
	return refusals
}

// claimOn is what an app has to do with a Secret by that name; empty for nothing, and for an app that is being deleted.
func claimOn(name string, app *todov1.TodoApp) string {
	source := app.Spec.Auth.Source
	switch {
	case !app.DeletionTimestamp.IsZero():
		return ""
	case source != nil && source.SecretRef.Name == name:
		return "is the source of"
	case slices.Contains(desired.Secrets(app), name):
		return "is claimed by"
	default:
		return ""
	}
}
