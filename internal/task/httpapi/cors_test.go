package httpapi

import (
	"strings"
	"testing"
)

func TestCORS(t *testing.T) {
	const home, other = "https://todo.example.com", "https://evil.example.com"
	preflight := []string{"Authorization", "-", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers",
		"authorization", "Origin"}
	s := serving(t, func(c *Config) { c.Origins = []string{"http://localhost:3000", home} })
	got := s.do("OPTIONS", tasksOfAlice+"/1", "", append(preflight, home)...).want(204)
	got.has("Access-Control-Allow-Origin", home).has("Access-Control-Max-Age", "600").has("Access-Control-Allow-Credentials",
		"true").has("Vary", "Origin")
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		if !strings.Contains(got.header.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("%s is not allowed", method)
		}
	}
	for _, name := range []string{"Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key"} {
		if !strings.Contains(got.header.Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("%s is not allowed", name)
		}
	}
	for _, origin := range []string{other, "null", home + ".evil.example", "http://todo.example.com", "https://TODO.example.com",
		home + ":444", home + "/"} {
		got := s.do("OPTIONS", tasksOfAlice, "", append(preflight, origin)...).want(401)
		got.has("Access-Control-Allow-Origin", "").has("Access-Control-Max-Age", "")
		s.do("GET", tasksOfAlice, "", "Origin", origin).want(200).has("Access-Control-Allow-Origin", "").has("Vary", "Origin")
	}
	const exposed = "ETag, Link, Location, Retry-After, X-Total-Count"
	s.do("GET", tasksOfAlice, "", "Origin", home).want(200).has("Access-Control-Allow-Origin",
		home).has("Access-Control-Expose-Headers", exposed)
	s.do("GET", tasksOfAlice, "", "Origin", home, "Authorization", "-").want(401).has("Access-Control-Allow-Origin", home)
	s.do("GET", "/nothing", "", "Origin", home).want(404).has("Access-Control-Allow-Origin", home)
	s.do("GET", tasksOfAlice, "").want(200).has("Access-Control-Allow-Origin", "").has("Vary", "Origin")
	s.do("OPTIONS", tasksOfAlice, "", "Origin", home).want(405)
	s.at(s.ops, "OPTIONS", "/keyring", "", append(preflight, home)...).want(405).has("Access-Control-Allow-Origin", "")

	all := serving(t, func(c *Config) { c.Origins = []string{"*"} })
	for _, got := range []answer{
		all.do("OPTIONS", tasksOfAlice, "", append(preflight, other)...).want(204), all.do("GET", tasksOfAlice, "", "Origin",
			other).want(200),
	} {
		got.has("Access-Control-Allow-Origin", "*").has("Access-Control-Allow-Credentials", "")
	}
	none := serving(t)
	none.do("OPTIONS", tasksOfAlice, "", append(preflight, home)...).want(401)
	got = none.do("OPTIONS", tasksOfAlice, "", "Origin", home, "Access-Control-Request-Method", "PUT").want(405)
	for name := range got.header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Vary" {
			t.Errorf("%s without allowed origins", name)
		}
	}
}
