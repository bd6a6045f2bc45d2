//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	system   = "todoapp-system"
	operator = "todoapp-operator"
)

// leader returns the operator's pod that holds the lease.
func leader(ctx context.Context) (*corev1.Pod, error) {
	var lease coordinationv1.Lease
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: system, Name: operator}, &lease); err != nil {
		return nil, err
	}
	var holder string
	if lease.Spec.HolderIdentity != nil {
		holder, _, _ = strings.Cut(*lease.Spec.HolderIdentity, "_")
	}
	pod := &corev1.Pod{}
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: system, Name: holder}, pod); err != nil {
		return nil, fmt.Errorf("reading the leader %q: %w", holder, err)
	}
	if !podReady(pod) || pod.DeletionTimestamp != nil {
		return nil, fmt.Errorf("the leader %q is not ready", holder)
	}
	return pod, nil
}

// kill ends a pod like a power cut. It kills the process first, so that nothing runs on termination, and then deletes
// the pod, so that the kubelet's back-off for crashing containers does not delay the successor.
func (e *environment) kill(pod *corev1.Pod) {
	e.Helper()
	signal(e.T, pod, "KILL")
	must(e, client.IgnoreNotFound(cluster.Delete(e.Context(), pod, client.GracePeriodSeconds(0))))
}

// killManager kills the leading manager, and returns how long it took until another one led.
func (e *environment) killManager() time.Duration {
	e.Helper()
	before := e.awaitLeader()
	started := time.Now()
	e.kill(before)
	e.awaitSuccessor(before)
	return time.Since(started)
}

// awaitLeader waits for a leading manager that is not terminating, because a terminating one releases its lease.
func (e *environment) awaitLeader() (pod *corev1.Pod) {
	e.Helper()
	e.await("a manager that leads", startWithin, func() (err error) {
		pod, err = leader(e.Context())
		return err
	})
	return pod
}

// awaitSuccessor waits until another manager leads.
func (e *environment) awaitSuccessor(of *corev1.Pod) {
	e.Helper()
	e.await("another manager", startWithin, func() error {
		now, err := leader(e.Context())
		if err == nil && now.UID == of.UID {
			err = fmt.Errorf("%s still leads", of.Name)
		}
		return err
	})
}

// alterOperator changes the operator's Deployment. The test's end restores it, unless restore was called before.
func (e *environment) alterOperator(change func(*appsv1.DeploymentSpec)) (restore func()) {
	e.Helper()
	before, err := changeOperator(e.Context(), change)
	if before == nil {
		e.Fatal(err)
	}
	restore = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startWithin)
		defer cancel()
		_, err := changeOperator(ctx, func(d *appsv1.DeploymentSpec) {
			d.Replicas, d.Template = before.Replicas, before.Template
		})
		err = errors.Join(err, poll(ctx, func() error { _, err := leader(ctx); return err }))
		if err != nil {
			e.Errorf("bringing the operator back: %v", err)
		}
	})
	e.Cleanup(restore)
	must(e, err)
	return restore
}

// changeOperator changes the operator's Deployment, waits until only changed pods run, and returns the previous spec.
func changeOperator(ctx context.Context, change func(*appsv1.DeploymentSpec)) (*appsv1.DeploymentSpec, error) {
	d := &appsv1.Deployment{}
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: system, Name: operator}, d); err != nil {
		return nil, fmt.Errorf("reading the operator's Deployment: %w", err)
	}
	before := d.DeepCopy()
	change(&d.Spec)
	if err := cluster.Patch(ctx, d, client.MergeFrom(before)); err != nil {
		return &before.Spec, fmt.Errorf("changing the operator's Deployment: %w", err)
	}
	return &before.Spec, poll(ctx, func() error {
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(d), d); err != nil {
			return err
		}
		var pods corev1.PodList
		if err := cluster.List(ctx, &pods, client.InNamespace(system), client.MatchingLabels(d.Spec.Selector.MatchLabels)); err != nil {
			return err
		}
		want := *d.Spec.Replicas
		if d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas != want || d.Status.AvailableReplicas != want ||
			len(pods.Items) != int(want) {
			return fmt.Errorf("%d of %d managers are available, of %d pods", d.Status.AvailableReplicas, want, len(pods.Items))
		}
		return nil
	})
}

// metric returns the sum of the leader's samples whose name and labels match the pattern.
func (e *environment) metric(pattern string) float64 {
	e.Helper()
	pod, err := leader(e.Context())
	must(e, err)
	return e.metricOf(pod.Name, pattern)
}

// metricOf returns the sum of one manager's samples whose name and labels match the pattern.
func (e *environment) metricOf(pod, pattern string) float64 {
	e.Helper()
	page, err := cluster.api.CoreV1().RESTClient().Get().Namespace(system).Resource("pods").
		Name(pod + ":8080").SubResource("proxy").Suffix("metrics").DoRaw(e.Context())
	must(e, err)
	var sum float64
	for _, match := range regexp.MustCompile(`(?m)^`+pattern+` (\S+)$`).FindAllSubmatch(page, -1) {
		value, err := strconv.ParseFloat(string(match[len(match)-1]), 64)
		must(e, err)
		sum += value
	}
	return sum
}
