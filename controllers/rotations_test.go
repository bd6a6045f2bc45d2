package controllers

import (
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// boundedRotations returns Rotations with a limit of two and the queue that it adds apps to, until the test ends.
func boundedRotations(t *testing.T) (*Rotations, priorityqueue.PriorityQueue[reconcile.Request]) {
	t.Helper()
	b, queue := NewRotations(2), priorityqueue.New[reconcile.Request](t.Name())
	t.Cleanup(queue.ShutDown)
	if err := b.Start(t.Context(), queue); err != nil {
		t.Fatal(err)
	}
	return b, queue
}

// publishedAt returns the step of a rotation that published its key at a time.
func publishedAt(at time.Time) keyring.Step {
	ring := keyring.Ring{Keys: []keyring.Key{{Version: 1}, {Version: 2, CreatedAt: at}}}
	return keyring.Step{Phase: keyring.PhasePublishing, Ring: ring}
}

var promoted = keyring.Step{Phase: keyring.PhasePromoting}

// takeNext returns the app that the queue hands out next.
func takeNext(queue priorityqueue.PriorityQueue[reconcile.Request]) (string, int) {
	app, priority, _ := queue.GetWithPriority()
	queue.Done(app)
	return app.Name, priority
}

// TestRotationsBeginInTurn: two of five may begin, and each that ends lets the next begin, in the order in which they came.
func TestRotationsBeginInTurn(t *testing.T) {
	b, queue := boundedRotations(t)
	now := time.Now()
	for i, want := range []bool{true, true, false, false, false} {
		for range 2 { // the cached plan and the live one
			if got := b.admit(appAt(i), now); got != want {
				t.Fatalf("app %d may begin: %t", i, got)
			}
		}
		if want {
			b.observe(appAt(i), publishedAt(now), now)
		}
	}
	b.observe(appAt(3), keyring.Step{Held: true}, now)
	b.observe(appAt(1), promoted, now)
	if app, priority := takeNext(queue); app != "2" || priority != priorityDue {
		t.Errorf("after a promotion app %s is enqueued with priority %d", app, priority)
	}
	if b.admit(appAt(4), now) || !b.admit(appAt(2), now) {
		t.Error("the turn that app 2 was given is not its own")
	}
	b.observe(appAt(3), keyring.Step{Phase: keyring.PhaseStable}, now) // its owner has withdrawn the rotation
	b.forget(appAt(0), now)
	if app, _ := takeNext(queue); app != "4" {
		t.Errorf("after a deletion app %s is enqueued", app)
	}
}

// TestAStuckRotationKeepsNoOtherFromBeginning: rotations that wait for pods, and apps that were told to begin and cannot, count
// for ten seconds.
func TestAStuckRotationKeepsNoOtherFromBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, queue := NewRotations(2), priorityqueue.New[reconcile.Request]("stuck")
		defer queue.ShutDown()
		if err := b.Start(t.Context(), queue); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for i := range 6 {
			if b.admit(appAt(i), began) {
				b.observe(appAt(i), publishedAt(began), began)
			}
		}
		for _, want := range []int{0, 2, 4} {
			if got := queue.Len(); got != want {
				t.Errorf("after %s %d apps were told to begin, want %d", time.Since(began), got, want)
			}
			b.observe(appAt(0), publishedAt(began), time.Now()) // it is polled, and still stuck
			advance(busyFor + time.Second)
		}
	})
}

// TestRotationsSurviveARestart: a new process counts the rotations that the one before began, from the status of the apps.
func TestRotationsSurviveARestart(t *testing.T) {
	now := noon
	scheme := runtime.NewScheme()
	if err := todov1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	rotating := func(name string, since time.Time) *todov1.TodoApp {
		app := publishingApp()
		app.Name, app.Status.Rotation.StartedAt = name, new(metav1.NewTime(since))
		return app
	}
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		rotating("young", now.Add(-time.Second)), rotating("stuck", now.Add(-time.Hour)), settledApp()).Build()
	b, _ := boundedRotations(t)
	for range 2 {
		if err := b.restore(t.Context(), reader); err != nil {
			t.Fatal(err)
		}
	}
	if first, second := b.admit(appAt(1), now), b.admit(appAt(2), now); !first || second {
		t.Errorf("beside one rotation of another process, of two at most: %t, %t", first, second)
	}
	if !b.admit(types.NamespacedName{Namespace: "ns", Name: "young"}, now) {
		t.Error("a rotation under way is held")
	}
}
