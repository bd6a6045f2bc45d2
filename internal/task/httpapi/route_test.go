package httpapi

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestPaths(t *testing.T) {
	s := serving(t)
	s.add("x")
	for target, status := range map[string]int{
		"/api/alice/tasks": 200, "/api/alice/tasks/1": 200, "/api/%61lice/tasks": 200, "/%61pi/alice/t%61sks/%31": 200,
		"/api/alice/tasks?": 200, "/api/alice/tasks?unknown=1": 200,

		"/": 404, "/api": 404, "/api/": 404, "/api/alice": 404, "/api/alice/": 404, "/api/alice/task": 404, "/api/alice/TASKS": 404,
		"/API/alice/tasks": 404, "/api/alice/tasks/": 404, "/api/alice/tasks/1/": 404, "/api/alice/tasks/1/complete/": 404,
		"/api/alice/tasks/1/complete/x": 404, "/api/alice/tasks/1/Complete": 404, "/api/alice/tasks//complete": 404, "/api//tasks": 404,
		"//api/alice/tasks": 404, "/api//alice/tasks": 404, "/api/alice//tasks": 404, "/api/alice/tasks//1": 404,
		"/api/./tasks": 404, "/api/../tasks": 404, "/./api/alice/tasks": 404, "/x/../api/alice/tasks": 404, "/api/alice/tasks/.": 404,
		"/api/alice/tasks/..": 404, "/api/alice/./tasks": 404, "/api/bob/../alice/tasks": 404, "/api/alice/tasks/1/..": 404,
		"/api/alice/tasks/../../bob/tasks": 404, "/api/alice/x/../tasks": 404, "/healthz/": 404, "/healthz/..": 404, "/docs/": 404,
		"/api%2Falice/tasks": 404, "/api/alice%2Ftasks": 404, "/api/alice/tasks%2F1": 404, "/favicon.ico": 404, "/docs/index.html": 404,

		"/api/alic%65%2F..%2Fbob/tasks": 403, "/api/%2E%2E/tasks": 403, "/api/%2e/tasks": 403, "/api/bob/tasks": 403,
		"/api/Alice/tasks":    403,
		"/api/alice%00/tasks": 403, "/api/alice%20/tasks": 403, "/api/%20alice/tasks": 403, "/api/alice;x/tasks": 403,
		"/api/al%C3%AFce/tasks":    403,
		"/api/%EF%BD%81lice/tasks": 403, "/api/alice./tasks": 403, "/api/alice%2F/tasks": 403, "/api/+alice/tasks": 403,
		"/api/%ff/tasks":       403,
		"/api/%2561lice/tasks": 403, "/api/*/tasks": 403,
	} {
		s.do("GET", target, "").want(status)
	}
	for _, path := range []string{"/api/alice/tasks/", "/api//tasks", "/api/./tasks", "/api/x/../alice/tasks"} {
		if got := s.do("GET", path, ""); got.header.Get("Location") != "" || got.status/100 == 3 {
			t.Errorf("%s is a redirect: %d", path, got.status)
		}
	}
}

func TestBrokenEscapesAre400(t *testing.T) {
	s := serving(t)
	authorized := " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + tokenOf("alice") + "\r\n\r\n"
	for _, target := range []string{"/api/%zz/tasks", "/api/alice%/tasks", "/api/alice%2/tasks", "/%", "/api/alice/tasks/%g1"} {
		if got := s.raw("GET " + target + authorized); got.status != 400 {
			t.Errorf("%s: %d", target, got.status)
		}
	}
	path, _ := s.add("x")
	for _, target := range []string{tasksOfAlice + "?limit=%zz", tasksOfAlice + "?x=%", path + "?%f"} {
		if got := s.raw("GET " + target + authorized); got.status != 400 {
			t.Errorf("%s: %d", target, got.status)
		}
	}
	s.do("DELETE", path+"?x=%zz", "").want(400)
	s.do("POST", tasksOfAlice+"?x=%zz", `{"title":"x"}`).want(400)
}

