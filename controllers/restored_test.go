package controllers

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// A keyring that is rebuilt from the other Secrets has lost when its keys were created, so a moment of revocation that has come
// revokes none of them. The owner must know, because such a key may be one that leaked.
func TestARebuiltKeyringTellsOfARevocationThatItLost(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		moment time.Time
		action keyring.Action
		want   string
	}{
		"the moment has come":      {now.Add(-time.Hour), keyring.ActionRecover, todov1.ReasonKeyringRestored},
		"the moment is to come":    {now.Add(time.Hour), keyring.ActionRecover, ""},
		"there is no moment":       {time.Time{}, keyring.ActionRecover, ""},
		"the first key was made":   {now.Add(-time.Hour), keyring.ActionCreate, ""},
		"the key was just revoked": {now.Add(-time.Hour), keyring.ActionRevoke, ""},
	} {
		t.Run(name, func(t *testing.T) {
			app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo"}}
			if !c.moment.IsZero() {
				app.Spec.Auth.Rotation.RevokeBefore = new(metav1.NewTime(c.moment))
			}
			p := &plan{observed: &snapshot{now: now}, step: keyring.Step{Action: c.action, Versions: []int64{1}}}
			got := noticeOf(app, p)
			if got.reason != c.want || got.reason != "" && !strings.Contains(got.message, "set revokeBefore to the present time") {
				t.Errorf("got %+v", got)
			}
		})
	}
}
