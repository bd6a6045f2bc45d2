//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
)

// TestOutages takes away what an app depends on, and reads the condition and the log as a person on call would.
func TestOutages(t *testing.T) {
	e := newEnvironment(t)
	for name, outage := range map[string]func(*environment){
		"database gone":  (*environment).databaseGone,
		"silent pod":     (*environment).silentPod,
		"network closed": (*environment).networkClosed,
		"volume full":    (*environment).volumeFull,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outage(&environment{t, e.namespace})
		})
	}
}

// databaseGone cuts the way to the database and opens it again.
func (e *environment) databaseGone() {
	way := openGate(e.T, databaseURL(e.T))
	e.secret("db", "url", way.url.String())
	app := e.apply("database", `{backend: {storage: {postgres: {urlSecretRef: {name: db, key: url}}}}}`)
	e.awaitReady(app)
	way.shut()
	found := e.awaitCondition(app, todov1.ConditionBackendAvailable, metav1.ConditionFalse, todov1.ReasonNotReady)
	e.matches("the condition", found.Message, `see kubectl logs -n \S+ database-backend-\S+`)
	e.logs(app, `the task store fails`)
	way.open()
	e.awaitReady(app)
	e.logs(app, `the task store serves again`)
}

// silentPod stops the process of a task API, so that it accepts connections and never answers.
func (e *environment) silentPod() {
	e.unanswered("silent",
		func(pod *corev1.Pod) { signal(e.T, pod, "STOP") },
		func(pod *corev1.Pod) { signal(e.T, pod, "CONT") })
}

// networkClosed drops packets to the operations port of a task API, as a NetworkPolicy does that forgets the operator.
func (e *environment) networkClosed() {
	e.unanswered("closed", e.closeOperations, e.openOperations)
}

// inPod runs nft in the network namespace of a pod.
const inPod = `pid=$(grep -ls %s /proc/[0-9]*/cgroup | head -1 | cut -d/ -f3) && nsenter -t "$pid" -n nft '%s'`

// closeOperations drops packets to the operations port of a pod. Those of the pod's own network namespace pass, as they do with a
// NetworkPolicy, and so do forwarded ports.
func (e *environment) closeOperations(pod *corev1.Pod) {
	const drop = `table inet closed { chain input { type filter hook input priority 0; iifname != "lo" tcp dport 9090 drop; }; }`
	onNode(e.T, e.node(), fmt.Sprintf(inPod, pod.UID, "add "+drop))
}

// openOperations undoes closeOperations.
func (e *environment) openOperations(pod *corev1.Pod) {
	onNode(e.T, e.node(), fmt.Sprintf(inPod, pod.UID, "delete table inet closed"))
}

