package appmetrics_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/appmetrics"
)

func listing(apps ...todov1.TodoApp) appmetrics.Apps {
	return func(context.Context) ([]todov1.TodoApp, error) { return apps, nil }
}

func moment(seconds int64) *metav1.Time { return new(metav1.Unix(seconds, 0)) }

// rotating is an app in the middle of everything.
func rotating() todov1.TodoApp {
	app := todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "todo", Generation: 3}}
	app.Status = todov1.TodoAppStatus{
		ObservedGeneration: 2,
		Conditions: []metav1.Condition{
			{Type: todov1.ConditionReady, Status: metav1.ConditionTrue},
			{Type: todov1.ConditionKeysInSync, Status: metav1.ConditionUnknown},
			{Type: todov1.ConditionSourceValid, Status: metav1.ConditionFalse},
		},
		Keys: []todov1.KeyStatus{
			{Version: 8, State: "Published", CreatedAt: moment(300)},
			{Version: 7, State: "Active", CreatedAt: moment(200)},
			{Version: 6, State: "Archived", CreatedAt: moment(100)}, {Version: 5, State: "Archived", CreatedAt: moment(50)},
		},
		Rotation: &todov1.RotationStatus{
			Phase: "Publishing", StartedAt: moment(300), Next: moment(900), Last: moment(250), WaitingFor: []string{"a", "b"},
		},
		Frontend: &todov1.ComponentStatus{ReadyReplicas: 2},
		Backend:  &todov1.ComponentStatus{ReadyReplicas: 1},
	}
	return app
}

const shown = `
# HELP todoapp_active_key_created_timestamp_seconds When the key that signs was created.
# TYPE todoapp_active_key_created_timestamp_seconds gauge
todoapp_active_key_created_timestamp_seconds{app_name="todo",app_namespace="team-a"} 200
# HELP todoapp_active_key_version Version of the key that signs.
# TYPE todoapp_active_key_version gauge
todoapp_active_key_version{app_name="todo",app_namespace="team-a"} 7
# HELP todoapp_apps TodoApps.
# TYPE todoapp_apps gauge
todoapp_apps 1
# HELP todoapp_apps_by_condition TodoApps by the status of a condition.
# TYPE todoapp_apps_by_condition gauge
todoapp_apps_by_condition{status="False",type="KeysInSync"} 0
todoapp_apps_by_condition{status="False",type="Ready"} 0
todoapp_apps_by_condition{status="False",type="SourceValid"} 1
todoapp_apps_by_condition{status="True",type="KeysInSync"} 0
todoapp_apps_by_condition{status="True",type="Ready"} 1
todoapp_apps_by_condition{status="True",type="SourceValid"} 0
todoapp_apps_by_condition{status="Unknown",type="KeysInSync"} 1
todoapp_apps_by_condition{status="Unknown",type="Ready"} 0
todoapp_apps_by_condition{status="Unknown",type="SourceValid"} 0
# HELP todoapp_apps_by_phase TodoApps by the phase of their rotation.
# TYPE todoapp_apps_by_phase gauge
todoapp_apps_by_phase{phase="Draining"} 0
todoapp_apps_by_phase{phase="Promoting"} 0
todoapp_apps_by_phase{phase="Publishing"} 1
todoapp_apps_by_phase{phase="Stable"} 0
# HELP todoapp_apps_ready_replicas Ready pods of a component of all apps together.
# TYPE todoapp_apps_ready_replicas gauge
todoapp_apps_ready_replicas{component="backend"} 1
todoapp_apps_ready_replicas{component="frontend"} 2
# HELP todoapp_condition Whether a condition of the app holds (1) or not (0).
# TYPE todoapp_condition gauge
todoapp_condition{app_name="todo",app_namespace="team-a",type="KeysInSync"} 0
todoapp_condition{app_name="todo",app_namespace="team-a",type="Ready"} 1
todoapp_condition{app_name="todo",app_namespace="team-a",type="SourceValid"} 0
# HELP todoapp_keys Keys by state.
# TYPE todoapp_keys gauge
todoapp_keys{app_name="todo",app_namespace="team-a",state="Active"} 1
todoapp_keys{app_name="todo",app_namespace="team-a",state="Archived"} 2
todoapp_keys{app_name="todo",app_namespace="team-a",state="Published"} 1
todoapp_keys{app_name="todo",app_namespace="team-a",state="Retiring"} 0
todoapp_keys{app_name="todo",app_namespace="team-a",state="Revoked"} 0
# HELP todoapp_ready_replicas Ready pods of a component that the operator runs.
# TYPE todoapp_ready_replicas gauge
todoapp_ready_replicas{app_name="todo",app_namespace="team-a",component="backend"} 1
todoapp_ready_replicas{app_name="todo",app_namespace="team-a",component="frontend"} 2
# HELP todoapp_rotation_last_timestamp_seconds When a key was last promoted.
# TYPE todoapp_rotation_last_timestamp_seconds gauge
todoapp_rotation_last_timestamp_seconds{app_name="todo",app_namespace="team-a"} 250
# HELP todoapp_rotation_next_timestamp_seconds When the schedule replaces the key; absent when it never does.
# TYPE todoapp_rotation_next_timestamp_seconds gauge
todoapp_rotation_next_timestamp_seconds{app_name="todo",app_namespace="team-a"} 900
# HELP todoapp_rotation_phase Phase of the rotation: 1 for the present phase, 0 for the others.
# TYPE todoapp_rotation_phase gauge
todoapp_rotation_phase{app_name="todo",app_namespace="team-a",phase="Draining"} 0
todoapp_rotation_phase{app_name="todo",app_namespace="team-a",phase="Promoting"} 0
todoapp_rotation_phase{app_name="todo",app_namespace="team-a",phase="Publishing"} 1
todoapp_rotation_phase{app_name="todo",app_namespace="team-a",phase="Stable"} 0
# HELP todoapp_rotation_started_timestamp_seconds When the rotation under way began; absent while there is none.
# TYPE todoapp_rotation_started_timestamp_seconds gauge
todoapp_rotation_started_timestamp_seconds{app_name="todo",app_namespace="team-a"} 300
# HELP todoapp_rotation_waiting Pods, workloads and Secrets that hold the rotation, ten at most.
# TYPE todoapp_rotation_waiting gauge
todoapp_rotation_waiting{app_name="todo",app_namespace="team-a"} 2
# HELP todoapp_status_current Whether the status is about the present spec (1) or an earlier one (0).
# TYPE todoapp_status_current gauge
todoapp_status_current{app_name="todo",app_namespace="team-a"} 0
# HELP todoapp_undecodable Whether the stored spec of the app cannot be decoded (1) or can (0).
# TYPE todoapp_undecodable gauge
todoapp_undecodable{app_name="todo",app_namespace="team-a"} 0
`

