package taskapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestWhatIsTooLargeIsNotTraced: each part that a span keeps counts.
func TestWhatIsTooLargeIsNotTraced(t *testing.T) {
	header := func(name string) func(*http.Request, string) {
		return func(r *http.Request, value string) { r.Header.Set(name, value) }
	}
	for name, set := range map[string]func(*http.Request, string){
		"address":         func(r *http.Request, value string) { r.RequestURI = value },
		"method":          func(r *http.Request, value string) { r.Method = value },
		"host":            func(r *http.Request, value string) { r.Host = value },
		"User-Agent":      header("User-Agent"),
		"X-Forwarded-For": header("X-Forwarded-For"),
		"Tracestate":      header("Tracestate"),
	} {
		for size, want := range map[int]bool{1900: true, 2100: false} {
			r := httptest.NewRequest(http.MethodGet, "/api/alice/tasks", nil)
			if set(r, strings.Repeat("x", size)); traced(r) != want {
				t.Errorf("a request with %d bytes of its %s is traced: %t", size, name, !want)
			}
		}
	}
}
