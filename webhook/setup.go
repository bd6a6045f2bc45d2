// Package webhook refuses TodoApps and labelled workloads whose two sides would not share one secret.
package webhook

import (
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	managedBy    = "app.kubernetes.io/managed-by"
	operatorName = "todoapp-operator"
)

// Setup registers the validators with the manager's webhook server. They read live, through the manager's API reader:
// Secrets by name, and for workloads also TodoApps and ConfigMaps by name and the keyrings of a namespace by label.
func Setup(mgr ctrl.Manager) error {
	reader := mgr.GetAPIReader()
	err := builder.WebhookManagedBy(mgr, &todov1.TodoApp{}).WithValidator(todoAppValidator{reader}).Complete()
	if err != nil {
		return fmt.Errorf("registering the TodoApp webhook: %w", err)
	}
	mgr.GetWebhookServer().Register(workloadPath, newWorkloadWebhook(mgr.GetScheme(), reader))
	return nil
}
