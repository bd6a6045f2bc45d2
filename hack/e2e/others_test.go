//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// These workloads are deployed for an app by other tools. They have its labels, so that the webhook checks them.

const (
	// labelWorkload distinguishes the pods of one workload from those of the others.
	labelWorkload = "todoapp.dev/e2e-workload"
	// further is a Secret that the second revision of each workload also references.
	further = "further"
	// settings is a ConfigMap that the workloads reference as a whole.
	settings = "settings"
)

// frontendOf returns a pod template that signs with the app's keys.
func (e *environment) frontendOf(app *todov1.TodoApp, name string, env ...corev1.EnvVar) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{
			todov1.LabelApp: app.Name, todov1.LabelComponent: todov1.ComponentFrontend, labelWorkload: name}},
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "web", Image: probeImage, Env: append(env, corev1.EnvVar{Name: "JWT_MAX_LIFETIME", Value: "1m"}),
				EnvFrom: []corev1.EnvFromSource{
					{SecretRef: &corev1.SecretEnvSource{
						LocalObjectReference: corev1.LocalObjectReference{Name: desired.FrontendSecret(app)}}},
					{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: settings}}},
				},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
}

// others returns one workload of each kind with the template's pods.
func (e *environment) others(name string, template corev1.PodTemplateSpec) map[string]client.Object {
	meta := metav1.ObjectMeta{Namespace: e.namespace, Name: name, Labels: template.Labels}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{labelWorkload: template.Labels[labelWorkload]}}
	// Without completions the Job runs until one pod ends.
	job := batchv1.JobSpec{Parallelism: new(int32(1)), Template: *template.DeepCopy()}
	job.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	return map[string]client.Object{
		"deployment":  &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}},
		"statefulset": &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}},
		"daemonset":   &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}},
		"job":         &batchv1.Job{ObjectMeta: meta, Spec: job},
		"cronjob": &batchv1.CronJob{ObjectMeta: meta, Spec: batchv1.CronJobSpec{
			Schedule: "* * * * *", Suspend: new(true), ConcurrencyPolicy: batchv1.ForbidConcurrent,
			JobTemplate: batchv1.JobTemplateSpec{Spec: job}}},
	}
}

// deployOthers creates a workload of each kind. Kinds with revisions get a second one that references another Secret.
func (e *environment) deployOthers(app *todov1.TodoApp) {
	e.Helper()
	e.secret(further, "X", "y")
	must(e, cluster.Create(e.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: settings}, Data: map[string]string{"LOG_LEVEL": "info"},
	}))
	ref := corev1.EnvVar{Name: "FURTHER", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: further}, Key: "X"}}}
	for _, kind := range []string{"deployment", "statefulset", "daemonset", "job", "cronjob"} {
		must(e, cluster.Create(e.Context(), e.others(kind, e.frontendOf(app, kind))[kind]))
	}
	for _, kind := range []string{"deployment", "statefulset", "daemonset"} {
		e.awaitPods(kind, 1, nil)
		second := e.others(kind, e.frontendOf(app, kind, ref))[kind]
		must(e, cluster.Patch(e.Context(), second, client.Merge))
		e.kubectl("rollout", "status", kind+"/"+kind, "--timeout=120s")
	}
	e.awaitPods("job", 1, nil)
}

// podsOf returns the pods of a workload that are not terminating.
func (e *environment) podsOf(workload string) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := cluster.List(e.Context(), &list, client.InNamespace(e.namespace), client.MatchingLabels{labelWorkload: workload})
	var all []corev1.Pod
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodFailed {
			all = append(all, pod)
		}
	}
	return all, err
}

// replaced returns an error unless there are exactly want ready pods without the lost one.
func replaced(pods []corev1.Pod, lost *corev1.Pod, want int) error {
	for _, pod := range pods {
		if !podReady(&pod) || lost != nil && pod.UID == lost.UID {
			return fmt.Errorf("pod %s is not ready, or still the one before", pod.Name)
		}
	}
	if len(pods) != want {
		return fmt.Errorf("there are %d pods, expected %d", len(pods), want)
	}
	return nil
}

