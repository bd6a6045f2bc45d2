//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// environment is a test with its own namespace, which is deleted when the test ends.
type environment struct {
	*testing.T
	namespace string
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	namespace, err := newNamespace(t.Context(), "restricted")
	must(t, err)
	e := &environment{t, namespace.Name}
	t.Cleanup(func() {
		if t.Failed() {
			e.describe()
		}
		if err := cluster.Delete(context.Background(), namespace); err != nil {
			t.Errorf("deleting namespace %s: %v", e.namespace, err)
		}
	})
	return e
}

// newNamespace creates a namespace with the label of this run.
func newNamespace(ctx context.Context, standard string) (*corev1.Namespace, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "e2e-", Labels: map[string]string{podSecurity: standard, labelRun: runID},
	}}
	if err := cluster.Create(ctx, namespace); err != nil {
		return nil, fmt.Errorf("making a namespace: %w", err)
	}
	return namespace, nil
}

// clear waits until the namespaces of this run are deleted. It does not delete them.
func clear(ctx context.Context) error {
	return poll(ctx, func() error {
		var left corev1.NamespaceList
		if err := cluster.List(ctx, &left, client.MatchingLabels{labelRun: runID}); err != nil || len(left.Items) == 0 {
			return err
		}
		return fmt.Errorf("%d namespaces are left: %s", len(left.Items), left.Items[0].Name)
	})
}

// describe prints objects, Events and logs after a failure. None of them contains a secret value.
func (e *environment) describe() {
	system := "--namespace=todoapp-system"
	for _, args := range [][]string{
		{"get", "todoapps,deployments,replicasets,pods,services,persistentvolumeclaims,secrets", "-o", "wide"},
		{"describe", "todoapps,pods"},
		{"get", "events", "--sort-by=.metadata.creationTimestamp"},
		{"logs", "-l", "app.kubernetes.io/managed-by=todoapp-operator", "--all-containers", "--prefix", "--tail=40", "--ignore-errors"},
		{"logs", "-l", labelRun, "--prefix", "--tail=40", "--ignore-errors"},
		{"describe", "pods", system},
		{"logs", "deployment/todoapp-operator", "--tail=100", system},
		{"logs", "deployment/todoapp-operator", "--tail=30", "--previous", system},
	} {
		output, err := e.command(args...)
		e.Logf("$ kubectl %s\n%s(%v)", strings.Join(args, " "), output, err)
	}
}

// kubectl runs kubectl in the namespace of the test.
func (e *environment) kubectl(args ...string) string {
	e.Helper()
	output, err := e.command(args...)
	if err != nil {
		e.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

func (e *environment) command(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	output, err := exec.CommandContext(ctx, kubectl(), append([]string{"--namespace=" + e.namespace}, args...)...).CombinedOutput()
	return string(output), err
}

// kubectl returns the program: that of the variable KUBECTL, else the one in bin, else the one in the path.
func kubectl() string {
	if named := os.Getenv("KUBECTL"); named != "" {
		return named
	}
	if built, _ := filepath.Abs("../../bin/k8s/current/kubectl"); exists(built) {
		return built
	}
	return "kubectl"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// await waits until missing returns nil, and fails the test with its error if that takes too long.
func (e *environment) await(what string, within time.Duration, missing func() error) {
	e.Helper()
	started := time.Now()
	ctx, cancel := context.WithTimeout(e.Context(), within)
	defer cancel()
	if err := poll(ctx, missing); err != nil {
		e.Fatalf("waiting for %s: %v", what, err)
	}
	if took := time.Since(started); took > time.Second {
		e.Logf("%s: after %.1f s", what, took.Seconds())
	}
}

// pollInterval is the pause between two checks of a condition.
const pollInterval = 100 * time.Millisecond

func poll(ctx context.Context, missing func() error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := missing()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-ticker.C:
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gone returns an error unless the object no longer exists.
func gone(ctx context.Context, object client.Object) error {
	switch err := cluster.Get(ctx, client.ObjectKeyFromObject(object), object); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("%T %s still exists", object, object.GetName())
	}
}

// labelled lists the objects of an app, or of all apps if the name is empty.
func (e *environment) labelled(list client.ObjectList, app string) ([]client.Object, error) {
	selector := client.ListOption(client.HasLabels{todov1.LabelApp})
	if app != "" {
		selector = client.MatchingLabels{todov1.LabelApp: app}
	}
	if err := cluster.List(e.Context(), list, client.InNamespace(e.namespace), selector); err != nil {
		return nil, err
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return nil, err
	}
	objects := make([]client.Object, len(items))
	for i, item := range items {
		objects[i] = item.(client.Object)
	}
	return objects, nil
}
