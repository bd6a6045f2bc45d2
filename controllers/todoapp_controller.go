package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// +kubebuilder:rbac:groups=todoapp.dev,resources=todoapps,verbs=get;list;watch
// +kubebuilder:rbac:groups=todoapp.dev,resources=todoapps/status,verbs=patch
// +kubebuilder:rbac:groups=todoapp.dev,resources=todoapps/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch;patch
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=list;watch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses;networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=list;create;patch

// Reconciler drives one TodoApp at a time.
type Reconciler struct {
	// Client reads from the cache and writes; Live reads from the API server.
	Client client.Client
	Live   client.Reader
	Events events.EventRecorder
	Images desired.Images
	// Network configures the NetworkPolicies of apps.
	Network desired.Network
	// Namespaces are the namespaces to watch, the same as those of the Client's cache; none means all.
	Namespaces []string
	// Shard selects the TodoApps of this manager, the same as those of the Client's cache; nil for all.
	Shard labels.Selector
	// WatchHealth records the failures of the cache of Secrets that the operator did not make; may be nil.
	WatchHealth *WatchHealth
	// Verifiers asks pods of the embedded API for their keys.
	Verifiers *Verifiers
	// Rotations bounds how many rotations begin at the same time; nil for no bound.
	Rotations *Rotations
	// Turns lets the requests of urgent apps go first, if it wraps the transport of Client and Live; nil for no order.
	Turns *Turns
	// Now is the clock and NewKey the source of keys.
	Now    func() time.Time
	NewKey func() keyring.Value

	driftDetector driftDetector
	settled       settledObjects
	routes        *routes
	ownWrites     ownWrites
	// sources caches the identities of the Secrets and ConfigMaps that the operator did not make; nil reads them each time.
	sources client.Reader
	digests digests
}

// Reconcile plans on the cache. If a stale cache could make the plan harmful, or if the API server refuses a write because the
// cache was stale, it plans again on live reads.
func (r *Reconciler) Reconcile(ctx context.Context, app *todov1.TodoApp) (ctrl.Result, error) {
	if !app.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // the garbage collector deletes the objects that the app owns
	}
	ctx, end := r.Turns.begin(ctx, urgent(app, r.Now()))
	defer end()
	cache, err := r.lagOf(ctx, app)
	if err != nil {
		return ctrl.Result{}, err
	}
	if cache == behind {
		return ctrl.Result{RequeueAfter: longestLag}, nil // the event of each write comes sooner
	}
	p, err := r.planFor(ctx, app, cache == tooLong)
	if err != nil {
		return r.unplanned(ctx, app, err)
	}
	if p.premature(app) {
		return ctrl.Result{RequeueAfter: doubtPoll}, nil // an answer enqueues the app sooner
	}
	applyErr := r.carryOut(ctx, app, p)
	if overtaken(applyErr) && !p.live {
		if p, err = r.planAgain(ctx, app, p); err != nil {
			return r.unplanned(ctx, app, err)
		}
		applyErr = r.carryOut(ctx, app, p)
	}
	return r.conclude(ctx, app, p, applyErr)
}

// unplanned returns the result of a reconcile that has no plan.
func (r *Reconciler) unplanned(ctx context.Context, app *todov1.TodoApp, err error) (ctrl.Result, error) {
	switch {
	case errors.Is(err, errUndecodable):
		return ctrl.Result{}, r.reportUndecodable(ctx, app)
	case errors.Is(err, errPending):
		return ctrl.Result{RequeueAfter: lastPoll}, nil // the answer enqueues the app
	case errors.Is(err, errChanging):
		return ctrl.Result{RequeueAfter: firstPoll}, nil
	case errors.Is(err, errDeleted):
		return ctrl.Result{}, nil // an app that took its name has an event of its own
	}
	return ctrl.Result{}, client.IgnoreNotFound(err) //nolint:wrapcheck // the plan's errors are wrapped
}

// errUntold says that a notice could not be written, so nothing else was.
var errUntold = errors.New("telling of changed keys")

