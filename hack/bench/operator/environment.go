package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/manager"
)

// memoryLimit is the memory limit that the chart sets by default.
const memoryLimit = "512MiB"

// environment is a cluster with a manager of the operator, a kubelet, and a client.
type environment struct {
	*cluster
	audit audit
	// client sends requests as the user of the benchmark, and cache reads what the benchmark watches.
	client client.Client
	cache  cache.Cache
	// manager is the process under test.
	manager *process
	metrics string
	// managers holds all managers that were made.
	managers []*process
	kubelet  *kubelet
	// disturbed says that the API server may be away: requests of the benchmark are sent again until they succeed.
	disturbed bool
	// address is the API server as the manager reaches it.
	address string
}

// withEnvironment runs a function in a new environment, and removes the environment. The manager and kube-controller-manager do
// not run yet.
func withEnvironment(ctx context.Context, o options, record *ledger, do func(context.Context, *environment) error) error {
	dir, err := os.MkdirTemp("", "bench-operator-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	c, err := startCluster(ctx, dir, o.kubernetes)
	e := &environment{cluster: c}
	defer func() {
		cancel()
		for _, p := range e.managers {
			p.kill()
		}
		if c != nil {
			c.stop()
		}
		_ = os.RemoveAll(dir) // the next run has a directory of its own
	}()
	if err == nil {
		err = e.connect(ctx, o, record)
	}
	if err == nil {
		err = do(ctx, e)
	}
	if err != nil && e.manager != nil {
		err = errors.Join(err, errors.New(e.manager.tail()))
	}
	return err
}

// connect makes the client, the cache, the kubelet and the manager's process.
func (e *environment) connect(ctx context.Context, o options, record *ledger) error {
	scheme, err := manager.Scheme()
	if err != nil {
		return err
	}
	config := e.config(userBench)
	if e.client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	options := cache.Options{Scheme: scheme, DefaultTransform: cache.TransformStripManagedFields()}
	if e.cache, err = cache.New(config, options); err != nil {
		return fmt.Errorf("making a cache: %w", err)
	}
	if e.kubelet, err = startKubelet(ctx, e.cluster, e.cache, record); err != nil {
		return err
	}
	if record != nil {
		if err := record.watch(ctx, e.cache); err != nil {
			return err
		}
	}
	if _, err := e.cache.GetInformer(ctx, &todov1.TodoApp{}); err != nil {
		return fmt.Errorf("watching TodoApps: %w", err)
	}
	go func() { _ = e.cache.Start(ctx) }() // it ends with the context
	if !e.cache.WaitForCacheSync(ctx) {
		return fmt.Errorf("waiting for the benchmark's cache: %w", context.Cause(ctx))
	}
	e.audit, e.address = audit{e.auditLog()}, e.url
	e.manager, e.metrics, err = e.newManager(o, "manager")
	return err
}

// newManager returns a process that runs the operator's binary as the chart does, without the webhook. It also returns the
// address of the manager's metrics.
func (e *environment) newManager(o options, name string, flags ...string) (*process, string, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, "", err
	}
	kubeconfig, err := e.kubeconfig(userOperator, e.address)
	if err != nil {
		return nil, "", err
	}
	if err := os.WriteFile(e.file(name+".kubeconfig"), kubeconfig, 0o600); err != nil {
		return nil, "", fmt.Errorf("writing the manager's kubeconfig: %w", err)
	}
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return nil, "", fmt.Errorf("finding the binary: %w", err)
	}
	p := e.process(name, binary, append([]string{"manager", "--task-api-image=todoapp-operator:bench",
		"--namespace=todoapp-system", "--webhook=false", "--log-level=warn",
		"--metrics-listen=127.0.0.1:" + ports[0], "--health-listen=127.0.0.1:" + ports[1]},
		append(strings.Fields(o.managerFlags), flags...)...)...)
	e.managers = append(e.managers, p)
	p.env = []string{"KUBECONFIG=" + e.file(name+".kubeconfig"), "GOMEMLIMIT=" + memoryLimit}
	p.ready = "http://127.0.0.1:" + ports[1] + "/readyz"
	return p, "http://127.0.0.1:" + ports[0] + "/metrics", nil
}

// startManager starts the manager and waits until it is ready.
func (e *environment) startManager(ctx context.Context) error {
	if err := e.manager.start(); err != nil {
		return err
	}
	return e.manager.awaitReady(ctx, 5*time.Minute, func(ctx context.Context) error { return get(ctx, e.manager.ready, nil) })
}

// startWorkers starts kube-controller-manager. Pods begin to appear.
func (e *environment) startWorkers() error { return e.workers.start() }

// namespace creates a namespace.
func (e *environment) namespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{}
	namespace.Name = name
	if err := e.client.Create(ctx, namespace); err != nil {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	return nil
}

// get sends a GET request and hands the body, if it is asked for, to a function.
func get(ctx context.Context, url string, read func(*http.Response) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("getting %s: %w", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("getting %s: status %d", url, response.StatusCode)
	}
	if read == nil {
		return nil
	}
	return read(response)
}
