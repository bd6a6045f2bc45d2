package controllers

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

var backendLabels = desired.Labels(&todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo"}}, todov1.ComponentBackend)

// deployed is a Deployment of two pods with a status.
func deployed(status appsv1.DeploymentStatus) appsv1.Deployment {
	return appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "todo-backend", Namespace: "shop", Labels: backendLabels},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(2))}, Status: status,
	}
}

func podWith(change func(*corev1.Pod)) corev1.Pod {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: "todo-backend-x", Namespace: "shop", UID: "x", Labels: backendLabels}}
	change(&pod)
	return pod
}

func waiting(reason, message string) corev1.Pod {
	return podWith(func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Image: "web:1", RestartCount: 4,
			State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"}},
		}}
	})
}

// rolledOut is the status of a Deployment whose rollout has ended, with as many ready pods.
func rolledOut(ready int32) appsv1.DeploymentStatus {
	return appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: ready, AvailableReplicas: ready,
		Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue,
			Reason: "NewReplicaSetAvailable"}}}
}

// running is a pod whose containers run, its startup probe passed or not, and that is not ready.
func running(started bool) corev1.Pod {
	return podWith(func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Started: &started, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	})
}

// crashedBefore is a pod whose container has failed a number of times and runs again.
func crashedBefore(restarts int32) corev1.Pod {
	pod, before := running(false), waiting("CrashLoopBackOff", "")
	container := &pod.Status.ContainerStatuses[0]
	container.RestartCount, container.LastTerminationState = restarts, before.Status.ContainerStatuses[0].LastTerminationState
	return pod
}

// initializing is a pod whose init container waits.
func initializing(reason, message string) corev1.Pod {
	pod := waiting(reason, message)
	pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses = pod.Status.ContainerStatuses, []corev1.ContainerStatus{{
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}}}
	pod.Status.InitContainerStatuses[0].Name = "migrate"
	return pod
}

func unschedulable(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/1 nodes are available"}}
}

