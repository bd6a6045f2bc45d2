package manager

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// checked is the name of the objects that a check creates as dry runs.
const checked = "installation-check"

// Check sends the API server, as dry runs, a TodoApp to admit and a workload to reject, until both answers
// are right or the time is over. It needs the right to create TodoApps and Deployments in the namespace.
func Check(ctx context.Context, args []string, output io.Writer) error {
	flags := flag.NewFlagSet("todoapp-operator check", flag.ContinueOnError)
	flags.SetOutput(output)
	namespace := flags.String("namespace", "default", "`namespace` to ask for objects in: one that the operator looks after")
	within := flags.Duration("within", 30*time.Second, "`time` for the installation to be at work")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading the flags: %w", err)
	}
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	for _, check := range []func(context.Context, *rest.Config, string) (string, error){checkTodoApp, checkWorkload} {
		var found string
		var missing error
		err := wait.PollUntilContextTimeout(ctx, time.Second, *within, true, func(ctx context.Context) (bool, error) {
			found, missing = check(ctx, cfg, *namespace)
			return missing == nil, nil
		})
		if err != nil {
			return errors.Join(missing, err)
		}
		if _, err := fmt.Fprintln(output, found); err != nil {
			return fmt.Errorf("reporting: %w", err)
		}
	}
	return nil
}

// checkTodoApp creates a TodoApp about which the webhook warns and the schema does not.
func checkTodoApp(ctx context.Context, cfg *rest.Config, namespace string) (string, error) {
	said := warnings{}
	cfg = rest.CopyConfig(cfg)
	cfg.WarningHandler = &said
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: checked}}
	app.Spec.Frontend.URL = "http://" + checked + ".example" // the webhook warns about http
	if err := ask(ctx, cfg, app); err != nil {
		return "", fmt.Errorf("a TodoApp is not admitted: %w", err)
	}
	all := strings.Join(said, "; ")
	if !strings.Contains(all, "spec.frontend.url") {
		return "", fmt.Errorf("a TodoApp is admitted in namespace %s without a look at it: is the namespace looked after?", namespace)
	}
	return "TodoApps are admitted, and looked at: " + all, nil
}

// checkWorkload creates a workload that has the label of an app and lacks that of a component.
func checkWorkload(ctx context.Context, cfg *rest.Config, namespace string) (string, error) {
	labels := map[string]string{todov1.LabelApp: checked}
	workload := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: checked, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: checked, Image: checked}}},
			},
		},
	}
	err := ask(ctx, cfg, workload)
	switch {
	case err == nil:
		return "", fmt.Errorf("a workload that breaks a rule is not refused in namespace %s", namespace)
	case !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), todov1.LabelComponent):
		return "", fmt.Errorf("a workload that breaks a rule is refused for another reason: %w", err)
	}
	return "Workloads that break a rule are refused: " + err.Error(), nil
}

// ask creates an object as a dry run.
func ask(ctx context.Context, cfg *rest.Config, object client.Object) error {
	scheme, err := Scheme()
	if err != nil {
		return err
	}
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return c.Create(ctx, object, client.DryRunAll) //nolint:wrapcheck // the caller names the request
}

// warnings collects the warnings of the API server.
type warnings []string

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _ string, text string) { *w = append(*w, text) }