// awaitPods waits until a workload has the wanted number of ready pods without the lost one.
func (e *environment) awaitPods(workload string, want int, lost *corev1.Pod) []corev1.Pod {
	e.Helper()
	var pods []corev1.Pod
	e.await(fmt.Sprintf("%d pods of the %s", want, workload), startWithin, func() (err error) {
		if pods, err = e.podsOf(workload); err != nil {
			return err
		}
		return replaced(pods, lost, want)
	})
	return pods
}

// scales scales a workload up and down.
func (e *environment) scales(kind string) {
	e.Helper()
	object := e.others(kind, corev1.PodTemplateSpec{})[kind]
	for _, replicas := range []int32{2, 1} {
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
		must(e, cluster.SubResource("scale").Update(e.Context(), object, client.WithSubResourceBody(scale)))
		e.awaitPods(kind, int(replicas), nil)
	}
}

// widens lets a Job run one more pod.
func (e *environment) widens() {
	e.Helper()
	job := &batchv1.Job{}
	e.get(job, "job")
	wider := job.DeepCopy()
	wider.Spec.Parallelism = new(int32(2))
	must(e, cluster.Patch(e.Context(), wider, client.MergeFrom(job)))
	e.awaitPods("job", 2, nil)
}

// restarts deletes a pod of a workload and waits for its replacement.
func (e *environment) restarts(kind string) {
	e.Helper()
	pod := e.awaitPods(kind, 1, nil)[0]
	must(e, cluster.Delete(e.Context(), &pod, client.GracePeriodSeconds(0)))
	e.awaitPods(kind, 1, &pod)
}

// moves evicts a pod of a workload and waits for its replacement.
func (e *environment) moves(kind string) {
	e.Helper()
	pod := e.awaitPods(kind, 1, nil)[0]
	e.evict(&pod)
	e.awaitPods(kind, 1, &pod)
}

// evict evicts a pod, as kubectl drain does.
func (e *environment) evict(pod *corev1.Pod) {
	e.Helper()
	must(e, cluster.api.CoreV1().Pods(pod.Namespace).EvictV1(e.Context(),
		&policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}}))
}

// rollsBack undoes the second revision. Rolling forward again adds a reference, so it is held, except for the
// break-glass group.
func (e *environment) rollsBack(kind string) {
	e.Helper()
	name := kind + "/" + kind
	e.kubectl("rollout", "undo", name)
	e.kubectl("rollout", "status", name, "--timeout=120s")
	for _, pod := range e.awaitPods(kind, 1, nil) {
		if strings.Contains(fmt.Sprint(pod.Spec), further) {
			e.Errorf("pod %s is not of the first revision", pod.Name)
		}
	}
	if output, err := e.command("rollout", "undo", name); err == nil || !strings.Contains(output, "failed calling webhook") {
		e.Errorf("taking in a Secret again: %v, expected it to wait for the webhook\n%s", err, output)
	}
	e.kubectl("rollout", "undo", name, "--as=e2e", "--as-group=system:masters", "--as-group="+breakGlass)
}

// runsOnSchedule lets a CronJob create a Job. The CronJob catches up on a missed start at once.
func (e *environment) runsOnSchedule() {
	e.Helper()
	cron := &batchv1.CronJob{}
	e.get(cron, "cronjob")
	due := cron.DeepCopy()
	due.Status.LastScheduleTime = &metav1.Time{Time: time.Now().Add(-2 * time.Minute)}
	must(e, cluster.Status().Patch(e.Context(), due, client.MergeFrom(cron)))
	resumed := due.DeepCopy()
	resumed.Spec.Suspend = new(false)
	must(e, cluster.Patch(e.Context(), resumed, client.MergeFrom(due)))
	e.awaitPods("cronjob", 1, nil)
}
