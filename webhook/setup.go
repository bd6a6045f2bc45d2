// Package webhook rejects TodoApps and labelled workloads whose frontend and backend would not share one secret.
package webhook

import (
	"fmt"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// Setup registers the validators with the manager's webhook server. They read live and by name: Secrets, the TodoApps that name a
// Secret if an app is to adopt it, and for workloads also TodoApps and ConfigMaps. The reader of all TodoApps, a cache with the
// index of TodoApps, only tells which TodoApps name a Secret. New references are judged with the rights of the user who makes
// them.
func Setup(mgr ctrl.Manager, all client.Reader, rights ReferenceRights) error {
	live, err := unlimited(mgr)
	if err != nil {
		return err
	}
	apps := guard[*todov1.TodoApp]{
		inner: todoAppValidator{live, all}, kind: "TodoApp", client: live, mode: rights, at: specPath,
		applies: func(*todov1.TodoApp) bool { return true }, size: entriesOf, accesses: accessesOf,
	}
	err = builder.WebhookManagedBy(mgr, &todov1.TodoApp{}).WithValidator(apps).WithValidatorCustomPath(todoAppPath).Complete()
	if err != nil {
		return fmt.Errorf("registering the TodoApp webhook: %w", err)
	}
	mgr.GetWebhookServer().Register(workloadPath, newWorkloadWebhook(mgr.GetScheme(), live, rights))
	return nil
}

// unlimited returns a client without the rate limit that the manager sets itself: a user waits for the answer, and the API
// server limits the reviews that it sends.
func unlimited(mgr ctrl.Manager) (client.Client, error) {
	config := rest.CopyConfig(mgr.GetConfig())
	config.QPS = -1
	live, err := client.New(config, client.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
	})
	if err != nil {
		return nil, fmt.Errorf("making a client for admission: %w", err)
	}
	return live, nil
}
