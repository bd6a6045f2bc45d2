//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// answersAlways repeats a request without a pause and fails the test for every other answer. stop returns the number of answers.
func (e *environment) answersAlways(c agent.Call, status int) (stop func() int) {
	e.Helper()
	e.expect(c, status) // a node routes a Service only some time after its first pod is ready
	ctx, cancel := context.WithCancel(e.Context())
	ended := make(chan int, 1)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			reply, err := ask[agent.Reply](ctx, "call", c)
			if ctx.Err() == nil && (err != nil || reply.Status != status) {
				e.Errorf("after %d answers of %s: %d %.200s, %v", n, c.URL, reply.Status, reply.Body, err)
				break
			}
		}
		ended <- n
	}()
	stop = sync.OnceValue(func() int { cancel(); return <-ended })
	e.Cleanup(func() { stop() })
	return stop
}

// leastAvailable watches a Deployment until the returned function is called, which returns the least number of available pods. It
// compares every version with the first one.
func (e *environment) leastAvailable(name string) (stop func() int32) {
	e.Helper()
	watching, err := cluster.Watch(e.Context(), &appsv1.DeploymentList{}, client.InNamespace(e.namespace),
		client.MatchingFields{"metadata.name": name})
	must(e, err)
	ended := make(chan int32, 1)
	go func() {
		least, seen := int32(0), false
		for event := range watching.ResultChan() {
			d, is := event.Object.(*appsv1.Deployment)
			if event.Type == watch.Deleted || !is {
				continue
			}
			if available := d.Status.AvailableReplicas; !seen || available < least {
				least, seen = available, true
			}
		}
		ended <- least
	}()
	stop = sync.OnceValue(func() int32 { watching.Stop(); return <-ended })
	e.Cleanup(func() { stop() })
	return stop
}

// podUIDs returns the UIDs of a component's pods.
func (e *environment) podUIDs(app *todov1.TodoApp, component string) map[string]bool {
	e.Helper()
	found := map[string]bool{}
	for _, pod := range e.pods(app, component) {
		found[string(pod.UID)] = true
	}
	return found
}

// same returns an error unless a component has the pods of before, and no others.
func (e *environment) same(app *todov1.TodoApp, component string, before map[string]bool) error {
	if now := e.podUIDs(app, component); !maps.Equal(now, before) {
		return fmt.Errorf("the pods of the %s were %v and are %v", component, before, now)
	}
	return nil
}

// awaitReplaced waits until a component has as many pods as before, and none of before.
func (e *environment) awaitReplaced(app *todov1.TodoApp, component string, before map[string]bool) {
	e.Helper()
	e.await("the new pods of "+app.Name, startWithin, func() error {
		now := e.podUIDs(app, component)
		if len(now) != len(before) {
			return fmt.Errorf("there are %d pods of the %s, expected %d", len(now), component, len(before))
		}
		for uid := range now {
			if before[uid] {
				return errors.New("pod " + uid + " is one of before")
			}
		}
		return nil
	})
}

// restartOperator ends the leading manager as an upgrade does, and waits until its successor has reconciled an app.
func (e *environment) restartOperator(app *todov1.TodoApp) {
	e.Helper()
	before := e.awaitLeader()
	must(e, cluster.Delete(e.Context(), before))
	e.awaitSuccessor(before)
	e.change(app, func(spec *todov1.RotationSpec) { spec.Interval = &metav1.Duration{Duration: 1000 * time.Hour} })
	e.awaitReady(app)
}
