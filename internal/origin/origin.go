// Package origin reads web origins: scheme, host and port, written as browsers send them.
package origin

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Any allows every origin.
const Any = "*"

// The rules of spec.backend.cors.allowedOrigins in the schema of a TodoApp are the same two.
var (
	// form has the host in lower case and ASCII.
	form = regexp.MustCompile(`^https?://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?$`)
	// redundant has the port that the scheme has by default, which browsers leave out.
	redundant = regexp.MustCompile(`^(http://.*:80|https://.*:443)$`)
)

// Valid reports whether an origin is written as browsers send it.
func Valid(origin string) bool { return form.MatchString(origin) && !redundant.MatchString(origin) }

// Of returns the origin of a URL as browsers send it. It is empty if they send none, as for a host that is not ASCII.
func Of(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	origin := strings.TrimSuffix(u.Scheme+"://"+strings.ToLower(u.Host), ":")
	if redundant.MatchString(origin) {
		origin = strings.TrimSuffix(origin, ":"+u.Port())
	}
	if !Valid(origin) {
		return ""
	}
	return origin
}

// Check returns an error for an allowed origin that no request would ever match, and says what to write instead.
func Check(origin string) error {
	if origin == Any || Valid(origin) {
		return nil
	}
	if strings.Contains(origin, "*") {
		return fmt.Errorf("origin %q: * stands for every origin and cannot be a part of one: name each host", origin)
	}
	if plain := Of(origin); plain != "" {
		return fmt.Errorf("origin %q is not as browsers send it: write %s", origin, plain)
	}
	return fmt.Errorf("origin %q is not of the form https://host[:port], with the host in ASCII, or *", origin)
}
