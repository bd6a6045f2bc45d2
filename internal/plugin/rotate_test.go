package plugin

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func TestRotateSetsTheServersTime(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", withFrontend, stableStatus)
	run(t, namespace, "", "rotate", "shop", "--dry-run").want(t, 0, "shop: key 2", "would be replaced", "restart one by one")
	if set := stored(t, app).Spec.Auth.Rotation.RotateAfter; set != nil {
		t.Fatalf("a dry run set %s", set)
	}
	before := time.Now().Truncate(time.Second)
	run(t, namespace, "", "rotate", "shop").want(t, 0, "shop: key 2", "is being replaced")
	set := stored(t, app).Spec.Auth.Rotation.RotateAfter
	if set == nil || set.Before(new(metav1.NewTime(before))) || set.After(time.Now().Add(time.Second)) {
		t.Errorf("rotateAfter is %s, expected the present time", set)
	}
	run(t, namespace, "", "rotate", "shop", "--at", "2030-01-01T03:00:00Z").want(t, 0, "will be replaced at 2030-01-01T03:00:00Z")
	if set := stored(t, app).Spec.Auth.Rotation.RotateAfter; clock(set.Time) != "2030-01-01T03:00:00Z" {
		t.Errorf("rotateAfter is %s", set)
	}
}

func TestRotateIsLaterThanTheKey(t *testing.T) {
	app := appOf(t, "{}", stableStatus)
	if got := rotationMoment(app, noon); !got.Equal(noon) {
		t.Errorf("the moment is %s, expected noon", got)
	}
	app.Status.Keys[0].CreatedAt = new(metav1.NewTime(noon))
	if got := rotationMoment(app, noon); !got.Equal(noon.Add(time.Second)) {
		t.Errorf("the moment is %s, expected a second after the key", got)
	}
}

