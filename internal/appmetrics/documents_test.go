package appmetrics_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/yaml"

	_ "github.com/todoapp-operator/todoapp-operator/controllers" // registers its metrics
	"github.com/todoapp-operator/todoapp-operator/internal/appmetrics"
	taskmetrics "github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
	_ "github.com/todoapp-operator/todoapp-operator/webhook" // registers its metrics
)

const (
	alerts    = "../../charts/todoapp-operator/files/alerts.yaml"
	dashboard = "../../charts/todoapp-operator/files/dashboard.json"
	reference = "../../docs/metrics.md"
	runbook   = "../../docs/runbook.md"
	// runbooks is where the chapters of the runbook are published, unless the chart names another place.
	runbooks = "https://github.com/todoapp-operator/todoapp-operator/blob/main/docs/runbook.md#"
)

var (
	described = regexp.MustCompile(`fqName: "([^"]+)"`)
	typed     = regexp.MustCompile(`(?m)^# TYPE (\S+) `)
	// named finds the names of metrics in expressions and in prose; what histograms are made of belongs to them.
	named = regexp.MustCompile(
		`\b((?:todoapp|taskapi|controller_runtime|leader_election|workqueue|rest_client|process|go)_[a-z0-9_]+)\b`)
	part = regexp.MustCompile(`_(bucket|count|sum)$`)
	ours = regexp.MustCompile(`^(todoapp|taskapi)_`)
)

// exposed are the names of all metrics that the operator and the task API can show.
func exposed() []string {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		ctrlmetrics.Registry.(prometheus.Collector).Describe(descriptions)
		appmetrics.Collector(nil, nil, true).Describe(descriptions)
		appmetrics.Certificate(nil).Describe(descriptions)
		appmetrics.Watches(nil).Describe(descriptions)
		appmetrics.BuildInfo("").Describe(descriptions)
		close(descriptions)
	}()
	var names []string
	for d := range descriptions {
		names = append(names, described.FindStringSubmatch(d.String())[1])
	}
	return append(names, exposedByTheTaskAPI()...)
}

