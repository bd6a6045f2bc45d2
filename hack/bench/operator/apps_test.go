package main

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// TestARotationIsAskedForInALaterSecond: the operator takes a key that was made in the second of rotateAfter for a newer one.
func TestARotationIsAskedForInALaterSecond(t *testing.T) {
	made := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	app := &todov1.TodoApp{}
	app.Status.Keys = []todov1.KeyStatus{{Version: 1, State: todov1.KeyActive, CreatedAt: new(metav1.NewTime(made))}}
	for later, want := range map[time.Duration]bool{0: false, 999 * time.Millisecond: false, time.Second: true} {
		if got := madeBefore(func() time.Time { return made.Add(later) })(app); got != want {
			t.Errorf("%s after the key was made: %t", later, got)
		}
	}
	if madeBefore(time.Now)(&todov1.TodoApp{}) {
		t.Error("an app without a key is ready to be asked for a rotation")
	}
}
