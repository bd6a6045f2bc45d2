package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// cors answers browsers about other origins. Without origins it does nothing at all.
type cors struct {
	origins []string
	any     bool
}

func newCORS(origins []string) cors {
	return cors{origins: origins, any: slices.Contains(origins, "*")}
}

// An origin as browsers send it: the host in lower case and ASCII, and no port that the scheme has by default. The
// schema of a TodoApp has the same two.
var (
	sent      = regexp.MustCompile(`^https?://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?$`)
	redundant = regexp.MustCompile(`^(http://.*:80|https://.*:443)$`)
)

// CheckOrigin says what is wrong with an allowed origin: it is "*", or scheme, host and port as browsers send them. One
// that is written in another way would never be allowed, so it is refused, with what to write.
func CheckOrigin(origin string) error {
	if origin == "*" || isSent(origin) {
		return nil
	}
	if strings.Contains(origin, "*") {
		return fmt.Errorf("origin %q: * stands for every origin and cannot be a part of one: name each host", origin)
	}
	if plain := plainOrigin(origin); isSent(plain) {
		return fmt.Errorf("origin %q is not as browsers send it: write %s", origin, plain)
	}
	return fmt.Errorf("origin %q is not of the form https://host[:port], with the host in ASCII, or *", origin)
}

func isSent(origin string) bool { return sent.MatchString(origin) && !redundant.MatchString(origin) }

// plainOrigin is what a browser makes of a URL's origin.
func plainOrigin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	origin := strings.TrimSuffix(u.Scheme+"://"+strings.ToLower(u.Host), ":")
	if redundant.MatchString(origin) {
		origin = strings.TrimSuffix(origin, ":"+u.Port())
	}
	return origin
}

// answer adds what a browser needs to know to the answer, and reports whether it was a preflight and is answered.
func (c cors) answer(w http.ResponseWriter, r *http.Request) bool {
	if len(c.origins) == 0 {
		return false
	}
	header := w.Header()
	if !c.any {
		header.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if origin == "" || !c.any && !slices.Contains(c.origins, origin) {
		return false
	}
	if c.any {
		header.Set("Access-Control-Allow-Origin", "*")
	} else {
		header.Set("Access-Control-Allow-Origin", origin)
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
