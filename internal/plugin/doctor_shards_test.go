package plugin

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// newManagers creates a ready Deployment of the operator with arguments, and a Lease that was renewed at a moment.
func newManagers(t *testing.T, namespace, name, lease string, renewed time.Time, args ...string) {
	t.Helper()
	labels := map[string]string{"app.kubernetes.io/name": operatorName, "name": name}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "manager", Image: "x", Args: args}}}}}}
	create(t, d)
	d.Status.Replicas, d.Status.ReadyReplicas = 1, 1
	if err := server.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	create(t, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: lease},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: new(name + "-0_1"), RenewTime: new(metav1.NewMicroTime(renewed))}})
}

// TestDoctorJudgesShards installs the operator with a shard, as the chart does. Each Deployment has a Lease of its own, whose name
// depends on its selector.
func TestDoctorJudgesShards(t *testing.T) {
	namespace := newNamespace(t)
	now := time.Now()
	newManagers(t, namespace, operatorName, "todoapp-operator-2efef52a", now, "manager", "--leader-elect",
		"--watch-label-selector=todoapp.dev/shard notin (one,two)")
	newManagers(t, namespace, operatorName+"-shard-one", "todoapp-operator-01", now, "manager",
		"--watch-label-selector=todoapp.dev/shard=one", "--leader-election-id=todoapp-operator-01")
	newManagers(t, namespace, operatorName+"-shard-two", "todoapp-operator-02", now.Add(-time.Hour), "manager",
		"--watch-label-selector=todoapp.dev/shard=two", "--leader-election-id=todoapp-operator-02")
	for name, shard := range map[string]string{"rest": "", "first": "one", "second": "two", "lost": "three"} {
		app := newApp(t, namespace, name, "{}", "")
		if shard != "" {
			app.Labels = map[string]string{todov1.LabelShard: shard}
			if err := server.Update(t.Context(), app); err != nil {
				t.Fatal(err)
			}
		}
	}
	const stale = "FAULT Deployment todoapp-operator-shard-two: replicas are ready, and none leads: " +
		"Lease todoapp-operator-02 is not renewed"
	doctor := func(args ...string) result {
		return run(t, namespace, "", append([]string{"doctor", "--operator-namespace", namespace}, args...)...)
	}
	const main, one = "operator ok 1 of 1 replicas are ready; todoapp-operator-0 leads",
		"ok Deployment todoapp-operator-shard-one: 1 of 1 replicas are ready; todoapp-operator-shard-one-0 leads"
	doctor().want(t, exitFailed, main, one, stale)
	doctor("first").want(t, exitFailed, main, one)
	doctor("second").want(t, exitFailed, main, stale)
	for _, name := range []string{"rest", "lost", "first"} {
		if text := flat(doctor(name).out); strings.Contains(text, "none leads") {
			t.Errorf("app %s does not belong to shard two:\n%s", name, text)
		}
	}
}

func TestDoctorFindsAnAppOfNoShard(t *testing.T) {
	f := healthy(t)
	of := func(selector string) *appsv1.Deployment {
		d := f.operator.object.DeepCopy()
		d.Spec.Template.Spec.Containers = []corev1.Container{{Args: []string{"--watch-label-selector=" + selector}}}
		return d
	}
	f.operator.object = of("todoapp.dev/shard in (a)")
	f.shards = []managers{{"b", read[appsv1.Deployment]{object: of("todoapp.dev/shard=b")}, f.lease}}
	f.app.Labels = map[string]string{todov1.LabelShard: "c"}
	if found := judgeOperator(f); len(found) != 2 || found[1].Text !=
		"no Deployment of the operator reconciles apps with the label todoapp.dev/shard=c" || found[1].Result != resultFault {
		t.Errorf("the findings are %+v", found)
	}
	f.app.Labels[todov1.LabelShard] = "b"
	if found := judgeOperator(f); len(found) != 2 || !strings.HasPrefix(found[1].Text, "Deployment b: 2 of 2") {
		t.Errorf("the findings are %+v", found)
	}
}
