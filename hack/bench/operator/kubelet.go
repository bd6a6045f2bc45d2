package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// kubelet runs pods without containers. It binds a pod to a node, reads the Secrets that the pod mounts or gets as variables,
// and reports the pod ready. Backends of the embedded API answer /keyring with the versions in their mounted Secret, which is
// read again when the pod changes, as a kubelet does.
type kubelet struct {
	client kubernetes.Interface
	pods   client.Reader
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]
	// subnet is the first two bytes of the pods' addresses, which differ between two benchmarks on one machine.
	subnet string
	// ledger records which keys each pod uses; nil if nothing is recorded.
	ledger *ledger

	mutex   sync.Mutex
	running map[types.NamespacedName]*container
	// addresses is the number of addresses that were given out.
	addresses int
	// silent is the namespace whose pods accept connections and never answer.
	silent string
}

// kubeletWorkers is the number of pods that are started at once.
const kubeletWorkers = 8

// startKubelet runs pods until the context ends.
func startKubelet(ctx context.Context, c *cluster, pods cache.Cache, record *ledger) (*kubelet, error) {
	api, err := kubernetes.NewForConfig(c.config(userKubelet))
	if err != nil {
		return nil, fmt.Errorf("making the kubelet's client: %w", err)
	}
	k := &kubelet{
		client: api, pods: pods, ledger: record, running: map[types.NamespacedName]*container{},
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](20*time.Millisecond, time.Second)),
		subnet: "127." + strconv.Itoa(1+rand.IntN(254)),
	}
	informer, err := pods.GetInformer(ctx, &corev1.Pod{})
	if err != nil {
		return nil, fmt.Errorf("watching pods: %w", err)
	}
	enqueue := func(object any) {
		if key, err := toolscache.DeletionHandlingObjectToName(object); err == nil {
			k.queue.Add(types.NamespacedName{Namespace: key.Namespace, Name: key.Name})
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: enqueue, DeleteFunc: enqueue, UpdateFunc: func(_, object any) { enqueue(object) },
	})
	if err != nil {
		return nil, fmt.Errorf("watching pods: %w", err)
	}
	for range kubeletWorkers {
		go k.work(ctx)
	}
	context.AfterFunc(ctx, k.shutDown)
	return k, nil
}

// work handles pods until the queue is shut down.
func (k *kubelet) work(ctx context.Context) {
	for {
		key, down := k.queue.Get()
		if down {
			return
		}
		if err := k.sync(ctx, key); err != nil {
			k.queue.AddRateLimited(key) // the API server may be down on purpose
		} else {
			k.queue.Forget(key)
		}
		k.queue.Done(key)
	}
}

// sync brings one pod closer to its object.
func (k *kubelet) sync(ctx context.Context, key types.NamespacedName) error {
	var pod corev1.Pod
	err := k.pods.Get(ctx, key, &pod)
	switch {
	case apierrors.IsNotFound(err):
		k.remove(key)
		return nil
	case err != nil:
		return fmt.Errorf("reading a pod: %w", err)
	case pod.DeletionTimestamp != nil:
		k.remove(key)
		now := int64(0)
		return client.IgnoreNotFound(k.client.CoreV1().Pods(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID},
		}))
	case pod.Spec.NodeName == "":
		binding := &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: key.Name, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: "bench"},
		}
		err := k.client.CoreV1().Pods(key.Namespace).Bind(ctx, binding, metav1.CreateOptions{})
		if apierrors.IsConflict(err) { // it is bound, and the cache does not have it yet
			return nil
		}
		return client.IgnoreNotFound(err)
	default:
		return k.run(ctx, key, &pod)
	}
}

// remove ends a pod.
func (k *kubelet) remove(key types.NamespacedName) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if c := k.running[key]; c != nil {
		c.close()
		k.ledger.ended(c.uid)
		delete(k.running, key)
	}
}

// shutDown ends all pods.
func (k *kubelet) shutDown() {
	k.queue.ShutDown()
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, c := range k.running {
		c.close()
	}
}

// silence makes pods that start in a namespace from now on accept connections and never answer.
func (k *kubelet) silence(namespace string) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.silent = namespace
}

// trusts reports whether any running backend of an app uses a version.
func (k *kubelet) trusts(app types.NamespacedName, version int64) bool {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for key, c := range k.running {
		if key.Namespace == app.Namespace && c.server != nil && belongs(key.Name, app.Name) && c.uses(version) {
			return true
		}
	}
	return false
}
