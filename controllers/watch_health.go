package controllers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

const (
	// watchGrace is how long a synced watch may fail before it counts: an API server that restarts is no fault.
	watchGrace = 15 * time.Second
	// watchRetry is longer than a reflector waits between two attempts, so that an older error has been overcome.
	watchRetry = 2 * time.Minute
)

// WatchHealth records which kinds a manager's informers cannot list or watch.
type WatchHealth struct {
	now     func() time.Time
	mutex   sync.Mutex
	watches []*watchState
}

// watchState holds the last error of one informer.
type watchState struct {
	kind     string
	informer toolscache.SharedIndexInformer
	err      error
	// first and last are the moments of the first and the last error since the informer received anything.
	first, last time.Time
	// version is the informer's resource version at the last error: a newer one shows that it has recovered.
	version string
}

// NewWatchHealth returns a record without informers.
func NewWatchHealth(now func() time.Time) *WatchHealth { return &WatchHealth{now: now} }

// Attach makes a cache report the errors of its informers.
func (h *WatchHealth) Attach(options *cache.Options) {
	options.NewInformer = h.newInformer
}

func (h *WatchHealth) newInformer(
	lw toolscache.ListerWatcher, object runtime.Object, resync time.Duration, indexers toolscache.Indexers,
) toolscache.SharedIndexInformer {
	watch := &watchState{kind: kindName(object), informer: toolscache.NewSharedIndexInformer(lw, object, resync, indexers)}
	handler := func(ctx context.Context, r *toolscache.Reflector, err error) {
		toolscache.DefaultWatchErrorHandler(ctx, r, err)
		h.failed(watch, err)
	}
	_ = watch.informer.SetWatchErrorHandlerWithContext(handler) // fails for a started informer only
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.watches = append(h.watches, watch)
	return watch.informer
}

// kindName returns the kind of an object, which typed objects do not carry.
func kindName(object runtime.Object) string {
	if kind := object.GetObjectKind().GroupVersionKind().Kind; kind != "" {
		return kind
	}
	return reflect.TypeOf(object).Elem().Name()
}

// failed records an error, unless it only ends a watch as usual.
func (h *WatchHealth) failed(watch *watchState, err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	now := h.now()
	if watch.recovered(now) {
		watch.first = now
	}
	watch.err, watch.last, watch.version = err, now, watch.informer.LastSyncResourceVersion()
}

// recovered reports whether the informer has had no error since it last received anything.
func (w *watchState) recovered(now time.Time) bool {
	return w.err == nil || now.Sub(w.last) > watchRetry || w.informer.LastSyncResourceVersion() != w.version
}

// failure returns why the objects of the informer are not known as they are now.
func (w *watchState) failure(now time.Time) error {
	switch {
	case w.recovered(now) && w.informer.HasSynced():
		return nil
	case w.recovered(now):
		return errNotListed
	case w.informer.HasSynced() && w.last.Sub(w.first) < watchGrace:
		return nil
	}
	return w.err
}

var errNotListed = errors.New("not listed yet")

// Failing returns the kinds that are watched, each with its failure or nil.
func (h *WatchHealth) Failing() map[string]error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	kinds := map[string]error{}
	for _, watch := range h.watches {
		if watch.informer.IsStopped() {
			continue
		}
		kinds[watch.kind] = errors.Join(kinds[watch.kind], watch.failure(h.now()))
	}
	return kinds
}

// Check implements healthz.Checker: it fails while a kind cannot be listed or watched.
func (h *WatchHealth) Check(*http.Request) error {
	kinds := h.Failing()
	var failures []error
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if err := kinds[kind]; err != nil {
			failures = append(failures, fmt.Errorf("cannot list or watch %s objects: %w", kind, err))
		}
	}
	return errors.Join(failures...)
}
