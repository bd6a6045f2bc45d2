package httpapi

import (
	"net/http"
	"slices"

	"github.com/todoapp-operator/todoapp-operator/internal/origin"
)

// cors answers browsers about other origins. It does nothing if no origin is allowed.
type cors struct {
	origins []string
	any     bool
}

func newCORS(origins []string) cors {
	return cors{origins: origins, any: slices.Contains(origins, origin.Any)}
}

// answer adds the CORS headers to the answer, and reports whether the request was a preflight, which is answered then.
func (c cors) answer(w http.ResponseWriter, r *http.Request) bool {
	if len(c.origins) == 0 {
		return false
	}
	header := w.Header()
	if !c.any {
		header.Add("Vary", "Origin")
	}
	asking := r.Header.Get("Origin")
	if asking == "" || !c.any && !slices.Contains(c.origins, asking) {
		return false
	}
	if c.any {
		header.Set("Access-Control-Allow-Origin", "*")
	} else {
		header.Set("Access-Control-Allow-Origin", asking)
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		header.Set("Access-Control-Expose-Headers", "ETag, Link, Location, Retry-After, X-Total-Count")
		return false
	}
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
	header.Set("Access-Control-Allow-Headers",
		"Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id")
	header.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
