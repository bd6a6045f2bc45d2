package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// container is a pod that runs.
type container struct {
	uid      types.UID
	revision string
	ip       string
	server   *http.Server

	mutex sync.Mutex
	// versions are those that the pod uses now; the first one signs.
	versions []int64
}

// run starts a pod that does not run yet, and otherwise reads its mounted Secret again.
func (k *kubelet) run(ctx context.Context, key types.NamespacedName, pod *corev1.Pod) error {
	k.mutex.Lock()
	running := k.running[key]
	k.mutex.Unlock()
	if running != nil && running.uid == pod.UID {
		if running.revision == pod.ResourceVersion || !mounts(pod) {
			return nil
		}
		if err := k.load(ctx, key, pod, running); err != nil {
			return err // the revision stays behind, so the next attempt reads again
		}
		running.revision = pod.ResourceVersion
		return nil
	}
	k.remove(key)
	started := &container{uid: pod.UID, revision: pod.ResourceVersion}
	if err := k.load(ctx, key, pod, started); err != nil {
		return err
	}
	if err := k.listen(key, pod, started); err != nil {
		return err
	}
	if err := k.reportReady(ctx, pod, started.ip); err != nil {
		started.close()
		k.ledger.ended(pod.UID)
		return client.IgnoreNotFound(err)
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.running[key] = started
	return nil
}

// load reads the Secret that a pod of an app uses.
func (k *kubelet) load(ctx context.Context, key types.NamespacedName, pod *corev1.Pod, into *container) error {
	name := authSecret(pod)
	if name == "" {
		return nil
	}
	secret, err := k.client.CoreV1().Secrets(key.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("mounting Secret %s: %w", name, err)
	}
	versions, err := versionsOf(secret.Data)
	if err != nil {
		return fmt.Errorf("reading Secret %s: %w", name, err)
	}
	into.mutex.Lock()
	into.versions = versions
	into.mutex.Unlock()
	k.ledger.uses(pod, versions)
	return nil
}

// listen gives a pod an address and, if it is asked for its keys, serves them there.
func (k *kubelet) listen(key types.NamespacedName, pod *corev1.Pod, c *container) error {
	k.mutex.Lock()
	k.addresses++
	c.ip = fmt.Sprintf("%s.%d.%d", k.subnet, k.addresses/250, 1+k.addresses%250)
	silent := k.silent != "" && k.silent == key.Namespace
	k.mutex.Unlock()
	if !mounts(pod) {
		return nil
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(c.ip, strconv.Itoa(desired.OperationsPort)))
	if err != nil {
		return fmt.Errorf("listening for pod %s: %w", key, err)
	}
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	if silent {
		c.server.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
	go func() { _ = c.server.Serve(listener) }() // it ends when the server is closed
	return nil
}

// reportReady writes the status of a pod that runs.
func (k *kubelet) reportReady(ctx context.Context, pod *corev1.Pod, ip string) error {
	pod = pod.DeepCopy()
	now := metav1.Now()
	pod.Status.Phase, pod.Status.StartTime = corev1.PodRunning, &now
	pod.Status.PodIP, pod.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	pod.Status.Conditions = nil
	kinds := []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady}
	for _, kind := range kinds {
		pod.Status.Conditions = append(pod.Status.Conditions,
			corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	pod.Status.ContainerStatuses = nil
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Started: new(true),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	pod.ResourceVersion = "" // nothing else writes the status
	_, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}

// mounts reports whether a pod mounts its Secret and can be asked for its keys.
func mounts(pod *corev1.Pod) bool {
	_, annotated := pod.Annotations[todov1.AnnotationKeys]
	return !annotated && pod.Labels[todov1.LabelComponent] == todov1.ComponentBackend
}

func (c *container) close() {
	if c.server != nil {
		if err := c.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			return // it is closed already
		}
	}
}
