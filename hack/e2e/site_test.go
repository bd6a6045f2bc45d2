//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
)

// TestSite builds the site of the documentation and searches it in a real browser. VitePress also builds a site whose scripts
// fail. The test uses no pod, but it needs the browser of the other tests here.
func TestSite(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	if output, err := exec.CommandContext(t.Context(), "../site/build.sh").CombinedOutput(); err != nil {
		t.Fatalf("building the site: %v\n%s", err, output)
	}
	files := http.FileServer(http.Dir("../../bin/docs"))
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(site.Close)
	e.startBrowser("site", site.URL).await("done")
}
