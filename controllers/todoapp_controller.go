package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/applyconfigurations"
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
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch;patch
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=list;watch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses;networkpolicies,verbs=get;list;watch;create;patch;delete
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
	// WatchHealth records the failures of the cache of Secrets that the operator did not make; may be nil.
	WatchHealth *WatchHealth
	// Verifiers asks pods of the embedded API for their keys.
	Verifiers *Verifiers
	// Rotations bounds how many rotations begin at the same time; nil for no bound.
	Rotations *Rotations
	// Now is the clock and NewKey the source of keys.
	Now    func() time.Time
	NewKey func() keyring.Value

	driftDetector driftDetector
}

// Reconcile plans on the cache first. If that plan writes anything, it plans again on live reads and carries out the second plan,
// because a decision about keys must never be made on stale state.
func (r *Reconciler) Reconcile(ctx context.Context, app *todov1.TodoApp) (ctrl.Result, error) {
	if !app.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // the garbage collector deletes the objects that the app owns
	}
	p, err := r.planFor(ctx, app)
	switch {
	case errors.Is(err, errUndecodable):
		return ctrl.Result{}, r.reportUndecodable(ctx, app)
	case errors.Is(err, errPending):
		return ctrl.Result{RequeueAfter: lastPoll}, nil // the answer enqueues the app
	}
	if errors.Is(err, errDeleted) {
		return ctrl.Result{}, nil // an app that took its name has an event of its own
	}
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err) //nolint:wrapcheck // the plan's errors are wrapped
	}
	var applyErr error
	if !p.idle() {
		if err := r.foretell(ctx, app, p); err != nil {
			return ctrl.Result{}, err
		}
		applyErr = r.apply(ctx, p)
		if apierrors.HasStatusCause(applyErr, corev1.NamespaceTerminatingCause) {
			return ctrl.Result{}, nil // the app is deleted with its namespace
		}
		r.report(ctx, app, p, applyErr)
		p.observed.applied(p.changed)
	}
	if errors.Is(applyErr, errNotStored) {
		p.step = r.currentStep(app, p) // the status must not list a key that was not stored
	}
	if overtaken(applyErr) {
		return ctrl.Result{RequeueAfter: firstPoll}, nil // the snapshot is outdated
	}
	r.warn(app, p)
	status := statusOf(app, p, applyErr)
	logConditions(ctx, app, p, status)
	statusErr := r.patchStatus(ctx, app, status)
	return result(p, applyErr, statusErr)
}

// planFor plans on the cache and, if that plan writes anything, on live reads. The plan of a paused app writes nothing.
func (r *Reconciler) planFor(ctx context.Context, app *todov1.TodoApp) (*plan, error) {
	p, err := r.planCached(ctx, app)
	if err == nil && !p.idle() {
		p, err = r.planLive(ctx, app, p.observed.answers)
	}
	if err == nil && app.Paused() {
		err = r.pause(app, p)
	}
	return p, err
}

// planCached plans on the state of the cache, except for an app that is too large for it.
func (r *Reconciler) planCached(ctx context.Context, app *todov1.TodoApp) (*plan, error) {
	if trimmed(app) {
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(app), app); err != nil {
			return nil, fmt.Errorf("reading the app: %w", err)
		}
	}
	return r.plan(ctx, r.Client, app, nil)
}

// planLive plans on the present state of the API server. It does not ask a pod again that has just answered: the pod trusts the
// same keys until the ring changes, the ring is read again, and a version never gets another key.
//
// It reads the app before and after everything else. If the app is not being deleted at the end, every object was read before a
// deletion began, and every write carries the resourceVersion that was read. So if "kubectl delete --cascade=orphan" releases an
// object after that, the write fails instead of making the app own the object again, which the garbage collector would delete.
func (r *Reconciler) planLive(ctx context.Context, app *todov1.TodoApp, before answers) (*plan, error) {
	uid := app.UID
	if err := r.readLive(ctx, app, uid); err != nil {
		return nil, err
	}
	p, err := r.plan(ctx, r.Live, app, before)
	if err != nil {
		return nil, err
	}
	return p, r.readLive(ctx, app.DeepCopy(), uid)
}

// errDeleted says that the app is being deleted, or that another app has its name.
var errDeleted = errors.New("the app is deleted")

// readLive reads the app from the API server. It fails with errDeleted if nothing may be written for the app any more.
func (r *Reconciler) readLive(ctx context.Context, app *todov1.TodoApp, uid types.UID) error {
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(app), app); err != nil {
		return fmt.Errorf("reading the app: %w", err)
	}
	if app.UID != uid || !app.DeletionTimestamp.IsZero() {
		return errDeleted
	}
	return nil
}

// overtaken reports whether a write failed because an object had changed since it was read. A conflict over fields is different:
// another field manager owns them, and a retry does not help.
func overtaken(err error) bool {
	return apierrors.IsAlreadyExists(err) ||
		apierrors.IsConflict(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict)
}

// SetupWithManager watches TodoApps and their objects. It maps an object to its app by the object's label, or by the names of the
// Secrets in the app's spec.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.driftDetector = driftDetector{applyconfigurations.NewTypeConverter(mgr.GetScheme())}
	if err := index(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return err
	}
	sources, err := r.sourceCache(mgr)
	if err != nil {
		return err
	}
	if err := mgr.Add(warm{sources}); err != nil {
		return fmt.Errorf("adding the cache of source Secrets: %w", err)
	}
	builder := ctrl.NewControllerManagedBy(mgr).For(&todov1.TodoApp{}).WatchesRawSource(r.referred(sources)).
		WatchesRawSource(source.Func(r.Verifiers.Enqueue)).
		Watches(&todov1.TodoApp{}, handler.Funcs{DeleteFunc: r.forgetDeleted}).
		WatchesRawSource(source.Func(r.Rotations.Start)).
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
		&networkingv1.Ingress{}, &networkingv1.NetworkPolicy{},
	}
}