// exposedByTheTaskAPI reads a scrape, after one request, which begins the series that have no labels known beforehand.
func exposedByTheTaskAPI() []string {
	m := taskmetrics.New()
	m.WatchPool(func() taskmetrics.Pool { return taskmetrics.Pool{} })
	m.Accepted(1, time.Now())
	m.Build("v1.0.0")
	m.Request("/", http.MethodGet, http.StatusOK, time.Second)
	scrape := httptest.NewRecorder()
	m.Handler().ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var names []string
	for _, line := range typed.FindAllStringSubmatch(scrape.Body.String(), -1) {
		names = append(names, line[1])
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// names are the metrics that a text speaks of.
func names(text string) []string {
	var found []string
	for _, name := range named.FindAllString(text, -1) {
		found = append(found, part.ReplaceAllString(name, ""))
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// rule is an alert.
type rule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(read(t, alerts)), &file); err != nil {
		t.Fatal(err)
	}
	var all []rule
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// expressions are all that a dashboard asks for.
func expressions(t *testing.T) []string {
	t.Helper()
	var board struct {
		Panels     []struct{ Targets []struct{ Expr string } }
		Templating struct{ List []struct{ Definition string } }
	}
	if err := json.Unmarshal([]byte(read(t, dashboard)), &board); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	for _, variable := range board.Templating.List {
		all = append(all, variable.Definition)
	}
	return all
}

// TestMetricsAreDocumentedAndExposed: alerts and the dashboard ask for nothing that is not documented, what is
// documented is exposed, and every metric of the operator's and the task API's own is documented.
func TestMetricsAreDocumentedAndExposed(t *testing.T) {
	shown, documented := exposed(), names(read(t, reference))
	var asked []string
	for _, r := range rules(t) {
		asked = append(asked, names(r.Expr)...)
	}
	for _, expression := range expressions(t) {
		asked = append(asked, names(expression)...)
	}
	if len(asked) < 30 {
		t.Errorf("the alerts and the dashboard ask for %d metrics only: %v", len(asked), asked)
	}
	for _, name := range asked {
		if !slices.Contains(documented, name) {
			t.Errorf("%s is asked for and not documented", name)
		}
	}
	for _, name := range documented {
		if !slices.Contains(shown, name) {
			t.Errorf("%s is documented and not exposed", name)
		}
	}
	for _, name := range shown {
		if ours.MatchString(name) && !slices.Contains(documented, name) {
			t.Errorf("%s is exposed and not documented", name)
		}
	}
}

// TestEveryAlertSaysWhatToDo checks that each alert has a summary, a description and a chapter of the runbook.
func TestEveryAlertSaysWhatToDo(t *testing.T) {
	page := read(t, runbook)
	all := rules(t)
	if len(all) < 6 {
		t.Errorf("there are %d alerts", len(all))
	}
	for _, r := range all {
		if !slices.Contains([]string{"warning", "critical"}, r.Labels["severity"]) {
			t.Errorf("%s has severity %q", r.Alert, r.Labels["severity"])
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks a summary or a description", r.Alert)
		}
		if want := runbooks + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
			t.Errorf("%s leads to %s, not to %s", r.Alert, r.Annotations["runbook_url"], want)
		}
		if !strings.Contains(page, "\n### "+r.Alert+"\n") {
			t.Errorf("%s has no chapter", r.Alert)
		}
	}
}

// TestAlerts runs the unit tests of the alerts: when each fires, what it says, and that none does when all is well.
func TestAlerts(t *testing.T) {
	program := promtool(t)
	folder := t.TempDir()
	for _, path := range []string{alerts, "testdata/alerts_test.yaml"} {
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(path)), []byte(read(t, path)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), program, "test", "rules", filepath.Join(folder, "alerts_test.yaml"))
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	tests := read(t, "testdata/alerts_test.yaml")
	for _, r := range rules(t) {
		if times := len(regexp.MustCompile(`alertname: `+r.Alert+`\b`).FindAllString(tests, -1)); times < 3 {
			t.Errorf("%s is tested %d times, not to fire, to wait and to be silent", r.Alert, times)
		}
	}
}

// TestEveryPanelShowsSomething asks a Prometheus that has what an app and two managers show; the rotation and the
// refusal are within it. What is not a number shows as nothing.
func TestEveryPanelShowsSomething(t *testing.T) {
	filledIn := strings.NewReplacer("$__rate_interval", "5m", "$__range", "6h", "$namespace", ".*", "$app", ".*")
	var file strings.Builder
	file.WriteString(read(t, "testdata/dashboard_test.yaml"))
	file.WriteString("  promql_expr_test:\n")
	for _, expression := range expressions(t) {
		if expression == "" || strings.HasPrefix(expression, "label_values(") {
			continue
		}
		fmt.Fprintf(&file, "  - {expr: %q, eval_time: 6h}\n", "absent(("+filledIn.Replace(expression)+") >= -Inf)")
	}
	path := filepath.Join(t.TempDir(), "dashboard_test.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), promtool(t), "test", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// promtool finds the program, and otherwise takes it out of its Debian package, without installing a server.
func promtool(t *testing.T) string {
	t.Helper()
	if found, err := exec.LookPath("promtool"); err == nil {
		return found
	}
	kept, err := filepath.Abs("../../bin/promtool")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); errors.Is(err, os.ErrNotExist) {
		fetch(t, kept)
	}
	return kept
}

func fetch(t *testing.T, into string) {
	t.Helper()
	script := exec.CommandContext(t.Context(), "sh", "-ec", `
		mkdir -p "$(dirname "$INTO")"
		apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }
		dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool > promtool
		chmod +x promtool && mv promtool "$INTO"`)
	script.Dir, script.Env = t.TempDir(), append(os.Environ(), "INTO="+into)
	if output, err := script.CombinedOutput(); err != nil {
		t.Fatalf("there is no promtool; install the package prometheus, or put promtool on the PATH: %v\n%s", err, output)
	}
}
