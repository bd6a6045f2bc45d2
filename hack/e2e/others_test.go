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

// Workloads that somebody else deploys for an app: labelled, so that the webhook judges them.

const (
	// labelWorkload tells the pods of one workload from those of the others.
	labelWorkload = "todoapp.dev/e2e-workload"
	// further is a Secret that the second revision of each workload takes in too.
	further = "further"
	// settings is a ConfigMap that they take in whole.
	settings = "settings"
)

// frontendOf is a pod that signs with the app's keys.
func (s *stage) frontendOf(app *todov1.TodoApp, name string, env ...corev1.EnvVar) corev1.PodTemplateSpec {
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

// others are one workload of each kind, with the template's pods.
func (s *stage) others(name string, template corev1.PodTemplateSpec) map[string]client.Object {
	meta := metav1.ObjectMeta{Namespace: s.namespace, Name: name, Labels: template.Labels}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{labelWorkload: template.Labels[labelWorkload]}}
	job := batchv1.JobSpec{Parallelism: new(int32(1)), Template: *template.DeepCopy()} // no completions: it runs until one ends
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

// deployOthers makes a workload of each kind, and where there are revisions a second one that takes in a Secret more.
func (s *stage) deployOthers(app *todov1.TodoApp) {
	s.Helper()
	s.secret(further, "X", "y")
	must(s, cluster.Create(s.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: settings}, Data: map[string]string{"LOG_LEVEL": "info"},
	}))
	ref := corev1.EnvVar{Name: "FURTHER", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: further}, Key: "X"}}}
	for _, kind := range []string{"deployment", "statefulset", "daemonset", "job", "cronjob"} {
		must(s, cluster.Create(s.Context(), s.others(kind, s.frontendOf(app, kind))[kind]))
	}
	for _, kind := range []string{"deployment", "statefulset", "daemonset"} {
		s.awaitPods(kind, 1, nil)
		second := s.others(kind, s.frontendOf(app, kind, ref))[kind]
		must(s, cluster.Patch(s.Context(), second, client.Merge))
		s.kubectl("rollout", "status", kind+"/"+kind, "--timeout=120s")
	}
	s.awaitPods("job", 1, nil)
}

// podsOf are the pods of a workload that have not been told to end.
func (s *stage) podsOf(workload string) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := cluster.List(s.Context(), &list, client.InNamespace(s.namespace), client.MatchingLabels{labelWorkload: workload})
	var all []corev1.Pod
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodFailed {
			all = append(all, pod)
		}
	}
	return all, err
}

// replaced is nil once there are so many pods, all ready, and one is not among them.
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

// awaitPods waits until a workload has so many pods, all ready and none of them the lost one.
func (s *stage) awaitPods(workload string, want int, lost *corev1.Pod) []corev1.Pod {
	s.Helper()
	var pods []corev1.Pod
	s.await(fmt.Sprintf("%d pods of the %s", want, workload), startWithin, func() (err error) {
		if pods, err = s.podsOf(workload); err != nil {
			return err
		}
		return replaced(pods, lost, want)
	})
	return pods
}

// scales has a workload scaled up and down.
func (s *stage) scales(kind string) {
	s.Helper()
	object := s.others(kind, corev1.PodTemplateSpec{})[kind]
	for _, replicas := range []int32{2, 1} {
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
		must(s, cluster.SubResource("scale").Update(s.Context(), object, client.WithSubResourceBody(scale)))
		s.awaitPods(kind, int(replicas), nil)
	}
}

// widens has a Job run one more pod.
func (s *stage) widens() {
	s.Helper()
	job := &batchv1.Job{}
	s.get(job, "job")
	wider := job.DeepCopy()
	wider.Spec.Parallelism = new(int32(2))
	must(s, cluster.Patch(s.Context(), wider, client.MergeFrom(job)))
	s.awaitPods("job", 2, nil)
}

// restarts has a pod of a workload deleted.
func (s *stage) restarts(kind string) {
	s.Helper()
	pod := s.awaitPods(kind, 1, nil)[0]
	must(s, cluster.Delete(s.Context(), &pod, client.GracePeriodSeconds(0)))
	s.awaitPods(kind, 1, &pod)
}

// moves has a pod of a workload driven off its node.
func (s *stage) moves(kind string) {
	s.Helper()
	pod := s.awaitPods(kind, 1, nil)[0]
	s.evict(&pod)
	s.awaitPods(kind, 1, &pod)
}

// evict drives a pod off its node, as kubectl drain does.
func (s *stage) evict(pod *corev1.Pod) {
	s.Helper()
	must(s, cluster.api.CoreV1().Pods(pod.Namespace).EvictV1(s.Context(),
		&policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}}))
}

// rollsBack undoes the second revision. What would take more in again is held, but for those who break the glass.
func (s *stage) rollsBack(kind string) {
	s.Helper()
	name := kind + "/" + kind
	s.kubectl("rollout", "undo", name)
	s.kubectl("rollout", "status", name, "--timeout=120s")
	for _, pod := range s.awaitPods(kind, 1, nil) {
		if strings.Contains(fmt.Sprint(pod.Spec), further) {
			s.Errorf("pod %s is not of the first revision", pod.Name)
		}
	}
	if output, err := s.command("rollout", "undo", name); err == nil || !strings.Contains(output, "failed calling webhook") {
		s.Errorf("taking in a Secret again: %v, expected it to wait for the webhook\n%s", err, output)
	}
	s.kubectl("rollout", "undo", name, "--as=e2e", "--as-group=system:masters", "--as-group="+breakGlass)
}

// runsOnSchedule has a CronJob make a Job. A start that it missed is made up for at once.
func (s *stage) runsOnSchedule() {
	s.Helper()
	cron := &batchv1.CronJob{}
	s.get(cron, "cronjob")
	due := cron.DeepCopy()
	due.Status.LastScheduleTime = &metav1.Time{Time: time.Now().Add(-2 * time.Minute)}
	must(s, cluster.Status().Patch(s.Context(), due, client.MergeFrom(cron)))
	resumed := due.DeepCopy()
	resumed.Spec.Suspend = new(false)
	must(s, cluster.Patch(s.Context(), resumed, client.MergeFrom(due)))
	s.awaitPods("cronjob", 1, nil)
}