// unanswered keeps the operator from asking a pod for its keys and requests a rotation, which says why it waits until the pod
// can be asked again.
func (e *environment) unanswered(name string, stop, resume func(*corev1.Pod)) {
	e.Helper()
	app := e.apply(name, `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	e.awaitReady(app)
	pod := e.pods(app, todov1.ComponentBackend)[0]
	stop(&pod)
	patch := fmt.Sprintf(`{"spec":{"auth":{"rotation":{"rotateAfter":%q}}}}`, e.serverTime())
	must(e, cluster.Patch(e.Context(), app, client.RawPatch(types.MergePatchType, []byte(patch))))
	e.await("the reason why the rotation waits", startWithin, func() error {
		c := e.awaitCondition(app, todov1.ConditionRotationComplete, metav1.ConditionFalse, todov1.ReasonWaitingForPods)
		if want := "does not answer at " + pod.Status.PodIP + ":9090 (timeout)"; !strings.Contains(c.Message, want) {
			return fmt.Errorf("the condition does not say %q: %s", want, c.Message)
		}
		e.Logf("the condition: %s", c.Message)
		return nil
	})
	resume(&pod)
	e.await("the new key", startWithin, func() error {
		if err := cluster.Get(e.Context(), client.ObjectKeyFromObject(app), app); err != nil || active(app) == "2" {
			return err
		}
		return fmt.Errorf("key %s signs", active(app))
	})
}

// volumeFull fills the volume of an app with SQLite: writes are refused, the status says so, and deletes make room.
func (e *environment) volumeFull() {
	class := e.smallVolume(8 << 20)
	app := e.apply("full", `{backend: {storage: {sqlite: {size: 8Mi, storageClassName: `+class+`, reclaimPolicy: Delete}}}}`)
	e.awaitReady(app)
	alice := tasks(app, "alice", e.token(app, "alice"))
	long := strings.Repeat("x", 1900)
	e.await("a full volume", startWithin, func() error {
		for range 200 {
			add := adding(alice, "Fill the volume")
			add.Body = fmt.Sprintf(`{"title":"Fill the volume","description":%q}`, long)
			reply, err := ask[agent.Reply](e.Context(), "call", add)
			if err != nil || reply.Status == http.StatusServiceUnavailable {
				return err
			}
		}
		return fmt.Errorf("there is still room")
	})
	e.logs(app, `(?i)no space|full`)
	// The operator asks the pods of an app at rest every two minutes; a change of the app makes it ask at once.
	e.kubectl("annotate", "todoapp", app.Name, "example.com/reconcile=now")
	found := e.awaitCondition(app, todov1.ConditionBackendAvailable, metav1.ConditionFalse, todov1.ReasonStoreFull)
	e.matches("the condition", found.Message, `tasks can be read and deleted`)
	for _, id := range e.ids(app, "alice") {
		remove := tasks(app, "alice", e.token(app, "alice"))
		remove.Method, remove.URL = http.MethodDelete, fmt.Sprintf("%s/%d", remove.URL, id)
		e.expect(remove, http.StatusOK)
	}
	e.expect(adding(tasks(app, "alice", e.token(app, "alice")), "There is room again"), http.StatusCreated)
	e.awaitReady(app) // it asks a pod with a full store every 30 s
}

// ids returns the ids of a user's newest tasks.
func (e *environment) ids(app *todov1.TodoApp, user string) []int64 {
	e.Helper()
	list := tasks(app, user, e.token(app, user))
	list.URL += "?limit=100"
	var found []struct{ ID int64 }
	must(e, json.Unmarshal([]byte(e.expect(list, http.StatusOK)), &found))
	ids := make([]int64, len(found))
	for i, task := range found {
		ids[i] = task.ID
	}
	return ids
}

// smallVolume makes a volume of the given size, a file system of its own in the memory of the node, and returns its class.
func (e *environment) smallVolume(size int) string {
	e.Helper()
	node := e.node()
	class := "small-" + e.namespace
	folder, capacity := "/var/lib/"+class, *resource.NewQuantity(int64(size), resource.BinarySI)
	onNode(e.T, node, fmt.Sprintf("mkdir -p %[1]s && mount -t tmpfs -o size=%[2]d,mode=0777 tmpfs %[1]s", folder, size))
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: class},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: capacity},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: folder}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node.Labels[corev1.LabelHostname]},
				}},
			}}}},
		},
	}
	must(e, cluster.Create(e.Context(), volume))
	e.Cleanup(func() {
		if err := cluster.Delete(context.Background(), volume); err != nil {
			e.Errorf("deleting volume %s: %v", class, err)
		}
		onNode(e.T, node, fmt.Sprintf("umount --lazy %[1]s && rmdir %[1]s", folder))
	})
	return class
}

// node returns the cluster's node.
func (e *environment) node() *corev1.Node {
	e.Helper()
	var nodes corev1.NodeList
	must(e, cluster.List(e.Context(), &nodes))
	return &nodes.Items[0]
}

// logs waits until the log of an app's backend has a line that matches.
func (e *environment) logs(app *todov1.TodoApp, pattern string) {
	e.Helper()
	e.logsOf("deployment/"+app.Name+"-backend", pattern)
}

// logsOf waits until a log has a line that matches.
func (e *environment) logsOf(object, pattern string) {
	e.Helper()
	e.await(fmt.Sprintf("a line of the log that matches %q", pattern), startWithin, func() error {
		output, err := e.command("logs", object, "--tail=-1")
		if err != nil {
			return err
		}
		line := regexp.MustCompile(`.*` + pattern + `.*`).FindString(output)
		if line == "" {
			return fmt.Errorf("the log is\n%s", output)
		}
		e.Logf("the log: %s", line)
		return nil
	})
}

func (e *environment) matches(what, text, pattern string) {
	e.Helper()
	e.Logf("%s: %s", what, text)
	if !regexp.MustCompile(pattern).MatchString(text) {
		e.Errorf("%s is %q, which does not match %q", what, text, pattern)
	}
}

// serverTime is the moment of the API server's clock, in RFC 3339.
func (e *environment) serverTime() string {
	e.Helper()
	clock := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, GenerateName: "clock-"}}
	must(e, cluster.Create(e.Context(), clock, client.DryRunAll))
	return clock.CreationTimestamp.UTC().Format("2006-01-02T15:04:05Z")
}
