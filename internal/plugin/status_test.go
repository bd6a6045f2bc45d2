package plugin

import (
	_ "embed"
	"encoding/json"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// appOf returns an app of a spec and a status in YAML, as of noon.
func appOf(t *testing.T, spec, status string) *todov1.TodoApp {
	t.Helper()
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "shop", Generation: 3}}
	parse(t, spec, &app.Spec)
	parse(t, status, &app.Status)
	return app
}

const withFrontend = `
auth: {tokens: {maxLifetime: 168h}, rotation: {interval: 720h}}
frontend: {image: web}
`

// These are statuses as the operator writes them.
var (
	//go:embed testdata/apps/stable.yaml
	stableStatus string
	//go:embed testdata/apps/publishing.yaml
	publishingStatus string
	//go:embed testdata/apps/draining.yaml
	drainingStatus string
)

// TestTheStatusesAreOfOneApp expects the same older keys in each status, because docs/kubectl-todoapp.md shows them as one app.
func TestTheStatusesAreOfOneApp(t *testing.T) {
	before := appOf(t, withFrontend, stableStatus).Status.Keys
	for name, status := range map[string]string{"publishing": publishingStatus, "draining": drainingStatus} {
		keys := appOf(t, withFrontend, status).Status.Keys
		if len(keys) != len(before)+1 || keys[0].Version != before[0].Version+1 {
			t.Fatalf("%s has the keys %v, but the rotation replaces key %d", name, keys, before[0].Version)
		}
		for i, key := range before {
			if k := keys[i+1]; k.Version != key.Version || !k.CreatedAt.Equal(key.CreatedAt) || !k.PromotedAt.Equal(key.PromotedAt) {
				t.Errorf("%s has another key %d: %v, expected %v", name, key.Version, k, key)
			}
		}
	}
}

func TestStatusShowsOneScreen(t *testing.T) {
	backend := func(used int64, trusts ...int64) podState {
		return podState{Name: "shop-backend-7f9c-aaaaa", Component: "backend", Node: "node-1", State: "Ready",
			Trusts: trusts, LastUses: map[int64]metav1.Time{used - 1: *at(-49 * time.Hour), used: *at(-12 * time.Second)}}
	}
	frontend := func(signs int64) podState {
		return podState{Name: "shop-frontend-5d8f-ccccc", Component: "frontend", Node: "node-1", State: "Ready",
			Trusts: []int64{signs}, Signs: signs}
	}
	silent := podState{Name: "shop-backend-7f9c-bbbbb", Component: "backend", Node: "node-2", State: "Ready",
		Unknown: "not known: " + errMayNotForward.Error()}
	for name, c := range map[string]struct {
		status string
		pods   []podState
	}{
		"status-stable":     {stableStatus, []podState{backend(2, 2), frontend(2)}},
		"status-publishing": {publishingStatus, []podState{backend(2, 2, 3), silent, frontend(2)}},
		"status-draining":   {drainingStatus, []podState{backend(2, 2, 3), frontend(3)}},
		"status-new":        {"{}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen := newOverview(appOf(t, withFrontend, c.status), c.pods, noon)
			golden(t, name, "status shop -n web", seen.render(style{}))
			if strings.Contains(seen.render(style{}), "\x1b") {
				t.Error("there are colours without a terminal")
			}
		})
	}
}

// TestLongNamesFit expects 100 columns for names as clouds give them, with and without colours.
func TestLongNamesFit(t *testing.T) {
	app := appOf(t, withFrontend, drainingStatus)
	app.Namespace, app.Name = strings.Repeat("n", 30), strings.Repeat("a", 40)
	pod := podState{Name: app.Name + "-frontend-5d8fc4b7d9-ccccc", Node: "ip-192-168-112-134.eu-central-1.compute.internal",
		State: "CrashLoopBackOff", Unknown: "not known: " + errMayNotForward.Error()}
	for _, colours := range []style{{}, {colours: true}} {
		text := newOverview(app, []podState{pod}, noon).render(colours)
		for line := range strings.Lines(text) {
			if columns(strings.TrimRight(line, "\n")) > width {
				t.Errorf("a line has %d columns: %s", columns(line), line)
			}
		}
		for _, whole := range []string{app.Name, "aaaa...", "d9-ccccc", "ip-192-168", "CrashLoopBackOff"} {
			if !strings.Contains(text, whole) {
				t.Errorf("the screen lacks %q:\n%s", whole, text)
			}
		}
	}
}

func TestStatusOfAPausedApp(t *testing.T) {
	app := appOf(t, withFrontend, stableStatus)
	app.Annotations = map[string]string{todov1.AnnotationPaused: "true"}
	app.Status.Plan = []string{"publish key 3", "update Deployment shop-backend: replicas 2 -> 3"}
	seen := newOverview(app, nil, noon)
	golden(t, "status-paused", "status shop -n web", seen.render(style{}))
	text, err := encoded(seen, "yaml")
	if err != nil || !strings.Contains(text, "paused: true\nplan:\n- publish key 3") {
		t.Errorf("%v, the YAML is\n%s", err, text)
	}
	app.Status.Plan = nil
	if text := newOverview(app, nil, noon).pause(style{}); strings.Contains(text, "It would") || strings.Contains(text, "\n\n") {
		t.Errorf("without a plan it says\n%s", text)
	}
}

func TestStatusTellsOfTheServer(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", withFrontend, stableStatus)
	run(t, namespace, "", "status", "shop").want(t, 0, namespace+"/shop Ready", "KEY STATE AGE", "2 Active", "no pods")

	var seen overview
	text := run(t, namespace, "", "status", "shop", "-o", "json")
	text.want(t, 0)
	if err := json.Unmarshal([]byte(text.out), &seen); err != nil || len(seen.Keys) != 2 || !seen.Acted {
		t.Errorf("the JSON is %+v, %v:\n%s", seen, err, text.out)
	}
	run(t, namespace, "", "status", "shop", "-o", "yaml").want(t, 0, "acted: true")
	run(t, namespace, "", "status", "shop", "-o", "xml").want(t, exitUsage, "must be json or yaml")
	run(t, namespace, "", "status", "shop", "-w", "-o", "json").want(t, exitUsage, "leave out --output")
}
