package plugin

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
)

// The metrics of the task API tell when each key was last used.
func TestLastUsesAreInTheMetricsOfTheTaskAPI(t *testing.T) {
	m := metrics.New()
	m.Accepted(2, noon.Add(-time.Hour))
	m.Accepted(3, noon.Add(-time.Minute))
	m.Accepted(2, noon.Add(-2*time.Minute))
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))

	uses, err := usesIn(answer.Body.Bytes())
	if err != nil || len(uses) != 2 || uses[2].Unix() != at(-2*time.Minute).Unix() ||
		uses[3].Unix() != at(-time.Minute).Unix() {
		t.Errorf("the uses are %v, %v", uses, err)
	}
	if uses, err := usesIn([]byte("taskapi_keys_loaded 2\n")); err != nil || len(uses) != 0 {
		t.Errorf("the uses of a pod of an earlier release are %v, %v", uses, err)
	}
	if _, err := usesIn([]byte("<html>")); err == nil {
		t.Error("a page that is not a scrape has no error")
	}
}

// A key was last used by the pod that used it last.
func TestLastUseIsThatOfThePodThatUsedItLast(t *testing.T) {
	o := overview{Now: *at(0), Pods: []podState{
		{LastUses: map[int64]metav1.Time{2: *at(-time.Hour)}}, {}, {LastUses: map[int64]metav1.Time{2: *at(-2 * time.Minute)}},
	}}
	for version, want := range map[int64]string{2: "2m ago", 1: "-"} {
		if got := o.lastUse(version); got != want {
			t.Errorf("key %d: got %s, want %s", version, got, want)
		}
	}
}

func at(ago time.Duration) *metav1.Time {
	moment := metav1.NewTime(noon.Add(ago))
	return &moment
}