func TestWhatIsShownOfAnApp(t *testing.T) {
	collector := appmetrics.Collector(listing(rotating()), time.Now, true)
	if err := testutil.CollectAndCompare(collector, strings.NewReader(shown)); err != nil {
		t.Error(err)
	}
	problems, err := testutil.CollectAndLint(collector)
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v (%v)", problems, err)
	}
}

// TestARevocationThatIsPending checks that no other reason of RotationComplete counts as a revocation that is pending.
func TestARevocationThatIsPending(t *testing.T) {
	for reason, want := range map[string]string{
		todov1.ReasonRevocationPending: "1", todov1.ReasonWaitingForPods: "0", todov1.ReasonComplete: "0",
	} {
		app := rotating()
		app.Status.Conditions = append(app.Status.Conditions, metav1.Condition{Type: todov1.ConditionRotationComplete, Reason: reason})
		series := `
# HELP todoapp_revocation_pending Whether keys are to be revoked and are not known to be (1) or not (0).
# TYPE todoapp_revocation_pending gauge
todoapp_revocation_pending{app_name="todo",app_namespace="team-a"} ` + want + "\n"
		collector := appmetrics.Collector(listing(app), time.Now, true)
		if err := testutil.CollectAndCompare(collector, strings.NewReader(series), "todoapp_revocation_pending"); err != nil {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

// TestUndecodable: an alert names the app, as no status may be written of it.
func TestUndecodable(t *testing.T) {
	app := todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "bad"}, Undecodable: "parsing time"}
	want := `
# HELP todoapp_undecodable Whether the stored spec of the app cannot be decoded (1) or can (0).
# TYPE todoapp_undecodable gauge
todoapp_undecodable{app_name="bad",app_namespace="team-a"} 1
`
	collector := appmetrics.Collector(listing(app), time.Now, true)
	err := testutil.CollectAndCompare(collector, strings.NewReader(want), "todoapp_undecodable")
	if err != nil {
		t.Error(err)
	}
}

// TestWhatIsNotKnownIsNotShown: an app without a status, one that is gone, and a list that cannot be had.
func TestWhatIsNotKnownIsNotShown(t *testing.T) {
	fresh := todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "new", Generation: 1}}
	for name, c := range map[string]struct {
		apps appmetrics.Apps
		want int
	}{
		"a new app": {listing(fresh), 14}, // of its own: the status is not current, the spec decodes, and no key in any of five states
		"no app":    {listing(), 7},       // the count of apps, of each phase and of the pods of each component
		"no list":   {func(context.Context) ([]todov1.TodoApp, error) { return nil, errors.New("not started") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := testutil.CollectAndCount(appmetrics.Collector(c.apps, time.Now, true)); got != c.want {
				t.Errorf("%d series", got)
			}
		})
	}
}

func TestCertificate(t *testing.T) {
	at := time.Time{}
	collector := appmetrics.Certificate(func() time.Time { return at })
	if got := testutil.CollectAndCount(collector); got != 0 {
		t.Errorf("%d series before there is a certificate", got)
	}
	at = time.Unix(1000, 0)
	if got := testutil.ToFloat64(collector); got != 1000 {
		t.Errorf("it expires at %v", got)
	}
	if problems, err := testutil.CollectAndLint(collector); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v (%v)", problems, err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector, appmetrics.Collector(listing(rotating()), time.Now, true))
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
}

func TestWatches(t *testing.T) {
	collector := appmetrics.Watches(func() map[string]error {
		return map[string]error{"Pod": errors.New("forbidden"), "TodoApp": nil}
	})
	want := `
# HELP todoapp_watch_failing Whether this replica cannot list or watch objects of a kind (1) or can (0).
# TYPE todoapp_watch_failing gauge
todoapp_watch_failing{kind="Pod"} 1
todoapp_watch_failing{kind="TodoApp"} 0
`
	if err := testutil.CollectAndCompare(collector, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
