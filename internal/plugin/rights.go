package plugin

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// right is a permission that a command needs in the namespace of the app.
type right struct{ verb, group, resource, subresource string }

// String returns the right as kubectl auth can-i takes it.
func (r right) String() string {
	name := r.resource
	if r.group != "" {
		name += "." + r.group
	}
	if r.subresource != "" {
		name += "/" + r.subresource
	}
	return r.verb + " " + name
}

// onApps returns rights on TodoApps.
func onApps(verbs ...string) []right {
	rights := make([]right, len(verbs))
	for i, verb := range verbs {
		rights[i] = right{verb: verb, group: todov1.GroupVersion.Group, resource: "todoapps"}
	}
	return rights
}

// explain replaces errors that Kubernetes phrases for programs: an API server that cannot be reached or does not know the user, a
// missing CRD, and missing rights, of which it names all.
func (c *cluster) explain(ctx context.Context, rights []right, err error) error {
	unreached := (*url.Error)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unreached) && ctx.Err() == nil:
		return fmt.Errorf("the API server of %s cannot be reached: start it, or choose another cluster with --context\n(%w)",
			c.clusterName(), err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the API server of %s does not accept your credentials: sign in again, or choose another user or cluster "+
			"with --context\n(%w)", c.clusterName(), err)
	case meta.IsNoMatchError(err):
		return errors.New("this cluster has no TodoApps, because the operator is not installed: see docs/install.md, or choose " +
			"another cluster with --context")
	case !apierrors.IsForbidden(err):
		return err
	}
	var missing []string
	for _, r := range rights {
		if !c.allowed(ctx, r) {
			missing = append(missing, r.String())
		}
	}
	if len(missing) == 0 {
		return err
	}
	return fmt.Errorf("you lack rights in namespace %s: %s. Ask for a Role with them, or for the ClusterRole edit\n(%w)",
		c.namespace, strings.Join(missing, ", "), err)
}

// allowed reports whether the user has a right. It is true if the API server does not say.
func (c *cluster) allowed(ctx context.Context, r right) bool {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: c.namespace, Verb: r.verb, Group: r.group, Resource: r.resource, Subresource: r.subresource},
	}}
	answer, err := c.api.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	return err != nil || answer.Status.Allowed
}
