package controllers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"golang.org/x/sync/semaphore"
)

const (
	// patience bounds how long a reconcile waits for the pods of its app. What comes later enqueues the app again.
	patience = 100 * time.Millisecond
	// askedPerApp bounds how many pods of one app are asked at once; askedAtOnce and silentAtOnce bound it for all apps
	// together: for pods that answered the last request, and for silent pods.
	askedPerApp, askedAtOnce, silentAtOnce = 16, 128, 16
	// firstSilence and longestSilence bound how long a pod that did not answer is left alone, doubling each time.
	firstSilence, longestSilence = time.Second, time.Minute
)

// Verifiers asks pods of the embedded API which keys they trust, outside the reconcile workers: a pod that does not
// answer delays no other app.
type Verifiers struct {
	client http.Client
	// answering and silent are lanes, so that pods that answer need not wait for silent pods.
	answering, silent *semaphore.Weighted

	mutex sync.Mutex
	// pods holds the last answer of each pod, by its app and its UID.
	pods map[types.NamespacedName]map[types.UID]*verifier
	// queue receives the apps whose pods answered after the reconcile that asked them.
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// verifier is a pod that was asked.
type verifier struct {
	// answer is the last one. It is known once the pod was asked for the first time.
	answer answer
	known  bool
	// asking is closed when the present request ends; nil if there is none.
	asking chan struct{}
	// missed says that a reconcile went on without waiting for the present request.
	missed bool
	// failures counts the requests without an answer since the last one; until next, the pod is not asked again, unless
	// it has changed since version.
	failures int
	next     time.Time
	version  string
}

// NewVerifiers returns Verifiers that know no pod yet.
func NewVerifiers() *Verifiers {
	return &Verifiers{
		client:    newKeyringClient(),
		answering: semaphore.NewWeighted(askedAtOnce), silent: semaphore.NewWeighted(silentAtOnce),
		pods: map[types.NamespacedName]map[types.UID]*verifier{},
	}
}

// Enqueue implements source.Func: it makes late answers enqueue their app.
func (v *Verifiers) Enqueue(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.queue = queue
	return nil
}

// answer holds the versions that a pod of the embedded API says it trusts.
type answer struct {
	versions []int64
	// store is the state of the pod's store: serving, full or failing. It is empty if the pod is of an earlier release.
	store string
	// err says why the pod gave no versions, such as "does not answer at 10.244.0.7:9090 (timeout)".
	err error
	// failures counts the requests that the pod has left without an answer since its last one.
	failures int
}

// answers maps the UID of each pod that was asked to its answer.
type answers map[types.UID]answer

// errPending says that a pod was never asked before and has not answered yet; its app is enqueued when it does.
var errPending = errors.New("waiting for the first answer of a pod")

// ask returns the answers of pods, and asks those again that are not among the earlier answers. A pod that is slow or
// silent keeps its last answer: it trusts those keys until the ring says otherwise, and no version is used twice.
func (v *Verifiers) ask(ctx context.Context, app types.NamespacedName, pods []*corev1.Pod, earlier answers) (answers, error) {
	known, expected := v.begin(ctx, app, pods, earlier)
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, asking := range expected {
		select {
		case <-asking:
		case <-waiting.Done():
		}
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	given := answers{}
	var pending error
	for _, pod := range pods {
		asked := known[pod.UID]
		asked.missed = asked.asking != nil
		switch answer, ok := earlier[pod.UID]; {
		case ok:
			given[pod.UID] = answer
		case asked.known:
			given[pod.UID] = asked.answer
		default:
			pending = errPending
		}
	}
	return given, pending
}

// begin asks the pods whose turn it is. It returns the pods by their UID, and a channel for each that is expected to
// answer soon.
func (v *Verifiers) begin(
	ctx context.Context, app types.NamespacedName, pods []*corev1.Pod, earlier answers,
) (map[types.UID]*verifier, []chan struct{}) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	before, now := v.pods[app], make(map[types.UID]*verifier, len(pods))
	v.pods[app] = now
	var expected []chan struct{}
	requests, silent := make(chan request, len(pods)), make(chan request, len(pods))
	for _, pod := range pods {
		asked := before[pod.UID]
		if asked == nil {
			asked = &verifier{}
		}
		now[pod.UID] = asked
		if _, ok := earlier[pod.UID]; ok {
			continue
		}
		if asked.due(pod) {
			asked.asking, asked.version = make(chan struct{}), pod.ResourceVersion
			if asked.failures > 0 {
				silent <- request{asked, pod.Status.PodIP}
			} else {
				requests <- request{asked, pod.Status.PodIP}
			}
		}
		if asked.asking != nil && asked.failures == 0 {
			expected = append(expected, asked.asking)
		}
	}
	ctx = context.WithoutCancel(ctx) // a request outlives the reconcile that began it
	v.send(ctx, app, v.answering, requests)
	v.send(ctx, app, v.silent, silent)
	return now, expected
}

// due reports whether a pod is to be asked now.
func (a *verifier) due(pod *corev1.Pod) bool {
	return a.asking == nil && (a.failures == 0 || a.version != pod.ResourceVersion || !time.Now().Before(a.next))
}

// request is a pod to ask at an address.
type request struct {
	of *verifier
	ip string
}

// send asks pods of an app in a lane, a few at once.
func (v *Verifiers) send(ctx context.Context, app types.NamespacedName, lane *semaphore.Weighted, requests chan request) {
	close(requests)
	for range min(len(requests), askedPerApp) {
		go func() {
			for r := range requests {
				_ = lane.Acquire(ctx, 1) // cannot fail: the context has no end
				given := v.keyring(ctx, r.ip)
				lane.Release(1)
				v.answered(app, r.of, given)
			}
		}()
	}
}

// answered records an answer, and enqueues the app if a reconcile went on without it and it says something new.
func (v *Verifiers) answered(app types.NamespacedName, asked *verifier, given answer) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	news := !asked.known || !slices.Equal(asked.answer.versions, given.versions) || asked.answer.store != given.store
	if asked.missed && news && v.queue != nil {
		v.queue.Add(reconcile.Request{NamespacedName: app})
	}
	asked.failures++
	if given.err == nil {
		asked.failures = 0
	}
	wait := min(firstSilence<<min(max(asked.failures-1, 0), 10), longestSilence)
	given.failures = asked.failures
	asked.answer, asked.known, asked.missed, asked.next = given, true, false, time.Now().Add(wait)
	close(asked.asking)
	asked.asking = nil
}

// forget deletes the answers of the pods of a deleted app.
func (v *Verifiers) forget(app types.NamespacedName) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	delete(v.pods, app)
}