// carryOut writes the changes of a plan, and Events about them.
func (r *Reconciler) carryOut(ctx context.Context, app *todov1.TodoApp, p *plan) error {
	if p.idle() {
		return nil
	}
	if err := r.foretell(ctx, app, p); err != nil {
		return fmt.Errorf("%w: %w", errUntold, err)
	}
	err := r.apply(ctx, p)
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return err
	}
	r.report(ctx, app, p, err)
	p.observed.applied(p.changed)
	return err
}

// conclude writes the status after a plan, and returns when to requeue.
func (r *Reconciler) conclude(ctx context.Context, app *todov1.TodoApp, p *plan, applyErr error) (ctrl.Result, error) {
	switch {
	case errors.Is(applyErr, errUntold):
		return ctrl.Result{}, applyErr
	case apierrors.HasStatusCause(applyErr, corev1.NamespaceTerminatingCause):
		return ctrl.Result{}, nil // the app is deleted with its namespace
	case overtaken(applyErr):
		return ctrl.Result{RequeueAfter: firstPoll}, nil // the snapshot is outdated
	case errors.Is(applyErr, errNotStored):
		p.step = r.currentStep(app, p) // the status must not list a key that was not stored
	}
	if p.toldLater(applyErr) {
		return ctrl.Result{RequeueAfter: firstPoll}, nil // the events of the writes come sooner
	}
	p.step.Waiting = p.stillWaiting(applyErr)
	r.warn(app, p)
	status := statusOf(app, p, applyErr)
	logConditions(ctx, app, p, status)
	statusErr := r.patchStatus(ctx, app, status)
	return result(p, applyErr, statusErr)
}

// SetupWithManager watches TodoApps and their objects. It maps an object to its app by the object's label, or by the names of the
// Secrets in the app's spec.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.driftDetector = newDriftDetector(mgr.GetScheme())
	if err := index(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return err
	}
	sources, err := r.sourceCache(mgr)
	if err != nil {
		return err
	}
	if err := mgr.Add(warm{sources}); err != nil {
		return fmt.Errorf("adding the cache of sources: %w", err)
	}
	r.sources = sources
	if r.routes, err = newRoutes(mgr, r.Namespaces); err != nil {
		return err
	}
	if err := mgr.Add(r.routes.cache); err != nil {
		return fmt.Errorf("adding the cache of routes: %w", err)
	}
	builder := ctrl.NewControllerManagedBy(mgr).For(&todov1.TodoApp{}).WatchesRawSource(r.referred(sources, todov1.KindSecret)).
		WatchesRawSource(r.referred(sources, todov1.KindConfigMap)).
		WatchesRawSource(source.Func(r.Verifiers.Enqueue)).
		Watches(&todov1.TodoApp{}, handler.Funcs{DeleteFunc: r.forgetDeleted}).
		WatchesRawSource(source.Func(r.Rotations.Start)).
		WatchesRawSource(source.Func(r.routes.watch)).
		WithOptions(controller.Options{RateLimiter: backoff(), NewQueue: r.newQueue})
	for _, object := range watched() {
		builder = builder.Watches(object, labelled())
	}
	for _, object := range []client.Object{&corev1.Secret{}, &todov1.TodoApp{}} {
		builder = builder.Watches(object, handler.EnqueueRequestsFromMapFunc(r.concerned))
	}
	if err := builder.Complete(reconcile.AsReconciler(r.Client, r)); err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	return nil
}

// watched returns an object of every kind that the operator creates or waits for.
func watched() []client.Object {
	return []client.Object{
		&corev1.Secret{}, &corev1.Service{}, &corev1.PersistentVolumeClaim{}, &corev1.Pod{},
		&appsv1.Deployment{}, &appsv1.ReplicaSet{}, &policyv1.PodDisruptionBudget{},
		&networkingv1.Ingress{}, &networkingv1.NetworkPolicy{}, &autoscalingv2.HorizontalPodAutoscaler{},
	}
}
