package plugin

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// tryAdoption asks the API server, with dry runs, whether it would accept each step of an adoption. It finds missing rights, names
// that are not valid, quotas and policies. The trial app names other Secrets, because admission rejects Secrets that are not handed
// over yet.
func (c *cluster) tryAdoption(ctx context.Context, app *todov1.TodoApp, secrets []*corev1.Secret) error {
	for _, secret := range secrets {
		after := secret.DeepCopy()
		metav1.SetMetaDataAnnotation(&after.ObjectMeta, todov1.AnnotationAdopt, app.Name)
		if err := c.Patch(ctx, after, client.MergeFrom(secret), client.FieldOwner(fieldOwner), client.DryRunAll); err != nil {
			return fmt.Errorf("handing over Secret %s as a dry run: %w", secret.Name, err)
		}
	}
	trial := app.DeepCopy()
	trial.Spec.Frontend.SecretRef = &todov1.SecretReference{Name: app.Spec.Frontend.SecretRef.Name + "-dry-run"}
	trial.Spec.Backend.SecretRef = &todov1.SecretReference{Name: app.Spec.Backend.SecretRef.Name + "-dry-run"}
	if err := c.Create(ctx, trial, client.FieldOwner(fieldOwner), client.DryRunAll); err != nil {
		return fmt.Errorf("creating TodoApp %s as a dry run: %w", app.Name, err)
	}
	return nil
}

// claims says which other TodoApps of the namespace already use the Secrets of an adoption. Admission would reject the adoption.
func claims(app *todov1.TodoApp, others []todov1.TodoApp) []string {
	var problems []string
	for _, name := range []string{desired.FrontendSecret(app), desired.BackendSecret(app)} {
		for i := range others {
			other := &others[i]
			if slices.Contains(desired.NamedSecrets(other), name) && other.DeletionTimestamp.IsZero() {
				problems = append(problems, fmt.Sprintf("Secret %s is used by TodoApp %s: copy it into a new Secret", name, other.Name))
			}
		}
	}
	return problems
}
