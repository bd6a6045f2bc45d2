package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// snapshot holds the observed state of one app.
type snapshot struct {
	now time.Time
	// keyring is the Secret that holds the ring; nil if it does not exist.
	keyring *corev1.Secret
	// secrets holds the Secrets under the names of the projections, by component. They may be foreign.
	secrets map[string]*corev1.Secret
	// source is the Secret of spec.auth.source; nil if it does not exist or the app has no source.
	source *corev1.Secret
	// rivals holds the other TodoApps that name a Secret of this app, reduced to the Secrets that they name.
	rivals []todov1.TodoApp
	// labelled holds the Secrets that carry the app's label.
	labelled    []corev1.Secret
	pods        []corev1.Pod
	replicaSets []appsv1.ReplicaSet
	deployments []appsv1.Deployment
	claims      []corev1.PersistentVolumeClaim
	// routable says that the cluster has the Gateway API.
	routable bool
	// others holds the live objects that are only compared with the desired ones.
	others []client.Object
	// own holds the UIDs of the ReplicaSets and pods that the operator's own Deployments made.
	own     map[types.UID]bool
	answers answers
	// digests holds, by component, a digest of what the pods read of the database at start; empty if it cannot be read.
	digests map[string]string
	// causes are the reasons why pods do not start, by the UID of the pod, if the pod's own status does not tell.
	causes map[types.UID]assessment
}

// observe takes a snapshot of an app. With the API server as the reader, it reads the Secrets with keys, the rivals and everything
// that runs pods from there, and the rest from the cache. It does not ask pods again that answered for an earlier snapshot, which
// may be empty.
func (r *Reconciler) observe(ctx context.Context, reader client.Reader, app *todov1.TodoApp, cached *snapshot) (*snapshot, error) {
	w := &snapshot{secrets: map[string]*corev1.Secret{}}
	if err := r.observeSecrets(ctx, reader, w, app); err != nil {
		return nil, err
	}
	if err := r.observeSources(ctx, reader, w, app); err != nil {
		return nil, err
	}
	var err error
	if w.rivals, err = r.rivals(ctx, reader, app); err != nil {
		return nil, err
	}
	if err := w.listOthers(ctx, r.Client, r.belonging(r.Client, app)); err != nil {
		return nil, err
	}
	belonging := r.belonging(reader, app)
	if reader == r.Live {
		reader = pagedReader{r.Live, app, cached}
	}
	if err := w.listWorkloads(ctx, reader, belonging); err != nil {
		return nil, err
	}
	if err := r.complete(ctx, w, app); err != nil {
		return nil, err
	}
	if err = r.observeRoutes(ctx, w, app); err != nil {
		return nil, err
	}
	w.own = ownWorkloads(app, w)
	if w.answers, err = r.Verifiers.ask(ctx, client.ObjectKeyFromObject(app), w.answeringPods(), cached.answers); err != nil {
		return nil, err
	}
	r.findCauses(ctx, w, app)
	w.now = r.Now() // read after listing pods: a pod missing from the list cannot have signed later than this
	return w, nil
}

// listWorkloads reads the objects with the app's label that run pods or may start them.
func (w *snapshot) listWorkloads(ctx context.Context, reader client.Reader, belonging []client.ListOption) error {
	var (
		pods        corev1.PodList
		replicaSets appsv1.ReplicaSetList
		deployments appsv1.DeploymentList
	)
	for _, list := range []client.ObjectList{&pods, &replicaSets, &deployments} {
		if err := reader.List(ctx, list, belonging...); err != nil {
			return fmt.Errorf("listing the workloads of the app: %w", err)
		}
	}
	w.pods, w.replicaSets, w.deployments = pods.Items, replicaSets.Items, deployments.Items
	return nil
}

// listOthers reads the other objects with the app's label. Each is written and deleted only in the version that is read here.
func (w *snapshot) listOthers(ctx context.Context, reader client.Reader, belonging []client.ListOption) error {
	var (
		secrets corev1.SecretList
		claims  corev1.PersistentVolumeClaimList
		others  = []client.ObjectList{
			&corev1.ServiceList{}, &policyv1.PodDisruptionBudgetList{},
			&networkingv1.IngressList{}, &networkingv1.NetworkPolicyList{}, &autoscalingv2.HorizontalPodAutoscalerList{},
		}
	)
	for _, list := range append([]client.ObjectList{&secrets, &claims}, others...) {
		if err := reader.List(ctx, list, belonging...); err != nil {
			return fmt.Errorf("listing the objects of the app: %w", err)
		}
	}
	for _, list := range others {
		err := meta.EachListItem(list, func(item runtime.Object) error {
			w.others = append(w.others, item.(client.Object)) //nolint:forcetypeassert // every item of a typed list is one
			return nil
		})
		if err != nil {
			return fmt.Errorf("reading the objects of the app: %w", err)
		}
	}
	w.labelled, w.claims = secrets.Items, claims.Items
	return nil
}

// objects returns the live objects of the kinds that the operator creates, and the Secrets under the names of the projections.
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

// applied puts the Deployments that were written in place of those of the snapshot, because an older status does not apply to a
// new spec.
func (w *snapshot) applied(changed []*change) {
	for _, c := range changed {
		if after := c.deployment(); after != nil {
			w.deployments = slices.DeleteFunc(w.deployments, func(d appsv1.Deployment) bool { return d.UID == after.UID })
			w.deployments = append(w.deployments, *after)
		}
	}
}

// deployment returns the Deployment that a change has written; nil if it has written none.
func (c *change) deployment() *appsv1.Deployment {
	switch after := c.after.(type) {
	case *appsv1.Deployment:
		return after
	case *unstructured.Unstructured:
		var d appsv1.Deployment
		if after.GetKind() == "Deployment" && runtime.DefaultUnstructuredConverter.FromUnstructured(after.Object, &d) == nil {
			return &d
		}
	}
	return nil
}

// sourceValue returns the value of the external source. It is empty if there is none, or none that can be used.
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