func TestHealth(t *testing.T) {
	complete := appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 2}
	halfway := appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
	for name, c := range map[string]struct {
		snapshot snapshot
		status   metav1.ConditionStatus
		reason   string
		says     string
	}{
		"no Deployment yet": {snapshot{}, metav1.ConditionFalse, todov1.ReasonProgressing, "being created"},
		"all pods ready": {snapshot{deployments: []appsv1.Deployment{deployed(complete)}},
			metav1.ConditionTrue, todov1.ReasonAvailable, "2 of 2"},
		"some pods ready": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)}},
			metav1.ConditionFalse, todov1.ReasonProgressing, "1 of 2"},
		"replaced one by one": {snapshot{deployments: []appsv1.Deployment{deployed(appsv1.DeploymentStatus{
			Replicas: 3, UpdatedReplicas: 1, ReadyReplicas: 2, AvailableReplicas: 2})}},
			metav1.ConditionTrue, todov1.ReasonProgressing, "one by one"},
		"a status of the past": {snapshot{deployments: []appsv1.Deployment{func() appsv1.Deployment {
			d := deployed(complete)
			d.Generation = 2
			return d
		}()}}, metav1.ConditionTrue, todov1.ReasonProgressing, "one by one"},
		"the pods on a volume, about to end": {snapshot{deployments: []appsv1.Deployment{func() appsv1.Deployment {
			d := deployed(complete)
			d.Generation, d.Spec.Strategy.Type = 2, appsv1.RecreateDeploymentStrategyType
			return d
		}()}}, metav1.ConditionFalse, todov1.ReasonProgressing, "2 of 2"},
		"scaled to zero": {snapshot{deployments: []appsv1.Deployment{{
			ObjectMeta: metav1.ObjectMeta{Labels: backendLabels}, Spec: appsv1.DeploymentSpec{Replicas: new(int32(0))}}}},
			metav1.ConditionTrue, todov1.ReasonScaledToZero, "No pods"},
		"refused by the cluster": {snapshot{deployments: []appsv1.Deployment{deployed(appsv1.DeploymentStatus{
			Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
				Message: "exceeded quota"}}})}}, metav1.ConditionFalse, todov1.ReasonForbidden, "exceeded quota"},
		"no such image": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("ImagePullBackOff", "not found")}},
			metav1.ConditionFalse, todov1.ReasonImageUnavailable, "web:1"},
		"no such Secret": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("CreateContainerConfigError", `secret "db" not found`)}},
			metav1.ConditionFalse, todov1.ReasonSecretMissing, `secret "db" not found`},
		"a container that cannot be made": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("CreateContainerConfigError", "image will run as root")}},
			metav1.ConditionFalse, todov1.ReasonCrashing,
			"run as root. Set spec.backend.template.securityContext.runAsUser to the number of the image's user"},
		"an image whose user has no number": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("CreateContainerConfigError", "image has non-numeric user (nextjs)")}},
			metav1.ConditionFalse, todov1.ReasonCrashing, "(nextjs). Set spec.backend.template.securityContext.runAsUser"},
		"a container that cannot be made for another cause": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("CreateContainerError", "no such directory")}},
			metav1.ConditionFalse, todov1.ReasonCrashing, "(CreateContainerError): no such directory"},
		"a priority that does not exist": {snapshot{deployments: []appsv1.Deployment{deployed(appsv1.DeploymentStatus{
			Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
				Message: "no PriorityClass with name high was found"}}})}}, metav1.ConditionFalse, todov1.ReasonForbidden,
			"was found. Create it, or change spec.backend.template.priorityClassName."},
		"a crash": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("CrashLoopBackOff", "")}}, metav1.ConditionFalse, todov1.ReasonCrashing, "code 3"},
		"no node": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)}, pods: []corev1.Pod{podWith(unschedulable)}},
			metav1.ConditionFalse, todov1.ReasonUnschedulable, "0/1 nodes"},
		"no volume": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			claims: []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "todo-data"},
				Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}}},
			pods: []corev1.Pod{podWith(func(p *corev1.Pod) {
				unschedulable(p)
				p.Status.Conditions[0].Message = "pod has unbound immediate PersistentVolumeClaims"
				p.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "todo-data"}}}}
			})}}, metav1.ConditionFalse, todov1.ReasonVolumePending, "todo-data"},
		"no memory, while the volume waits for a node": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			claims: []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "todo-data"},
				Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}}},
			pods: []corev1.Pod{podWith(func(p *corev1.Pod) {
				unschedulable(p)
				p.Status.Conditions[0].Message = "0/1 nodes are available: 1 Insufficient memory, 1 Insufficient ephemeral-storage."
				p.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "todo-data"}}}}
			})}}, metav1.ConditionFalse, todov1.ReasonUnschedulable, "memory"},
		"never ready": {snapshot{deployments: []appsv1.Deployment{deployed(appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2,
			Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse}}})}},
			metav1.ConditionFalse, todov1.ReasonNotReady, "kubectl logs"},
		"ready once and unready now": {snapshot{deployments: []appsv1.Deployment{deployed(rolledOut(0))},
			pods: []corev1.Pod{running(true)}},
			metav1.ConditionFalse, todov1.ReasonNotReady, "0 of 2 pods are ready, and the others do not become ready: " +
				"see kubectl logs -n shop todo-backend-x."},
		"one unready now": {snapshot{deployments: []appsv1.Deployment{deployed(rolledOut(1))}, pods: []corev1.Pod{running(true)}},
			metav1.ConditionFalse, todov1.ReasonNotReady, "1 of 2"},
		"rescheduled and starting": {snapshot{deployments: []appsv1.Deployment{deployed(rolledOut(1))},
			pods: []corev1.Pod{running(false)}}, metav1.ConditionFalse, todov1.ReasonProgressing, "1 of 2"},
		"unready in the first rollout": {snapshot{deployments: []appsv1.Deployment{func() appsv1.Deployment {
			d := deployed(rolledOut(0))
			d.Status.Conditions[0].Reason = "ReplicaSetUpdated"
			return d
		}()}, pods: []corev1.Pod{running(true)}}, metav1.ConditionFalse, todov1.ReasonProgressing, "0 of 2"},
		"paused in the middle of a rollout": {snapshot{deployments: []appsv1.Deployment{func() appsv1.Deployment {
			d := deployed(appsv1.DeploymentStatus{Replicas: 2, ReadyReplicas: 2, AvailableReplicas: 2})
			d.Spec.Paused = true
			return d
		}()}}, metav1.ConditionFalse, todov1.ReasonPaused, "kubectl rollout resume -n shop deployment/todo-backend"},
		"paused with nothing to roll": {snapshot{deployments: []appsv1.Deployment{func() appsv1.Deployment {
			d := deployed(complete)
			d.Spec.Paused = true
			return d
		}()}}, metav1.ConditionTrue, todov1.ReasonAvailable, "2 of 2"},
		"no room for one more pod": {snapshot{deployments: []appsv1.Deployment{deployed(appsv1.DeploymentStatus{
			Replicas: 2, ReadyReplicas: 2, AvailableReplicas: 2,
			Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
				Message: `pods "todo-backend-6d5" is forbidden: exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2`}}})}},
			metav1.ConditionTrue, todov1.ReasonForbidden, "2 pods are ready, and the rollout waits. The cluster refuses the pods: pods " +
				`"todo-backend-6d5" is forbidden: exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2. ` +
				`Raise the ResourceQuota`},
		"a quota that wants requests": {snapshot{deployments: []appsv1.Deployment{deployed(appsv1.DeploymentStatus{
			Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
				Message: `pods "todo-backend-6d5" is forbidden: failed quota: team: must specify requests.cpu for: backend`}}})}},
			metav1.ConditionFalse, todov1.ReasonForbidden, "Set spec.backend.resources."},
		"an init container whose image is not there": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{initializing("ErrImagePull", "not found")}},
			metav1.ConditionFalse, todov1.ReasonImageUnavailable, "web:1"},
		"an init container that crashes": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{initializing("CrashLoopBackOff", "back-off 10s restarting failed container=migrate")}},
			metav1.ConditionFalse, todov1.ReasonCrashing, "Container migrate of pod todo-backend-x exits with code 3"},
		"a volume that cannot be mounted": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("ContainerCreating", "")}, causes: map[types.UID]assessment{"x": eventProblem(
				&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "todo-backend-x"}}, "FailedAttachVolume",
				`Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) todo-backend-w`)}},
			metav1.ConditionFalse, todov1.ReasonMountFailed, "(FailedAttachVolume): Multi-Attach error"},
		"a Secret to mount that is not there": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("ContainerCreating", "")}, causes: map[types.UID]assessment{"x": eventProblem(
				&corev1.Pod{}, "FailedMount", `MountVolume.SetUp failed for volume "tls" : secret "web-tls" not found`)}},
			metav1.ConditionFalse, todov1.ReasonSecretMissing, `secret "web-tls" not found`},
		"a crash after the Secret is gone": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("CrashLoopBackOff", "")}, causes: map[types.UID]assessment{
				"x": fails(todov1.ReasonSecretMissing, "Secret db not found")}},
			metav1.ConditionFalse, todov1.ReasonSecretMissing, "Secret db not found"},
		"a failure of another name": {snapshot{deployments: []appsv1.Deployment{deployed(halfway)},
			pods: []corev1.Pod{waiting("CreateContainerError", `failed to generate container: exec: "api": permission denied`)}},
			metav1.ConditionFalse, todov1.ReasonCrashing, "(CreateContainerError): failed to generate"},
		"a full volume": {snapshot{deployments: []appsv1.Deployment{deployed(complete)}, pods: []corev1.Pod{running(true)},
			answers: answers{"x": {store: "full"}}},
			metav1.ConditionFalse, todov1.ReasonStoreFull, "Enlarge spec.backend.storage.sqlite.size"},
		"a database that is gone": {snapshot{deployments: []appsv1.Deployment{deployed(rolledOut(0))}, pods: []corev1.Pod{running(true)},
			answers: answers{"x": {store: "failing"}}},
			metav1.ConditionFalse, todov1.ReasonNotReady, "because the store of pod todo-backend-x fails"},
		"a database that is not there in the first rollout": {snapshot{deployments: []appsv1.Deployment{deployed(
			appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, Conditions: []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated"}}})},
			pods: []corev1.Pod{running(true)}, answers: answers{"x": {store: "failing"}}},
			metav1.ConditionFalse, todov1.ReasonNotReady, "because the store of pod todo-backend-x fails"},
		"a crash between two attempts": {snapshot{deployments: []appsv1.Deployment{deployed(rolledOut(1))},
			pods: []corev1.Pod{crashedBefore(4)}}, metav1.ConditionFalse, todov1.ReasonCrashing, "code 3"},
		"a single crash, as after a restart of the node": {snapshot{deployments: []appsv1.Deployment{deployed(rolledOut(1))},
			pods: []corev1.Pod{crashedBefore(1)}}, metav1.ConditionFalse, todov1.ReasonProgressing, "1 of 2"},
		"starting for an hour": {snapshot{now: time.Unix(1e9, 0), deployments: []appsv1.Deployment{deployed(rolledOut(1))},
			pods: []corev1.Pod{podWith(func(p *corev1.Pod) {
				p.CreationTimestamp, p.Spec.NodeName = metav1.NewTime(time.Unix(1e9, 0).Add(-time.Hour)), "worker-1"
			})}}, metav1.ConditionFalse, todov1.ReasonNotReady, "kubectl describe node worker-1"},
		"someone else's pod": {snapshot{deployments: []appsv1.Deployment{deployed(complete)},
			pods: []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{
				todov1.LabelApp: "todo", todov1.LabelComponent: todov1.ComponentBackend}}}}},
			metav1.ConditionTrue, todov1.ReasonAvailable, "2 of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			c.snapshot.own = managed(&c.snapshot)
			got := c.snapshot.health(todov1.ComponentBackend)
			if got.status != c.status || got.reason != c.reason || !strings.Contains(got.message, c.says) {
				t.Errorf("got %+v", got)
			}
		})
	}
}
