package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
	"github.com/todoapp-operator/todoapp-operator/internal/task/instrumented"
	"github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
)

// shown is what a scrape reads now.
func shown(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %s", answer.Code, answer.Header())
	}
	return answer.Body.String()
}

func want(t *testing.T, scrape string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(scrape, "\n"+line+"\n") {
			t.Errorf("%q is missing in\n%s", line, scrape)
		}
	}
}

// TestSeriesAreThereBeforeAnythingHappens, since an alert on a rate misses the first event of a series that it begins.
func TestSeriesAreThereBeforeAnythingHappens(t *testing.T) {
	lines := []string{
		"taskapi_keys_loaded 0",
		`taskapi_key_reloads_total{result="good"} 0`, `taskapi_key_reloads_total{result="bad"} 0`,
		"# TYPE taskapi_auth_failures_total counter", "# TYPE taskapi_store_duration_seconds histogram",
	}
	for _, reason := range authn.Reasons() {
		lines = append(lines, fmt.Sprintf(`taskapi_auth_failures_total{reason=%q} 0`, reason))
	}
	for _, operation := range instrumented.Operations() {
		lines = append(lines, fmt.Sprintf(`taskapi_store_duration_seconds_count{operation=%q} 0`, operation),
			fmt.Sprintf(`taskapi_store_failures_total{operation=%q} 0`, operation))
	}
	scrape := shown(t, metrics.New())
	want(t, scrape, lines...)
	for _, series := range []string{"\ngo_goroutines ", "\nprocess_resident_memory_bytes "} {
		if !strings.Contains(scrape, series) {
			t.Errorf("%q is missing", series)
		}
	}
}

func TestRequestsAndRefusals(t *testing.T) {
	m := metrics.New()
	m.Request("/api/{user_id}/tasks", "GET", 200, 3*time.Millisecond)
	m.Request("/api/{user_id}/tasks", "GET", 200, 2*time.Second)
	m.Request("/api/{user_id}/tasks", "GET", 503, 20*time.Second)
	m.Request("other", "POST", 404, 0)
	m.Refused(authn.Signature)
	m.Refused(authn.Foreign)
	m.Refused(authn.Foreign)
	want(t, shown(t, m),
		`taskapi_http_requests_total{method="GET",route="/api/{user_id}/tasks",status="200"} 2`,
		`taskapi_http_requests_total{method="GET",route="/api/{user_id}/tasks",status="503"} 1`,
		`taskapi_http_requests_total{method="POST",route="other",status="404"} 1`,
		`taskapi_http_request_duration_seconds_bucket{method="GET",route="/api/{user_id}/tasks",le="0.0025"} 0`,
		`taskapi_http_request_duration_seconds_bucket{method="GET",route="/api/{user_id}/tasks",le="0.005"} 1`,
		`taskapi_http_request_duration_seconds_bucket{method="GET",route="/api/{user_id}/tasks",le="2.5"} 2`,
		`taskapi_http_request_duration_seconds_bucket{method="GET",route="/api/{user_id}/tasks",le="30"} 3`,
		`taskapi_http_request_duration_seconds_count{method="POST",route="other"} 1`,
		`taskapi_auth_failures_total{reason="signature"} 1`,
		`taskapi_auth_failures_total{reason="foreign"} 2`,
		`taskapi_auth_failures_total{reason="expired"} 0`)
}

func TestKeys(t *testing.T) {
	m := metrics.New()
	m.Loaded(3)
	m.Loaded(2)
	m.Reloaded(nil)
	m.Reloaded(errors.New("nonsense"))
	m.Reloaded(nil)
	want(t, shown(t, m), "taskapi_keys_loaded 2",
		`taskapi_key_reloads_total{result="good"} 2`, `taskapi_key_reloads_total{result="bad"} 1`)
}

// TestAStoreThatSaysNoHasNotFailed: what a client asks for wrongly, or no longer wants, must not ring the operator.
func TestAStoreThatSaysNoHasNotFailed(t *testing.T) {
	m := metrics.New()
	for _, err := range []error{nil, task.ErrNotFound, fmt.Errorf("deleting: %w", task.ErrMismatch), task.ErrAttemptDiffers,
		task.ErrUnavailable, fmt.Errorf("deleting: %w", task.ErrNotOpened), context.Canceled, errors.New("a defect")} {
		ctx, end := m.StoreCall(t.Context(), "delete")
		if ctx != t.Context() {
			t.Error("the context was changed")
		}
		end(err)
	}
	want(t, shown(t, m), `taskapi_store_duration_seconds_count{operation="delete"} 8`,
		`taskapi_store_failures_total{operation="delete"} 3`, `taskapi_store_failures_total{operation="get"} 0`)
}

func TestThePoolIsReadWheneverMetricsAre(t *testing.T) {
	m := metrics.New()
	now := metrics.Pool{InUse: 1, Idle: 2, Max: 8}
	m.WatchPool(func() metrics.Pool { return now })
	want(t, shown(t, m), `taskapi_store_connections{state="in_use"} 1`, `taskapi_store_connections{state="idle"} 2`,
		`taskapi_store_connections{state="max"} 8`, "taskapi_store_connection_waits_total 0")
	now = metrics.Pool{InUse: 8, Max: 8, Waits: 5}
	want(t, shown(t, m), `taskapi_store_connections{state="in_use"} 8`, `taskapi_store_connections{state="idle"} 0`,
		"taskapi_store_connection_waits_total 5")
}
