//go:build e2e

// Package e2e tests the operator on a real cluster: the cluster of KUBECONFIG, with the operator installed.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/manager"
)

const (
	probeImage = "todoapp-probe:dev"
	// podSecurity is the label that sets the Pod Security Standard of a namespace.
	podSecurity = "pod-security.kubernetes.io/enforce"
	// labelRun marks the namespaces of one run.
	labelRun = "todoapp.dev/e2e"
	// breakGlass is the group whose members may change managed Secrets.
	breakGlass = "todoapp.dev:break-glass"
)

var runID = strconv.Itoa(os.Getpid())

// cluster holds the clients that all tests share: one of an administrator, one of a member of the break-glass group,
// and the namespace of the agent.
var cluster struct {
	client.WithWatch
	glass client.Client
	api   *kubernetes.Clientset
	// config is the administrator's, without a limit of requests.
	config *rest.Config
	tools  string // the agent's namespace
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	if output, err := exec.Command("./image.sh", probeImage).CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building the probe's image: %w\n%s", err, output)
	}
	if err := connect(); err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := startAgent(ctx); err != nil {
		return 1, err
	}
	code := m.Run()
	ctx, cancel = context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var rights error
	if code == 0 && whole() {
		rights = checkRights(ctx)
	}
	tools := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: cluster.tools}}
	return code, errors.Join(rights, cluster.Delete(ctx, tools), clear(ctx))
}

func connect() error {
	ctrl.SetLogger(logr.Discard()) // hides the API server's warnings
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	config.QPS = -1 // no limit: the tests poll
	cluster.config = config
	scheme, err := manager.Scheme()
	if err != nil {
		return err
	}
	if cluster.WithWatch, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	if cluster.api, err = kubernetes.NewForConfig(config); err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	glass := rest.CopyConfig(config)
	glass.Impersonate = rest.ImpersonationConfig{UserName: "e2e", Groups: []string{"system:masters", breakGlass}}
	if cluster.glass, err = client.New(glass, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("reaching the cluster as %s: %w", breakGlass, err)
	}
	return nil
}
