package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestRetired(t *testing.T) {
	ring := keyring.Ring{Keys: []keyring.Key{{Version: 1}, {Version: 2, RevokedAt: time.Now()}, {Version: 3}}}
	for name, c := range map[string]struct {
		before string
		now    []int64
		want   []int64
	}{
		"nothing left":            {"3,1", []int64{3, 1}, nil},
		"one left with time":      {"3,1", []int64{3}, []int64{1}},
		"one left by revocation":  {"3,2", []int64{3}, nil},
		"one that nobody knows":   {"3,9", []int64{3}, nil},
		"one that has come":       {"1", []int64{1, 3}, nil},
		"a Secret without a word": {"", []int64{3}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{todov1.AnnotationKeys: c.before}}}
			p := &plan{
				observed: &snapshot{secrets: map[string]*corev1.Secret{todov1.ComponentBackend: secret}},
				step:     keyring.Step{Ring: ring},
				keys:     desired.Keys{Backend: keyring.Projection{Versions: c.now}},
			}
			if got := p.retired(); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if got := (&plan{observed: &snapshot{}}).retired(); got != nil {
		t.Errorf("without a Secret: %v", got)
	}
}

// told returns the Events of one report about an app without a spec.
func told(p *plan, err error) []string { return toldOf(&todov1.TodoApp{}, p, err) }

// toldOf returns the Events of one report about an app.
func toldOf(app *todov1.TodoApp, p *plan, err error) []string {
	recorder := events.NewFakeRecorder(10)
	(&Reconciler{Events: recorder}).report(context.Background(), app, p, err)
	close(recorder.Events)
	var all []string
	for event := range recorder.Events {
		all = append(all, event)
	}
	return all
}

// A stored revocation has happened even if a later write fails. The next reconcile takes no transition, so it writes no Event.
func TestWhatIsStoredIsToldOf(t *testing.T) {
	revoked := &plan{observed: &snapshot{}, step: keyring.Step{Action: keyring.ActionRevoke, Versions: []int64{1}}}
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"all is written":           {nil, []string{"Normal KeyRevoked"}},
		"what follows fails":       {errors.New("refused"), []string{"Normal KeyRevoked", "Warning ApplyFailed"}},
		"the ring was not stored":  {fmt.Errorf("%w: refused", errNotStored), []string{"Warning ApplyFailed"}},
		"more than an Event holds": {errors.New(strings.Repeat("é", 1024)), []string{"Normal KeyRevoked", "Warning ApplyFailed"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := told(revoked, c.err)
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i, event := range got {
				if !strings.HasPrefix(event, c.want[i]+" ") || len(event) > len(c.want[i])+1+longestNote {
					t.Errorf("event of %d bytes is %q, want %q", len(event), event, c.want[i])
				}
			}
		})
	}
}

func TestWaitingSince(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	ago := func(minutes time.Duration) time.Time { return now.Add(-minutes * time.Minute) }
	for name, c := range map[string]struct {
		changed time.Time
		status  metav1.ConditionStatus
		turned  time.Time
		want    time.Time
	}{
		"a pod came after a revocation": {ago(999), metav1.ConditionTrue, ago(998), now},
		"and has not answered since":    {ago(999), metav1.ConditionFalse, ago(3), ago(3)},
		"keys changed in a rotation":    {ago(2), metav1.ConditionFalse, ago(9), ago(2)},
		"nothing was said yet":          {ago(9), "", time.Time{}, now},
		"keys changed in the future":    {ago(-999), metav1.ConditionFalse, ago(9), ago(9)},
	} {
		t.Run(name, func(t *testing.T) {
			app := &todov1.TodoApp{}
			if c.status != "" {
				app.Status.Conditions = []metav1.Condition{{Type: todov1.ConditionRotationComplete,
					Status: c.status, LastTransitionTime: metav1.NewTime(c.turned)}}
			}
			p := &plan{observed: &snapshot{now: now}, step: keyring.Step{Ring: keyring.Ring{Keys: []keyring.Key{{CreatedAt: c.changed}}}}}
			if got := waitingSince(app, p); !got.Equal(c.want) {
				t.Errorf("since %s, want %s", got, c.want)
			}
		})
	}
}
