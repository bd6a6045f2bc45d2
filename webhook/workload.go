package webhook

import (
	"context"
	"fmt"
	"net/http"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// The paths that the webhooks are registered at. workloadPath serves every kind of workload, so that one entry of the
// webhook configuration covers them all.
const (
	todoAppPath  = "/validate-todoapp-dev-v1alpha1-todoapp"
	workloadPath = "/validate-workloads"
)

// Paths are the paths of the webhooks by the names that they have in the webhook configuration. The server puts a segment
// before each that cannot be guessed.
var Paths = map[string]string{"todoapps.todoapp.dev": todoAppPath, "workloads.todoapp.dev": workloadPath}

var (
	templatePath    = specPath.Child("template")
	jobTemplatePath = specPath.Child("jobTemplate", "spec", "template")
)

// kinds are the kinds of workload that the rules are about.
var kinds = map[string]handlerMaker{
	"Deployment":  handlerFor(templatePath, func(w *appsv1.Deployment) *corev1.PodTemplateSpec { return &w.Spec.Template }),
	"StatefulSet": handlerFor(templatePath, func(w *appsv1.StatefulSet) *corev1.PodTemplateSpec { return &w.Spec.Template }),
	"DaemonSet":   handlerFor(templatePath, func(w *appsv1.DaemonSet) *corev1.PodTemplateSpec { return &w.Spec.Template }),
	"ReplicaSet":  handlerFor(templatePath, func(w *appsv1.ReplicaSet) *corev1.PodTemplateSpec { return &w.Spec.Template }),
	"Job":         handlerFor(templatePath, func(w *batchv1.Job) *corev1.PodTemplateSpec { return &w.Spec.Template }),
	"CronJob": handlerFor(jobTemplatePath,
		func(w *batchv1.CronJob) *corev1.PodTemplateSpec { return &w.Spec.JobTemplate.Spec.Template }),
}

type handlerMaker func(kind string, scheme *runtime.Scheme, live client.Client, rights ReferenceRights) admission.Handler

// handlerFor returns a maker of admission handlers for a kind whose pod template is at the given path.
func handlerFor[T client.Object](at *field.Path, template func(T) *corev1.PodTemplateSpec) handlerMaker {
	return func(kind string, scheme *runtime.Scheme, live client.Client, rights ReferenceRights) admission.Handler {
		pod := func(w T) *corev1.PodSpec { return &template(w).Spec }
		return admission.WithValidator(scheme, guard[T]{
			inner: workloadValidator[T]{live, kind, at, template}, kind: kind, client: live, mode: rights, at: at.Child("spec"),
			applies:  func(w T) bool { _, labelled := w.GetLabels()[todov1.LabelApp]; return labelled },
			size:     func(w T) int { return entriesOfPod(pod(w)) },
			accesses: func(w T) []access { return accessesOfPod(pod(w), at.Child("spec")) },
		}).Handler
	}
}

// newWorkloadWebhook returns a webhook with one typed validator for each kind of workload.
func newWorkloadWebhook(scheme *runtime.Scheme, live client.Client, rights ReferenceRights) *admission.Webhook {
	handlers := byKind{}
	for kind, handler := range kinds {
		handlers[kind] = handler(kind, scheme, live, rights)
	}
	return &admission.Webhook{Handler: handlers, RecoverPanic: new(true)}
}

// byKind passes a request to the handler for its kind.
type byKind map[string]admission.Handler

// Handle implements admission.Handler.
func (b byKind) Handle(ctx context.Context, req admission.Request) admission.Response {
	handler, ok := b[req.Kind.Kind]
	if !ok {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("%s is not a kind that this webhook checks", req.Kind.Kind))
	}
	return handler.Handle(ctx, req)
}

// workloadValidator reads the objects that the rules about a workload need, and applies the rules.
type workloadValidator[T client.Object] struct {
	reader client.Reader
	kind   string
	// at is the path of the pod template.
	at       *field.Path
	template func(T) *corev1.PodTemplateSpec
}

// ValidateCreate implements admission.Validator.
func (v workloadValidator[T]) ValidateCreate(ctx context.Context, workload T) (admission.Warnings, error) {
	labels := workload.GetLabels()
	if _, labelled := labels[todov1.LabelApp]; !labelled {
		return nil, nil
	}
	template := v.template(workload)
	results, err := lookUp(ctx, v.reader, workload, &template.Spec)
	if err != nil {
		return nil, undecided(err)
	}
	refusals, warnings := checkWorkload(labels, template, v.at, results)
	return warnings, invalid(v.kind, workload.GetName(), refusals)
}

// ValidateUpdate implements admission.Validator. It checks the new workload like a created one. A workload that is being
// deleted, or whose labels the update removes, is not checked.
func (v workloadValidator[T]) ValidateUpdate(ctx context.Context, _, workload T) (admission.Warnings, error) {
	if workload.GetDeletionTimestamp() != nil {
		return nil, nil
	}
	return v.ValidateCreate(ctx, workload)
}

// ValidateDelete implements admission.Validator; the webhook configuration has no deletes.
func (workloadValidator[T]) ValidateDelete(context.Context, T) (admission.Warnings, error) {
	return nil, nil
}
