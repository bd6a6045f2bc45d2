package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// snapshot is everything that was seen of one app at one moment.
type snapshot struct {
	now time.Time
	// keyring is the Secret that holds the ring; nil when there is none.
	keyring *corev1.Secret
	// secrets are the projections by component, and whatever else stands under their names.
	secrets map[string]*corev1.Secret
	// source is the external store's Secret; nil without one.
	source *corev1.Secret
	// apps are the namespace's TodoApps, this one among them.
	apps []todov1.TodoApp
	// labelled are the Secrets that carry the app's label.
	labelled    []corev1.Secret
	pods        []corev1.Pod
	replicaSets []appsv1.ReplicaSet
	deployments []appsv1.Deployment
	claims      []corev1.PersistentVolumeClaim
	// others are the live objects of which only matters whether they are as desired.
	others []client.Object
	// own holds the UIDs of the ReplicaSets and pods that the operator's own Deployments made.
	own     map[types.UID]bool
	answers answers
	// causes are the reasons why pods do not start, by the UID of the pod, if the pod's own status does not tell.
	causes map[types.UID]assessment
}

// observe sees the world of an app through a reader: the cache, or the API server where something is to be written.
// What pods have answered a moment before counts again.
func (r *Reconciler) observe(ctx context.Context, reader client.Reader, app *todov1.TodoApp, before answers) (*snapshot, error) {
	w := &snapshot{secrets: map[string]*corev1.Secret{}}
	if err := r.observeSecrets(ctx, reader, w, app); err != nil {
		return nil, err
	}
	if err := w.list(ctx, reader, app); err != nil {
		return nil, err
	}
	w.own = ownWorkloads(app, w)
	var err error
	if w.answers, err = r.Verifiers.ask(ctx, client.ObjectKeyFromObject(app), w.answeringPods(), before); err != nil {
		return nil, err
	}
	r.findCauses(ctx, w, app)
	w.now = r.Now() // what a pod that has gone by now signed, it signed before
	return w, nil
}

// list sees what carries the app's label.
func (w *snapshot) list(ctx context.Context, reader client.Reader, app *todov1.TodoApp) error {
	labelled := []client.ListOption{client.InNamespace(app.Namespace), client.MatchingLabels{todov1.LabelApp: app.Name}}
	var (
		secrets     corev1.SecretList
		pods        corev1.PodList
		replicaSets appsv1.ReplicaSetList
		deployments appsv1.DeploymentList
		claims      corev1.PersistentVolumeClaimList
		others      = []client.ObjectList{
			&corev1.ServiceList{}, &policyv1.PodDisruptionBudgetList{},
			&networkingv1.IngressList{}, &networkingv1.NetworkPolicyList{},
		}
	)
	lists := append([]client.ObjectList{&secrets, &pods, &replicaSets, &deployments, &claims}, others...)
	for _, list := range lists {
		if err := reader.List(ctx, list, labelled...); err != nil {
			return fmt.Errorf("listing what belongs to the app: %w", err)
		}
	}
	for _, list := range others {
		err := meta.EachListItem(list, func(item runtime.Object) error {
			w.others = append(w.others, item.(client.Object)) //nolint:forcetypeassert // every item of a typed list is one
			return nil
		})
		if err != nil {
			return fmt.Errorf("reading what belongs to the app: %w", err)
		}
	}
	var apps todov1.TodoAppList
	if err := reader.List(ctx, &apps, client.InNamespace(app.Namespace)); err != nil {
		return fmt.Errorf("listing the namespace's apps: %w", err)
	}
	w.apps, w.labelled = apps.Items, secrets.Items
	w.pods, w.replicaSets, w.deployments = pods.Items, replicaSets.Items, deployments.Items
	w.claims = claims.Items
	return nil
}

// observeSecrets sees the projections before the ring that they are held against: a manager that is behind must not find
// them as it left them.
func (r *Reconciler) observeSecrets(ctx context.Context, reader client.Reader, w *snapshot, app *todov1.TodoApp) error {
	names := map[string]string{
		todov1.ComponentFrontend: desired.FrontendSecret(app),
		todov1.ComponentBackend:  desired.BackendSecret(app),
	}
	var err error
	for component, name := range names {
		if w.secrets[component], err = r.secret(ctx, reader, app, name); err != nil {
			return err
		}
	}
	if w.keyring, err = r.secret(ctx, reader, app, desired.Keyring(app)); err != nil {
		return err
	}
	if source := app.Spec.Auth.Source; source != nil {
		w.source, err = r.secret(ctx, r.Live, app, source.SecretRef.Name)
	}
	return err
}

// secret returns nil for a Secret that does not exist. A Secret that the cache lacks or holds in part is read from the API
// server: the cache holds labelled Secrets alone, up to a size.
func (r *Reconciler) secret(ctx context.Context, reader client.Reader, app *todov1.TodoApp, name string) (*corev1.Secret, error) {
	key := types.NamespacedName{Namespace: app.Namespace, Name: name}
	secret := &corev1.Secret{}
	err := reader.Get(ctx, key, secret)
	if reader != r.Live && (apierrors.IsNotFound(err) || err == nil && trimmed(secret)) {
		secret = &corev1.Secret{}
		err = r.Live.Get(ctx, key, secret)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return secret, nil
}

// objects are the live objects that the operator makes for the app, and what stands under the names of its Secrets.
func (w *snapshot) objects() []client.Object {
	var objects []client.Object
	for i := range w.labelled {
		if secret := &w.labelled[i]; secret.Labels[todov1.LabelComponent] != todov1.ComponentKeyring {
			objects = append(objects, secret)
		}
	}
	for _, secret := range w.secrets {
		if secret != nil {
			objects = append(objects, secret)
		}
	}
	objects = append(objects, w.others...)
	objects = appendAll(objects, w.claims)
	return appendAll(objects, w.deployments)
}

func appendAll[T any, P interface {
	*T
	client.Object
}](objects []client.Object, items []T) []client.Object {
	for i := range items {
		objects = append(objects, P(&items[i]))
	}
	return objects
}

// applied has the world's Deployments be as they were written: what was seen before says nothing of a new spec.
func (w *snapshot) applied(changed []change) {
	for _, c := range changed {
		for i := range w.deployments {
			var after appsv1.Deployment
			same := c.object.GetKind() == "Deployment" && c.object.GetUID() == w.deployments[i].UID
			if same && runtime.DefaultUnstructuredConverter.FromUnstructured(c.object.Object, &after) == nil {
				w.deployments[i] = after
			}
		}
	}
}

// sourceValue is what the external store offers; empty when that is nothing, or nothing usable.
func (w *snapshot) sourceValue(app *todov1.TodoApp) keyring.Value {
	if w.source == nil || app.Spec.Auth.Source == nil || claimedSource(app, w) != nil {
		return ""
	}
	value := keyring.Value(w.source.Data[app.Spec.Auth.Source.SecretRef.Key])
	if keyring.Check(value) != nil {
		return ""
	}
	return value
}