func TestRotateSelects(t *testing.T) {
	namespace := newNamespace(t)
	apps := map[string]*todov1.TodoApp{}
	for _, name := range []string{"a", "b", "c"} {
		apps[name] = newApp(t, namespace, name, "{}", stableStatus)
		if name != "c" {
			apps[name].Labels = map[string]string{"team": "web"}
			if err := server.Update(t.Context(), apps[name]); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(t, namespace, "", "rotate", "-l", "team=web").want(t, 0, "a: key 2", "b: key 2")
	if stored(t, apps["c"]).Spec.Auth.Rotation.RotateAfter != nil {
		t.Error("an app that does not match is rotated")
	}
	run(t, namespace, "", "rotate", "--all").want(t, 0, "c: key 2")
	if stored(t, apps["c"]).Spec.Auth.Rotation.RotateAfter == nil {
		t.Error("--all left out an app")
	}
	run(t, namespace, "", "rotate", "-l", "team=none").want(t, exitFailed,
		"no such TodoApp in namespace "+namespace+", which has a, b, c")
}

func TestRotateOfASource(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", `auth: {source: {secretRef: {name: vault, key: secret}}}`, stableStatus)
	run(t, namespace, "", "rotate", "shop").want(t, exitFailed,
		"takes its keys from Secret vault: write a new value to entry secret")
}

func TestRotateLeavesOutAnAppWithASource(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "a", `auth: {source: {secretRef: {name: vault, key: secret}}}`, stableStatus)
	b := newApp(t, namespace, "b", "{}", stableStatus)
	// An app that is named is an error before any other is changed.
	run(t, namespace, "", "rotate", "b", "a").want(t, exitFailed, "TodoApp a takes its keys from Secret vault")
	if stored(t, b).Spec.Auth.Rotation.RotateAfter != nil {
		t.Error("an app is rotated beside an error")
	}
	run(t, namespace, "", "rotate", "--all").want(t, 0, "b: key 2", "left out: TodoApp a takes its keys from Secret vault")
	if stored(t, b).Spec.Auth.Rotation.RotateAfter == nil {
		t.Error("an app after one with a source is not rotated")
	}
	if twice := run(t, namespace, "", "rotate", "b", "b"); strings.Count(twice.out, "b: key 2") != 1 {
		t.Errorf("an app that is named twice is rotated twice:\n%s", twice.out)
	}
}

func TestRotateToAMomentBeforeTheKeyChangesNothing(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", "{}", stableStatus)
	run(t, namespace, "", "rotate", "shop", "--at", "2026-11-14T11:59:00Z", "--wait", "--timeout", "2s").want(t, 0,
		"shop: key 2 was created at 2026-11-14T11:59:00Z, and not before 2026-11-14T11:59:00Z: nothing to replace.")
	if set := stored(t, app).Spec.Auth.Rotation.RotateAfter; set != nil {
		t.Errorf("rotateAfter is %s", set)
	}
}

func TestRotateOfAPausedApp(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", "{}", stableStatus)
	app.Annotations = map[string]string{todov1.AnnotationPaused: "true"}
	if err := server.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	run(t, namespace, "", "rotate", "shop", "--wait", "--timeout", "2s").want(t, exitWaiting,
		"the app is paused, so this begins after", "not complete after 2s",
		"the app is paused; end the pause with: kubectl todoapp resume shop -n "+namespace)
}

// operate plays the operator: it sets each status in turn, once the one before was shown.
func operate(t *testing.T, app *todov1.TodoApp, statuses ...string) {
	t.Helper()
	go func() {
		for stored := app.DeepCopy(); stored.Generation == app.Generation; {
			if err := server.Get(t.Context(), client.ObjectKeyFromObject(app), stored); err != nil {
				return
			}
		}
		for _, status := range statuses {
			setStatus(t, app, status)
			if !pause(t.Context(), 1500*time.Millisecond) {
				return
			}
		}
	}()
}

// later replaces the day of the statuses by the present time, so that keys are younger than the command.
func later(status string, keys ...string) string {
	now := time.Now().Add(time.Second).UTC()
	for _, key := range keys {
		status = strings.ReplaceAll(status, key, clock(now))
	}
	return strings.ReplaceAll(status, "2026-12-03T11:56:00Z", clock(now.Add(time.Hour)))
}

func TestRotateWaits(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", withFrontend, stableStatus)
	publishing := later(publishingStatus, "2026-11-26T11:58:00Z")
	promoting := strings.NewReplacer("phase: Draining", "phase: Promoting", ", retiresAt: ", ", revokedAt: ").Replace(
		later(drainingStatus, "2026-11-26T11:50:00Z", "2026-11-26T11:55:00Z"))
	operate(t, app, publishing, promoting, later(drainingStatus, "2026-11-26T11:50:00Z", "2026-11-26T11:55:00Z"))
	run(t, namespace, "", "rotate", "shop", "--wait", "--timeout", "30s").want(t, 0,
		"waiting for the operator to act",
		"Publishing: key 3 is published, key 2 signs; waiting for shop-backend-7f9c-bbbbb",
		"Promoting: key 3 signs",
		"Draining: key 3 signs, tokens of key 2 expire",
		"Done, but for old tokens: they are accepted until")
}

func TestRotateThatHangs(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", withFrontend, stableStatus)
	operate(t, app, later(publishingStatus, "2026-11-26T11:58:00Z"))
	run(t, namespace, "", "rotate", "shop", "--wait", "--timeout", "3s").want(t, exitWaiting,
		"not complete after 3s; the operator goes on", "does not answer at 10.244.0.7:9090 (timeout): NetworkPolicy?")

	idle := newApp(t, namespace, "idle", withFrontend, stableStatus)
	run(t, namespace, "", "rotate", idle.Name, "--wait", "--timeout", "2s").want(t, exitWaiting, "waiting for the operator to act")
}

func TestProgressTowardsAGoal(t *testing.T) {
	rotate := goal{generation: 3, rotated: noon}
	for name, c := range map[string]struct {
		status string
		goal   goal
		line   string
		done   bool
	}{
		"not observed": {stableStatus, goal{generation: 4}, "waiting for the operator to act", false},
		"no key":       {"observedGeneration: 3", goal{}, "waiting for the first key", false},
		"not begun":    {stableStatus, rotate, "waiting for a new key: Complete", false},
		"publishing": {publishingStatus, rotate,
			"Publishing: key 3 is published, key 2 signs; waiting for shop-backend-7f9c-bbbbb", false},
		"complete": {stableStatus, goal{generation: 3}, "Stable: key 2 signs, and is the only key in use", true},
		"draining": {drainingStatus, goal{generation: 3}, "Draining: key 3 signs, tokens of key 2 expire", true},
		"not revoked": {drainingStatus, goal{generation: 3, revoked: noon},
			"waiting for the revocation of keys 3 and 2", false},
		"revoked long ago": {drainingStatus, goal{generation: 3, revoked: noon.AddDate(0, -1, 0)},
			"Draining: key 3 signs, tokens of key 2 expire", true},
	} {
		p := towards(appOf(t, withFrontend, c.status), c.goal)
		if p.line != c.line || p.done != c.done {
			t.Errorf("%s: %q, %t; expected %q, %t", name, p.line, p.done, c.line, c.done)
		}
	}
}

func TestRotateTranscripts(t *testing.T) {
	app := appOf(t, withFrontend, stableStatus)
	golden(t, "rotate-dry-run", "rotate shop --dry-run", announceRotation(app, noon, noon, true))

	text := announceRotation(app, noon, noon, false)
	w := &waiter{name: "shop", goal: goal{generation: 3, rotated: noon.Add(-15 * time.Minute)}}
	promoting := strings.Replace(drainingStatus,
		"phase: Draining", "phase: Promoting, waitingFor: [shop-frontend-5d8f-ccccc]", 1)
	for i, status := range []string{strings.Replace(stableStatus, "observedGeneration: 3", "observedGeneration: 2", 1),
		publishingStatus, publishingStatus, promoting, drainingStatus} {
		text += w.news(appOf(t, withFrontend, status), noon.Add(time.Duration(i*i)*10*time.Second), false)
	}
	golden(t, "rotate-wait", "rotate shop --wait", text+w.ending())

	hung := &waiter{name: "shop", last: towards(appOf(t, withFrontend, publishingStatus), w.goal)}
	err := unfinished(t.Context(), []*waiter{hung}, 5*time.Minute)
	golden(t, "rotate-hangs", "rotate shop --wait --timeout 5m", "error: "+err.Error()+"\n")
}
