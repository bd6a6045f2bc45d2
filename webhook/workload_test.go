package webhook

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// broken is an API server that answers nothing.
type broken struct{ client.Reader }

var errBroken = errors.New("connection refused")

func (broken) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errBroken
}

func (broken) List(context.Context, client.ObjectList, ...client.ListOption) error { return errBroken }

func deployments(reader client.Reader) workloadValidator[*appsv1.Deployment] {
	return workloadValidator[*appsv1.Deployment]{reader, "Deployment", templatePath,
		func(w *appsv1.Deployment) *corev1.PodTemplateSpec { return &w.Spec.Template }}
}

func frontendLabels() map[string]string {
	return map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: todov1.ComponentFrontend}
}

// What cannot be decided is not admitted.
func TestWithoutTheAPIServerNothingIsAdmitted(t *testing.T) {
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: frontendLabels()}}
	_, ofWorkload := deployments(broken{}).ValidateCreate(t.Context(), deployment)
	_, ofApp := todoAppValidator{broken{}, broken{}}.ValidateCreate(t.Context(), todoApp())
	for what, err := range map[string]error{"a workload": ofWorkload, "a TodoApp": ofApp} {
		if !apierrors.IsInternalError(err) || !strings.Contains(err.Error(), errBroken.Error()) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAWorkloadWithoutLabelsIsNotJudged(t *testing.T) {
	old := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: frontendLabels()}}
	freed := old.DeepCopy()
	freed.Labels = map[string]string{todov1.LabelComponent: "anything"}
	if warnings, err := deployments(broken{}).ValidateUpdate(t.Context(), old, freed); err != nil || len(warnings) > 0 {
		t.Errorf("%v, warned %q", err, warnings)
	}
}

// What is going away lets go of its finalizers and changes otherwise, whatever it takes in meanwhile.
func TestWhatIsGoingAwayIsNotJudged(t *testing.T) {
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: frontendLabels()}}
	going := deployment.DeepCopy()
	going.DeletionTimestamp = new(metav1.Unix(1, 0))
	_, ofWorkload := deployments(broken{}).ValidateUpdate(t.Context(), deployment, going)
	_, ofApp := todoAppValidator{broken{}, broken{}}.ValidateUpdate(t.Context(), todoApp(), todoApp(frontendRef("web"), goingAway))
	for what, err := range map[string]error{"a workload": ofWorkload, "a TodoApp": ofApp} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	if n := testutil.CollectAndCount(refusalsTotal); n != 10+6*7 {
		t.Errorf("%d series before any refusal, want one for each rule of each kind", n)
	}
	spec := pod(env(corev1.EnvVar{Name: "BETTER_AUTH_SECRET", Value: "x"}))
	job := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "mail", Labels: frontendLabels()}}
	job.Spec.JobTemplate.Spec.Template.Spec = spec
	validator := workloadValidator[*batchv1.CronJob]{&reads{}, "CronJob", jobTemplatePath,
		func(w *batchv1.CronJob) *corev1.PodTemplateSpec { return &w.Spec.JobTemplate.Spec.Template }}
	before := testutil.ToFloat64(refusalsTotal.WithLabelValues("CronJob", "foreign-reference"))
	_, err := validator.ValidateCreate(t.Context(), job)
	want := "spec.jobTemplate.spec.template.spec.containers[web].env[BETTER_AUTH_SECRET]: " +
		"Forbidden: BETTER_AUTH_SECRET comes from a literal value"
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if rise := testutil.ToFloat64(refusalsTotal.WithLabelValues("CronJob", "foreign-reference")) - before; rise != 1 {
		t.Errorf("counted %v refusals", rise)
	}
	before = testutil.ToFloat64(refusalsTotal.WithLabelValues("TodoApp", "reserved-variable"))
	app := todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_URL"}))
	if _, err := (todoAppValidator{&reads{}, &reads{}}).ValidateCreate(t.Context(), app); !apierrors.IsInvalid(err) {
		t.Errorf("got %v", err)
	}
	if rise := testutil.ToFloat64(refusalsTotal.WithLabelValues("TodoApp", "reserved-variable")) - before; rise != 1 {
		t.Errorf("counted %v refusals", rise)
	}
}
