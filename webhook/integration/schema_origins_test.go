package integration_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/origin"
)

// TestOriginsOfTheSchemaAreTheAPIs: what is admitted, the API starts with; what it does not start with is refused here.
func TestOriginsOfTheSchemaAreTheAPIs(t *testing.T) {
	for _, allowed := range []string{
		"*", "https://todo.example.com", "http://localhost:3000", "https://[::1]:8443", "http://10.0.0.1", "https://a_b.example",
		"https://a.example:80", "http://a.example:443", "https://a.example:65535",
		"https://todo.example.com:abc", "https://u@h", "https://u:p@h", "https://Todo.example.com", "HTTPS://todo.example.com",
		"https://todo.example.com:443", "http://todo.example.com:80", "https://*.example.com", "https://todo.example.com:",
		"https://todo.example.com:0", "https://todo.example.com:100000", "https://todo..example.com", "https://bücher.example",
		"https://todo example.com", "https://todo.example.com/", "https://todo.example.com?x", "https://a,b", "https://[::1",
		"ftp://a", "null", "https://",
		"https://todo.example.com\n",
	} {
		quoted := strings.ReplaceAll(allowed, "\n", "\\n")
		err := admin.Create(t.Context(), app("schema", `backend: {cors: {allowedOrigins: ["`+quoted+`"]}}`), client.DryRunAll)
		if taken := origin.Check(allowed) == nil; taken != (err == nil) {
			t.Errorf("%q: does the API start with it? %t; the schema says %v", allowed, taken, err)
		}
		if err != nil && !strings.Contains(err.Error(), "must be an origin as browsers send it") {
			t.Errorf("%q: %v", allowed, err)
		}
	}
}
