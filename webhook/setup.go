// Package webhook refuses TodoApps and labelled workloads whose two sides would not share one secret.
package webhook

import (
	"fmt"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// Setup registers the validators with the manager's webhook server. They read live: Secrets by name, the TodoApps of a
// namespace where one is to adopt a Secret, and for workloads also TodoApps and ConfigMaps by name and the keyrings of a
// namespace by label.
func Setup(mgr ctrl.Manager) error {
	reader, err := unlimited(mgr)
	if err != nil {
		return err
	}
	err = builder.WebhookManagedBy(mgr, &todov1.TodoApp{}).WithValidator(todoAppValidator{reader}).
		WithValidatorCustomPath(todoAppPath).Complete()
	if err != nil {
		return fmt.Errorf("registering the TodoApp webhook: %w", err)
	}
	mgr.GetWebhookServer().Register(workloadPath, newWorkloadWebhook(mgr.GetScheme(), reader))
	return nil
}

// unlimited reads live without the limit that the manager sets itself: somebody waits for the answer, and the API server,
// which asks, limits that itself.
func unlimited(mgr ctrl.Manager) (client.Reader, error) {
	config := rest.CopyConfig(mgr.GetConfig())
	config.QPS = -1
	reader, err := client.New(config, client.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
	})
	if err != nil {
		return nil, fmt.Errorf("making a client for admission: %w", err)
	}
	return reader, nil
}
