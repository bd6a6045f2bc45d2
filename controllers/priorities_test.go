package controllers

import (
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// settledApp returns an app with one active key that is an hour old, and changes.
func settledApp(change ...func(*todov1.TodoApp)) *todov1.TodoApp {
	hourAgo := new(metav1.NewTime(noon.Add(-time.Hour)))
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "todo", Generation: 1}}
	app.Status = todov1.TodoAppStatus{
		ObservedGeneration: 1,
		Keys:               []todov1.KeyStatus{{Version: 1, State: todov1.KeyActive, CreatedAt: hourAgo, PromotedAt: hourAgo}},
		Rotation:           &todov1.RotationStatus{Phase: todov1.RotationStable, Last: hourAgo},
		Conditions:         []metav1.Condition{{Type: todov1.ConditionRotationComplete, Status: metav1.ConditionTrue}},
	}
	for _, c := range change {
		c(app)
	}
	return app
}

func incomplete(app *todov1.TodoApp) { app.Status.Conditions[0].Status = metav1.ConditionFalse }

// publishingApp returns an app in a rotation.
func publishingApp() *todov1.TodoApp {
	return settledApp(incomplete, func(a *todov1.TodoApp) { a.Status.Rotation.Phase = todov1.RotationPublishing })
}

// dueApp returns an app whose schedule asks for a rotation.
func dueApp() *todov1.TodoApp {
	return settledApp(func(a *todov1.TodoApp) { a.Status.Rotation.Next = new(metav1.NewTime(noon)) })
}

func revokingApp() *todov1.TodoApp {
	return settledApp(func(a *todov1.TodoApp) {
		a.Generation, a.Spec.Auth.Rotation.RevokeBefore = 2, new(metav1.NewTime(noon))
	})
}

func TestPriority(t *testing.T) {
	at := new(metav1.NewTime(noon))
	for name, c := range map[string]struct {
		app            *todov1.TodoApp
		poll, of, list int // for a poll, an event and the initial list
	}{
		"settled":  {settledApp(), priorityPoll, priorityUnderWay, priorityInitial},
		"new":      {&todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Generation: 1}}, priorityNew, priorityNew, priorityNew},
		"rotating": {publishingApp(), priorityUnderWay, priorityUnderWay, priorityUnderWay},
		"due":      {dueApp(), priorityDue, priorityUnderWay, priorityDue},
		"revoking": {revokingApp(), priorityRevocation, priorityRevocation, priorityRevocation},
		"changed":  {settledApp(func(a *todov1.TodoApp) { a.Generation = 2 }), priorityChanged, priorityChanged, priorityChanged},
		"asked to rotate": {settledApp(func(a *todov1.TodoApp) { a.Spec.Auth.Rotation.RotateAfter = at }),
			priorityDue, priorityUnderWay, priorityDue},
		"asked to rotate later": {settledApp(func(a *todov1.TodoApp) {
			a.Spec.Auth.Rotation.RotateAfter = new(metav1.NewTime(noon.Add(time.Second)))
		}), priorityPoll, priorityUnderWay, priorityInitial},
		"rotated in the second in which it was asked to": {settledApp(func(a *todov1.TodoApp) {
			a.Spec.Auth.Rotation.RotateAfter = new(metav1.NewTime(a.Status.Keys[0].CreatedAt.Add(time.Second / 2)))
		}), priorityPoll, priorityUnderWay, priorityInitial},
		"revoked, and pods still trust the key": {settledApp(incomplete, func(a *todov1.TodoApp) {
			a.Spec.Auth.Rotation.RevokeBefore = at
			a.Status.Rotation.Phase, a.Status.Rotation.Last = todov1.RotationPromoting, at
			a.Status.Keys = []todov1.KeyStatus{{Version: 2, State: todov1.KeyActive, CreatedAt: at},
				{Version: 1, State: todov1.KeyRevoked, CreatedAt: a.Status.Keys[0].CreatedAt, RevokedAt: at}}
		}), priorityRevocation, priorityRevocation, priorityRevocation},
		"revoked at a moment that has just come": {settledApp(func(a *todov1.TodoApp) { a.Spec.Auth.Rotation.RevokeBefore = at }),
			priorityRevocation, priorityRevocation, priorityRevocation},
		"revoked later": {settledApp(func(a *todov1.TodoApp) {
			a.Spec.Auth.Rotation.RevokeBefore = new(metav1.NewTime(noon.Add(time.Second)))
		}), priorityPoll, priorityUnderWay, priorityInitial},
		"revoked in the second in which the next key was made": {settledApp(func(a *todov1.TodoApp) {
			a.Spec.Auth.Rotation.RevokeBefore = new(metav1.NewTime(a.Status.Keys[0].CreatedAt.Add(time.Second / 2)))
		}), priorityPoll, priorityUnderWay, priorityInitial},
		"revoked long ago, and rotating": {settledApp(incomplete, func(a *todov1.TodoApp) {
			a.Spec.Auth.Rotation.RevokeBefore = new(metav1.NewTime(noon.Add(-2 * time.Hour)))
			a.Status.Rotation.Phase = todov1.RotationPromoting
			a.Status.Keys = append(a.Status.Keys, todov1.KeyStatus{State: todov1.KeyRevoked,
				RevokedAt: new(metav1.NewTime(noon.Add(-2 * time.Hour)))})
		}), priorityUnderWay, priorityUnderWay, priorityUnderWay},
		"blocked without keys": {settledApp(func(a *todov1.TodoApp) { a.Status.Keys = nil }), priorityPoll, priorityNew, priorityInitial},
	} {
		t.Run(name, func(t *testing.T) {
			for reason, want := range map[int]int{priorityPoll: c.poll, priorityUnderWay: c.of, priorityInitial: c.list} {
				if got := priority(c.app, noon, reason); got != want {
					t.Errorf("enqueued with priority %d it gets %d, want %d", reason, got, want)
				}
			}
		})
	}
}