func TestSubjectsOfAllKinds(t *testing.T) {
	s := serving(t)
	for subject, segment := range map[string]string{
		"a/b": "a%2Fb", "a b": "a%20b", "a+b": "a+b", "%2F": "%252F", ".": "%2E", "..": "%2E%2E", "é😀": "%C3%A9%F0%9F%98%80",
		"a;b,c": "a%3Bb%2Cc", "<x>\"": "%3Cx%3E%22", "a?b#c": "a%3Fb%23c", "a\x00b": "a%00b", "tasks": "tasks", "api": "api",
		"user@example.com": "user@example.com", "sha256:x": "sha256:x", strings.Repeat("long", 900): strings.Repeat("long", 900),
	} {
		bearer := []string{"Authorization", "Bearer " + tokenWith(jwt.MapClaims{"sub": subject})}
		created := s.do("POST", "/api/"+segment+"/tasks", `{"title":"mine"}`, bearer...).want(201)
		if got := created.task().UserID; got != subject {
			t.Errorf("the task of %q belongs to %q", subject, got)
		}
		location := created.header.Get("Location")
		if want := "/api/" + segment + "/tasks/"; !strings.HasPrefix(location, want) {
			t.Errorf("Location of %q is %s, want %s…", subject, location, want)
		}
		s.do("GET", location, "", bearer...).want(200)
		if got := s.do("GET", "/api/"+segment+"/tasks", "", bearer...).want(200).tasks(); len(got) != 1 {
			t.Errorf("%q has %d tasks", subject, len(got))
		}
		s.do("GET", location, "").want(403)
	}
}

func TestMethods(t *testing.T) {
	s := serving(t)
	path, _ := s.add("x")
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X"}
	for target, allow := range map[string]string{
		tasksOfAlice: "GET, HEAD, POST", path: "DELETE, GET, HEAD, PATCH, PUT", path + "/complete": "PATCH",
		"/healthz": "GET, HEAD", "/readyz": "GET, HEAD", "/openapi.json": "GET, HEAD", "/docs": "GET, HEAD",
		"/docs/swagger-ui.css": "GET, HEAD",
		"/api/bob/tasks":       "GET, HEAD, POST", "/api/alice/tasks/none": "DELETE, GET, HEAD, PATCH, PUT",
	} {
		for _, method := range methods {
			if strings.Contains(", "+allow+",", ", "+method+",") {
				continue
			}
			got := s.do(method, target, "").want(405)
			got.has("Allow", allow)
		}
	}
	s.do("OPTIONS", "/nothing", "").want(404)
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	s := serving(t)
	path, _ := s.add("x")
	for _, target := range []string{tasksOfAlice, path, "/healthz", "/readyz", "/openapi.json", "/docs",
		"/docs/swagger-initializer.js", "/nothing", path + "9", tasksOfAlice + "?limit=x"} {
		get, head := s.do("GET", target, ""), s.do("HEAD", target, "")
		if head.status != get.status || head.body != "" {
			t.Errorf("HEAD %s: %d %q, GET %d", target, head.status, head.body, get.status)
		}
		for _, name := range []string{"Content-Type", "Content-Length", "ETag", "X-Total-Count"} {
			head.has(name, get.header.Get(name))
		}
	}
	s.do("HEAD", path, "", "If-None-Match", "*").want(304)
	s.do("HEAD", tasksOfAlice, "", "Authorization", "-").want(401)
}

