package webhook

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

var labelsPath = field.NewPath("metadata", "labels")

// membership names the component and the app that a workload's labels claim, and the Secrets that follow from these.
type membership struct {
	app, component      string
	own, other, keyring string
	// source is the entry of spec.auth.source, or nil.
	source *todov1.SecretKeyReference
	// certain reports that the app exists. Otherwise own is the default name.
	certain bool
}

// membershipOf reads a workload's labels. If the app does not exist yet, it may be created with Secrets of other names.
func membershipOf(labels map[string]string, app *todov1.TodoApp) (membership, *field.Error) {
	if len(validation.IsDNS1035Label(labels[todov1.LabelApp])) > 0 {
		return membership{}, refuse(ruleLabels, labelsPath.Key(todov1.LabelApp),
			"must be a TodoApp's name: lower case letters, digits and hyphens")
	}
	p := membership{app: labels[todov1.LabelApp], component: labels[todov1.LabelComponent], certain: app != nil}
	if app == nil {
		app = &todov1.TodoApp{}
		app.Name = p.app
	}
	p.keyring = desired.Keyring(app)
	if source := app.Spec.Auth.Source; source != nil {
		p.source = &source.SecretRef
	}
	switch p.component {
	case todov1.ComponentFrontend:
		p.own, p.other = desired.FrontendSecret(app), desired.BackendSecret(app)
	case todov1.ComponentBackend:
		p.own, p.other = desired.BackendSecret(app), desired.FrontendSecret(app)
	default:
		return membership{}, refuse(ruleLabels, labelsPath.Key(todov1.LabelComponent),
			"must be frontend or backend: it decides which Secret the pods may use")
	}
	return p, nil
}

// checkTemplateLabels rejects a pod template labelled for another app or component: a rotation would count its pods there,
// and miss them here.
func checkTemplateLabels(workload, pods map[string]string, at *field.Path) field.ErrorList {
	var refusals field.ErrorList
	for _, label := range []string{todov1.LabelApp, todov1.LabelComponent} {
		if value, labelled := pods[label]; labelled && value != workload[label] {
			message := fmt.Sprintf("must be %q as on the workload itself: a rotation knows pods by it", workload[label])
			refusals = append(refusals, refuse(ruleLabels, at.Child("metadata", "labels").Key(label), message))
		}
	}
	return refusals
}

// warnUnlabelled warns if the pod template lacks a label. A rotation finds pods by their labels and waits for no others.
func warnUnlabelled(workload, pods map[string]string, at *field.Path) []string {
	for _, label := range []string{todov1.LabelApp, todov1.LabelComponent} {
		if _, labelled := pods[label]; !labelled {
			return []string{fmt.Sprintf("%s: set label %s=%s here too: a rotation waits for labelled pods only",
				at.Child("metadata", "labels"), label, workload[label])}
		}
	}
	return nil
}