// TestTheQueueOrdersAppsByTheirState enqueues apps in the reverse order of their priorities, and each a second time for a
// reason that matters less.
func TestTheQueueOrdersAppsByTheirState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		apps := map[string]*todov1.TodoApp{
			"revoking": revokingApp(), "new": {}, "changed": settledApp(func(a *todov1.TodoApp) { a.Generation = 2 }),
			"rotating": publishingApp(), "due": dueApp(), "failing": settledApp(), "listed": settledApp(),
		}
		queue := appQueue{
			PriorityQueue: priorityqueue.New[reconcile.Request](t.Name()), stop: func() {},
			priority: func(key types.NamespacedName, after time.Duration, reason int) int {
				return priority(apps[key.Name], noon.Add(after), reason)
			},
		}
		defer queue.ShutDown()
		request := func(name string) reconcile.Request {
			return reconcile.Request{NamespacedName: types.NamespacedName{Name: name}}
		}
		want := []string{"revoking", "new", "changed", "rotating", "due", "failing", "listed"}
		queue.AddWithOpts(priorityqueue.AddOpts{Priority: new(priorityInitial)}, request("listed"))
		queue.AddRateLimited(request("failing"))
		queue.AddWithOpts(priorityqueue.AddOpts{Priority: new(priorityDue)}, request("due"))
		for _, name := range []string{"rotating", "changed", "new", "revoking"} {
			queue.AddWithOpts(priorityqueue.AddOpts{Priority: new(priorityInitial)}, request(name))
			queue.AddAfter(request(name), time.Hour)
		}
		advance(time.Second) // the failing app has a back-off of milliseconds
		for _, name := range want {
			if got, _ := queue.Get(); got.Name != name {
				t.Errorf("got %s, want %s", got.Name, name)
			}
		}
	})
}