// TestOrderOfRefusals gives each request every fault from some point of the order on.
func TestOrderOfRefusals(t *testing.T) {
	s := serving(t)
	path, _ := s.add("x")
	const noToken, noTokenValue = "Authorization", "Bearer x.y.z"
	large := strings.Repeat("x", 64<<10+1)
	for _, c := range []struct {
		method, target, body string
		headers              []string
		status               int
	}{
		{"GET", "/api/../nothing", "", []string{noToken, noTokenValue}, 401},
		{"BREW", "/api/", "", []string{noToken, "-"}, 401},
		{"POST", "/api/bob/tasks/1", large, []string{noToken, noTokenValue, "Content-Type", "x"}, 401},
		{"OPTIONS", tasksOfAlice, "", []string{noToken, "-"}, 401},
		{"POST", "/api/bob/nothing", large, nil, 404},
		{"POST", "/api/bob/tasks/1", large, nil, 405},
		{"PUT", "/api/bob/tasks/x", large, []string{"Content-Type", "x"}, 403},
		{"GET", "/api/bob/tasks/1", "", nil, 403},
		{"GET", "/api/bob/tasks/999", "", nil, 403},
		{"GET", "/api/bob/tasks?limit=x", "", nil, 403},
		{"PUT", tasksOfAlice + "/x", large, []string{"Content-Type", "x", "If-Match", "x"}, 415},
		{"PUT", tasksOfAlice + "/x", large, []string{"If-Match", "x"}, 413},
		{"PUT", tasksOfAlice + "/x", `{"title":""}`, []string{"If-Match", "x"}, 400},
		{"PUT", tasksOfAlice + "/x", `{`, nil, 400},
		{"PUT", tasksOfAlice + "/x", `{}`, nil, 422},
		{"PUT", tasksOfAlice + "/0", `{"title":""}`, []string{"If-Match", `"a"`}, 422},
		{"PUT", tasksOfAlice + "/999", `{"title":""}`, []string{"If-Match", `"a"`}, 422},
		{"PUT", tasksOfAlice + "/999", `{}`, []string{"If-Match", `"a"`}, 404},
		{"PUT", path, `{}`, []string{"If-Match", `"a"`}, 412},
		{"POST", tasksOfAlice, `{`, []string{"Idempotency-Key", ""}, 400},
	} {
		s.do(c.method, c.target, c.body, c.headers...).want(c.status)
	}
}

func TestIDs(t *testing.T) {
	s := serving(t)
	s.add("x")
	for id, status := range map[string]int{
		"1": 200, "2": 404, "0": 404, "-1": 404, "-9223372036854775808": 404, "9007199254740991": 404, "9007199254740992": 404,
		"9223372036854775807": 404,
		"01":                  422, "+1": 422, "-0": 422, "-01": 422, "1.0": 422, "1e0": 422, "0x1": 422, "1_0": 422, "%201": 422,
		"1%20": 422, "abc": 422,
		"9223372036854775808": 422, "-9223372036854775809": 422, "99999999999999999999999": 422, "%D9%A1": 422, "1%00": 422, "1%2F2": 422,
		"%2E": 422, "%2E%2E": 422, "1;2": 422, "null": 422, "NaN": 422, "complete": 422,
	} {
		for method, suffix := range map[string]string{"GET": "", "DELETE": "", "PUT": "", "PATCH": "/complete"} {
			if status == 200 && method != "GET" {
				continue
			}
			body := map[string]string{"PUT": "{}"}[method]
			got := s.do(method, tasksOfAlice+"/"+id+suffix, body).want(status)
			if status == 422 {
				got.at("path.id")
			}
		}
	}
}

func TestPortsAndPages(t *testing.T) {
	s := serving(t)
	for _, page := range []string{"/healthz", "/readyz", "/openapi.json", "/docs", "/docs/swagger-ui.css"} {
		s.do("GET", page, "", "Authorization", "-").want(200)
	}
	s.do("GET", "/metrics", "").want(404)
	s.do("GET", "/keyring", "").want(404)
	s.at(s.ops, "GET", "/keyring", "", "Authorization", "-").want(200)
	if got := s.at(s.ops, "GET", "/keyring", "").want(200); got.body != `{"versions":[3,2],"active":3}` {
		t.Errorf("/keyring is %s", got.body)
	}
	for _, page := range []string{"/api/alice/tasks", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/debug/pprof/", "/"} {
		s.at(s.ops, "GET", page, "").want(404)
	}
	s.at(s.ops, "POST", "/keyring", "").want(405)
	s.at(s.ops, "GET", "/healthz", "").want(200)
	s.at(s.ops, "GET", "/readyz", "").want(200)
	s.api.Drain()
	for _, port := range []string{s.address, s.ops} {
		s.at(port, "GET", "/readyz", "").want(503).has("Retry-After", "1")
		s.at(port, "GET", "/healthz", "").want(200)
	}
	s.do("GET", tasksOfAlice, "").want(200)
}
