package controllers

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// shelf serves large objects by pages, as the API server does.
type shelf struct {
	client.Reader
	count int
	item  func(i int) client.Object
}

func (s *shelf) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	var asked client.ListOptions
	asked.ApplyOptions(options)
	if asked.Limit == 0 || asked.Limit > pageSize {
		return fmt.Errorf("%d objects are asked for at once", asked.Limit)
	}
	first, _ := strconv.Atoi(asked.Continue)
	last := min(first+int(asked.Limit), s.count)
	var page []apiruntime.Object
	for i := first; i < last; i++ {
		page = append(page, s.item(i))
	}
	if last < s.count {
		list.SetContinue(strconv.Itoa(last))
	}
	return meta.SetList(list, page)
}

func named(object client.Object, i int) client.Object {
	object.SetName(fmt.Sprintf("todo-%d", i))
	object.SetLabels(map[string]string{todov1.LabelApp: "todo"})
	return object
}

// TestLiveListsAreBounded: 420 labelled Secrets of 1 MB made a manager hold 950 MB whenever their app was written.
func TestLiveListsAreBounded(t *testing.T) {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo", UID: "app"}}
	for name, c := range map[string]struct {
		list client.ObjectList
		item func(i int) client.Object
	}{
		"ReplicaSets with many references": {&appsv1.ReplicaSetList{}, func(i int) client.Object {
			ref := &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: strings.Repeat("x", mebibyte)}}
			rs := &appsv1.ReplicaSet{}
			rs.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Env: []corev1.EnvVar{{Name: "A", ValueFrom: ref}}}}
			return named(rs, i)
		}},
		"pods": {&corev1.PodList{}, func(i int) client.Object {
			literal := []corev1.EnvVar{{Name: "A", Value: strings.Repeat("x", mebibyte)}}
			return named(&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Env: literal}}}}, i)
		}},
		"Deployments of other names": {&appsv1.DeploymentList{}, func(i int) client.Object {
			return named(annotated(&appsv1.Deployment{}, "example.com/note"), i)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			const count = 4*pageSize + 1
			before := inUse()
			reader := pagedReader{&shelf{count: count, item: c.item}, app, &snapshot{}}
			if err := reader.List(t.Context(), c.list); err != nil || meta.LenList(c.list) != count {
				t.Fatalf("%d objects (%v)", meta.LenList(c.list), err)
			}
			if each := (inUse() - before) / count; each > largestKept {
				t.Errorf("%d bytes are kept of each object", each)
			}
			runtime.KeepAlive(c.list)
		})
	}
}

// TestLiveListsKeepWhatIsDecidedOn: a large pod still counts, and the app's own Deployment is compared as a whole.
func TestLiveListsKeepWhatIsDecidedOn(t *testing.T) {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo", UID: "app"}}
	var pods corev1.PodList
	reader := pagedReader{&shelf{count: 1, item: func(i int) client.Object {
		pod := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "node"}, Status: corev1.PodStatus{PodIP: "10.0.0.1"}}
		pod.Status.Message = strings.Repeat("x", mebibyte)
		return named(pod, i)
	}}, app, &snapshot{}}
	if err := reader.List(t.Context(), &pods); err != nil {
		t.Fatal(err)
	}
	if pod := &pods.Items[0]; pod.Spec.NodeName != "node" || pod.Status.PodIP == "" {
		t.Errorf("of a large pod remains %+v", pod)
	}
	var deployments appsv1.DeploymentList
	reader.Reader = &shelf{count: 1, item: func(int) client.Object {
		d := annotated(&appsv1.Deployment{}, "example.com/note")
		d.SetName("todo-backend")
		return d
	}}
	err := reader.List(t.Context(), &deployments)
	if err != nil || len(deployments.Items[0].Annotations["example.com/note"]) != mebibyte {
		t.Errorf("the app's own Deployment was trimmed (%v)", err)
	}
}

// TestPagesWaitForOneAnother: eight workers that read a page of large objects each would end a manager. Pages of apps with few
// objects do not wait: they take the API server up to 100 ms each, and rotations of a thousand apps would queue up behind three.
func TestPagesWaitForOneAnother(t *testing.T) {
	for name, c := range map[string]struct{ shown, page int }{
		"an app with many pods": {pageSize, pageSize}, "an app with one pod": {1, 1 + pageMargin}, "no pod": {0, pageMargin},
	} {
		var fits, more bool
		free := int64(3*pageSize - c.page)
		cached := &snapshot{pods: make([]corev1.Pod, c.shown)}
		reader := pagedReader{&shelf{count: 1, item: func(i int) client.Object {
			if fits = liveObjects.TryAcquire(free); fits {
				liveObjects.Release(free)
			}
			if more = liveObjects.TryAcquire(free + 1); more {
				liveObjects.Release(free + 1)
			}
			return named(&corev1.Pod{}, i)
		}}, &todov1.TodoApp{}, cached}
		if err := reader.List(t.Context(), &corev1.PodList{}); err != nil || !fits || more {
			t.Errorf("%s: beside its page %d objects may be read: %v, and one more: %v (%v)", name, free, fits, more, err)
		}
	}
}

// TestLargeWorkloadsCount: a pod or ReplicaSet of which only the identity is kept may use any Secret and any key.
func TestLargeWorkloadsCount(t *testing.T) {
	large := strings.Repeat("x", mebibyte)
	rs := &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(2))}}
	rs.Spec.Template.Annotations = map[string]string{todov1.AnnotationKeys: "1", "todoapp.dev/note": large}
	pod := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "node"}, Status: corev1.PodStatus{Message: large, Phase: corev1.PodRunning}}
	keptSet, _ := bounded(rs).(*appsv1.ReplicaSet)
	keptPod, _ := bounded(pod).(*corev1.Pod)
	for name, w := range map[string]*snapshot{
		"ReplicaSet": {replicaSets: []appsv1.ReplicaSet{*keptSet}}, "pod": {pods: []corev1.Pod{*keptPod}},
	} {
		if !w.inUse("any") {
			t.Errorf("a large %s does not keep a Secret", name)
		}
	}
	if pods := appendTemplate(nil, "rs", keptSet.Spec.Template); len(pods) != 1 || pods[0].Trusts != nil {
		t.Errorf("a large ReplicaSet counts as %+v", pods)
	}
	ended, _ := bounded(&corev1.Pod{Status: corev1.PodStatus{Message: large, Phase: corev1.PodFailed}}).(*corev1.Pod)
	if !finished(ended) {
		t.Error("a large pod that has ended counts for ever")
	}
}
