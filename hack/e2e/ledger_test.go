//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// ledger counts the operator's writes for an app: each state of an object that only the operator can cause.
type ledger struct {
	sync.Mutex
	last   map[string]string
	counts map[string]int
}

// openLedger watches an app's objects. It counts from the next reset.
func (e *environment) openLedger(app *todov1.TodoApp) *ledger {
	e.Helper()
	l := &ledger{last: map[string]string{}, counts: map[string]int{}}
	belongs := client.MatchingLabels{todov1.LabelApp: app.Name}
	for list, selector := range map[client.ObjectList]client.ListOption{
		&corev1.SecretList{}: belongs, &appsv1.DeploymentList{}: belongs, &corev1.PodList{}: belongs,
		&todov1.TodoAppList{}: client.MatchingFields{"metadata.name": app.Name},
	} {
		ctx, cancel := context.WithCancel(e.Context())
		events, err := cluster.Watch(ctx, list, client.InNamespace(e.namespace), selector)
		must(e, err)
		e.Cleanup(func() { cancel(); events.Stop() })
		go func() {
			for event := range events.ResultChan() {
				l.enter(event.Object)
			}
		}()
	}
	return l
}

// enter counts a state if the fields that the operator writes differ from the state before.
func (l *ledger) enter(object runtime.Object) {
	var account, state string
	switch o := object.(type) {
	case *corev1.Secret:
		account, state = "Secret of the "+o.Labels[todov1.LabelComponent], o.ResourceVersion
	case *appsv1.Deployment:
		account, state = "Deployment of the "+o.Labels[todov1.LabelComponent], fmt.Sprint(o.Generation)
	case *corev1.Pod:
		account, state = "annotation of a pod", o.Annotations[todov1.AnnotationRefresh]
	case *todov1.TodoApp:
		account, state = "status", fmt.Sprint(o.Status)
	default:
		return
	}
	name := account + object.(client.Object).GetName()
	l.Lock()
	defer l.Unlock()
	if before, known := l.last[name]; known && before != state {
		l.counts[account]++
	}
	l.last[name] = state
}

// reset returns the counts and starts again at zero.
func (l *ledger) reset() map[string]int {
	l.Lock()
	defer l.Unlock()
	counts := l.counts
	l.counts = map[string]int{}
	return counts
}

func statement(counts map[string]int) string {
	var lines []string
	sum := 0
	for _, account := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, fmt.Sprintf("%s %d", account, counts[account]))
		sum += counts[account]
	}
	return fmt.Sprintf("%d writes: %s", sum, strings.Join(lines, ", "))
}
