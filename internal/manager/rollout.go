package manager

import (
	"context"
	"fmt"
	"path"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// rollout reads the state of the operator's own Deployment.
type rollout struct {
	reader    client.Reader
	namespace string
}

// over reports whether no replica of an earlier release is left. It is true if no Deployment runs the manager.
func (r rollout) over(ctx context.Context) (bool, error) {
	var d appsv1.Deployment
	err := r.reader.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: "todoapp-operator"}, &d)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the operator's Deployment: %w", err)
	}
	s := d.Status
	return s.ObservedGeneration >= d.Generation && s.UpdatedReplicas > 0 && s.UpdatedReplicas == s.Replicas, nil
}

// servesPath reports whether the webhook is served at a path if the certificate and the configuration are managed elsewhere.
func (s settings) servesPath(_ context.Context, asked string) bool {
	prefix := "/"
	if s.pathToken != "" {
		prefix = "/" + s.pathToken + "/"
	}
	return strings.HasPrefix(asked, prefix) && asked == prefix+path.Base(asked)
}
