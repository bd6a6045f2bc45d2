package controllers

import (
	"reflect"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestFleet(t *testing.T) {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo"}}
	front := desired.Labels(app, todov1.ComponentFrontend)
	foreign := map[string]string{todov1.LabelApp: "todo", todov1.LabelComponent: todov1.ComponentFrontend}
	keys := func(versions string) map[string]string { return map[string]string{todov1.AnnotationKeys: versions} }
	wrote := metav1.NewTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Annotations: keys("2,1"),
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: FieldOwner, Time: &wrote}, {Manager: "kubectl", Time: &metav1.Time{}}}}}
	unrecorded, changed := secret.DeepCopy(), secret.DeepCopy()
	unrecorded.ManagedFields = unrecorded.ManagedFields[1:]
	later := metav1.NewTime(wrote.Add(2 * time.Second))
	changed.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: FieldOwner, Time: &later}, {Manager: creatorPrefix + "1", Time: &wrote}}
	pod := func(name string, labels, annotations map[string]string, created time.Time) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID(name), Labels: labels, Annotations: annotations, CreationTimestamp: metav1.NewTime(created)},
			Spec: corev1.PodSpec{NodeName: "node"}}
	}
	replicaSet := func(name, versions string, count int32) appsv1.ReplicaSet {
		rs := appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: front}}
		rs.Spec.Replicas = &count
		rs.Spec.Template.Annotations = keys(versions)
		return rs
	}
	for name, c := range map[string]struct {
		component string
		snapshot  snapshot
		want      keyring.Fleet
	}{
		"no pods: the frontend is managed externally": {todov1.ComponentFrontend, snapshot{}, keyring.Fleet{ExternallyManaged: true}},
		"no backend: there is nothing to wait for":    {todov1.ComponentBackend, snapshot{}, keyring.Fleet{}},
		"a pod does what it was started with": {todov1.ComponentFrontend,
			snapshot{pods: []corev1.Pod{pod("a", front, keys("1,2"), wrote.Time)}},
			keyring.Fleet{Pods: []keyring.Pod{{Name: "a", Trusts: []int64{1, 2}, Signs: 1}}}},
		"a pod without a word may do anything": {todov1.ComponentFrontend,
			snapshot{pods: []corev1.Pod{pod("a", front, keys("junk"), wrote.Time)}},
			keyring.Fleet{Pods: []keyring.Pod{{Name: "a"}}}},
		"a finished pod does nothing": {todov1.ComponentFrontend,
			snapshot{pods: []corev1.Pod{func() corev1.Pod {
				p := pod("a", front, keys("1"), wrote.Time)
				p.Status.Phase = corev1.PodFailed
				return p
			}()}}, keyring.Fleet{ExternallyManaged: true}},
		"a pod without a node has mounted nothing": {todov1.ComponentBackend,
			snapshot{pods: []corev1.Pod{func() corev1.Pod {
				p := pod("a", backendLabels, nil, wrote.Time)
				p.Spec.NodeName = ""
				return p
			}()}}, keyring.Fleet{}},
		"a pod that is too large for the cache may have a node": {todov1.ComponentFrontend,
			snapshot{pods: []corev1.Pod{func() corev1.Pod {
				p := pod("a", front, map[string]string{annotationTrimmed: "true"}, wrote.Time)
				p.Spec.NodeName = ""
				return p
			}()}}, keyring.Fleet{Pods: []keyring.Pod{{Name: "a"}}}},
		"a terminating pod counts": {todov1.ComponentFrontend,
			snapshot{pods: []corev1.Pod{func() corev1.Pod {
				p := pod("a", front, keys("1"), wrote.Time)
				p.DeletionTimestamp = &wrote
				return p
			}()}}, keyring.Fleet{Pods: []keyring.Pod{{Name: "a", Trusts: []int64{1}, Signs: 1}}}},
		"a ReplicaSet that wants pods is as good as they are, one that wants none is not": {todov1.ComponentFrontend,
			snapshot{replicaSets: []appsv1.ReplicaSet{replicaSet("old", "1", 1), replicaSet("older", "1", 0)}},
			keyring.Fleet{Pods: []keyring.Pod{{Name: "replicaset/old", Trusts: []int64{1}, Signs: 1}}}},
		"a backend is asked": {todov1.ComponentBackend,
			snapshot{pods: []corev1.Pod{pod("a", backendLabels, nil, wrote.Time), pod("b", backendLabels, nil, wrote.Time)},
				answers: answers{"a": {versions: []int64{2, 1}}}},
			keyring.Fleet{Pods: []keyring.Pod{{Name: "a", Trusts: []int64{2, 1}}, {Name: "b"}}}},
		"someone else's pod took up its Secret when it was created after that": {todov1.ComponentFrontend,
			snapshot{secrets: map[string]*corev1.Secret{todov1.ComponentFrontend: secret}, pods: []corev1.Pod{
				pod("before", foreign, nil, wrote.Time), pod("after", foreign, nil, wrote.Add(time.Second))}},
			keyring.Fleet{WrittenAt: wrote.Time, Pods: []keyring.Pod{{Name: "before"}, {Name: "after", Trusts: []int64{2, 1}, Signs: 2}}}},
		"a pod of another owner beside a Secret without a record of the operator's writes": {todov1.ComponentFrontend,
			snapshot{secrets: map[string]*corev1.Secret{todov1.ComponentFrontend: unrecorded}, pods: []corev1.Pod{
				pod("after", foreign, nil, wrote.Add(time.Second))}},
			keyring.Fleet{Pods: []keyring.Pod{{Name: "after"}}}},
		"a pod of another owner beside a Secret that was created and changed later": {todov1.ComponentFrontend,
			snapshot{secrets: map[string]*corev1.Secret{todov1.ComponentFrontend: changed}, pods: []corev1.Pod{
				pod("before", foreign, nil, wrote.Add(time.Second)), pod("after", foreign, nil, wrote.Add(3*time.Second))}},
			keyring.Fleet{WrittenAt: wrote.Add(2 * time.Second),
				Pods: []keyring.Pod{{Name: "before"}, {Name: "after", Trusts: []int64{2, 1}, Signs: 2}}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.snapshot.own = managed(&c.snapshot)
			if got := c.snapshot.fleet(c.component); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// managed returns the UIDs of the pods and ReplicaSets with the operator's labels, as if its Deployments had made them.
func managed(w *snapshot) map[types.UID]bool {
	own := map[types.UID]bool{}
	for i := range w.pods {
		own[w.pods[i].UID] = desired.Managed(&w.pods[i])
	}
	for i := range w.replicaSets {
		own[w.replicaSets[i].UID] = desired.Managed(&w.replicaSets[i])
	}
	return own
}
