package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

func TestUnauthorized(t *testing.T) {
	s := serving(t)
	good := tokenOf("alice")
	expired := tokenWith(jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(-time.Hour).Unix()})
	const presented = `Bearer error="invalid_token"`
	for _, c := range []struct {
		headers           []string
		detail, challenge string
	}{
		{[]string{"Authorization", "-"}, "missing token", "Bearer"},
		{[]string{"Authorization", ""}, "missing token", "Bearer"},
		{[]string{"Authorization", "Bearer"}, "missing token", "Bearer"},
		{[]string{"Authorization", "Basic YTpi"}, "missing token", "Bearer"},
		{[]string{"Authorization", "Bearer " + good, "Authorization", "Bearer " + good}, "missing token", "Bearer"},
		{[]string{"Authorization", "-", "Cookie", "token=" + good}, "missing token", "Bearer"},
		{[]string{"Authorization", "-", "Proxy-Authorization", "Bearer " + good}, "missing token", "Bearer"},
		{[]string{"Authorization", "-", "X-Authorization", "Bearer " + good}, "missing token", "Bearer"},
		{[]string{"Authorization", "Bearer x"}, "invalid token", presented},
		{[]string{"Authorization", "Bearer " + good + "x"}, "invalid token", presented},
		{[]string{"Authorization", "Bearer " + strings.Repeat("x", 8193)}, "invalid token", presented},
		{[]string{"Authorization", "Bearer " + strings.Repeat("x", 40_000)}, "invalid token", presented},
		{[]string{"Authorization", "Bearer " + expired}, "token expired", presented},
	} {
		for _, target := range []string{tasksOfAlice, "/api/bob/tasks/1", "/api/", "/api/nothing",
			tasksOfAlice + "?access_token=" + good} {
			got := s.do("GET", target, "", c.headers...).want(401).has("Www-Authenticate", c.challenge)
			var p struct{ Detail string }
			if got.decode(&p); p.Detail != c.detail {
				t.Errorf("%v: %q, want %q", c.headers, p.Detail, c.detail)
			}
		}
	}
	for _, value := range []string{"bearer " + good, "BEARER   " + good} {
		s.do("GET", tasksOfAlice, "", "Authorization", value).want(200)
	}
}

func TestForbiddenIsTheSameWhateverExists(t *testing.T) {
	s := serving(t)
	path, _ := s.add("of alice")
	bob := []string{"Authorization", "Bearer " + tokenOf("bob")}
	var first answer
	for _, target := range []string{path, tasksOfAlice + "/999", tasksOfAlice + "/x", tasksOfAlice, "/api/nobody/tasks/1",
		path + "/complete"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			got := s.do(method, target, "", bob...)
			if got.status == 405 {
				continue
			}
			if got.want(403); first.body == "" {
				first = got
			}
			if got.body != first.body {
				t.Errorf("%s: %s, elsewhere %s", got.what, got.body, first.body)
			}
		}
	}
	if got := s.do("GET", "/api/bob/tasks", "", bob...).want(200); got.body != "[]" {
		t.Errorf("bob sees %s", got.body)
	}
	s.do("GET", "/api/bob/tasks/1", "", bob...).want(404)
}

func TestAuditTellsTheOperatorAndNoToken(t *testing.T) {
	s := serving(t, func(c *Config) { c.AuditAccepted = true })
	good := tokenOf("alice")
	forged := good[:len(good)-3] + "AAA"
	expired := tokenWith(jwt.MapClaims{"sub": "carol", "exp": 1})
	long := "/api/" + strings.Repeat("b", 5000) + "/tasks/1"
	s.do("GET", tasksOfAlice, "", "X-Request-Id", "accepted-1").want(200).has("X-Request-Id", "accepted-1")
	s.do("GET", tasksOfAlice, "", "X-Request-Id", "forged-1", "Authorization", "Bearer "+forged).want(401)
	s.do("GET", "/api/alice/x", "", "X-Request-Id", "expired-1", "Authorization", "Bearer "+expired).want(401)
	s.do("GET", "/api/b%0Ab/tasks", "", "X-Request-Id", "foreign-1").want(403)
	s.do("GET", long, "", "X-Request-Id", "foreign-2").want(403)
	const list, one = "/api/{user_id}/tasks", "/api/{user_id}/tasks/{id}"
	for id, want := range map[string]map[string]any{
		"accepted-1": {"decision": "accepted", "reason": nil, "key_version": 3., "subject": "alice", "route": list, "user_id": nil},
		"forged-1":   {"decision": "refused", "reason": "signature", "key_version": nil, "subject": nil, "route": list},
		"expired-1":  {"decision": "refused", "reason": "expired", "key_version": 3., "subject": "carol", "route": "other"},
		"foreign-1":  {"decision": "refused", "reason": "foreign", "key_version": 3., "subject": "alice", "user_id": "b\nb"},
		"foreign-2":  {"reason": "foreign", "route": one, "user_id": strings.Repeat("b", longestRequested)},
	} {
		entry := entryOf(t, s.log.String(), id)
		want["level"] = "INFO"
		for name, value := range want {
			if entry[name] != value {
				t.Errorf("%s: %s is %v, want %v", id, name, entry[name], value)
			}
		}
		if client, _ := entry["client"].(string); !strings.HasPrefix(client, "127.0.0.1:") {
			t.Errorf("%s: client is %v", id, entry["client"])
		}
	}
	for _, part := range strings.Split(good+"."+forged+"."+expired+"."+active, ".") {
		if strings.Contains(s.log.String(), part) {
			t.Errorf("the log holds %q", part)
		}
	}
}

func TestAuditOfAcceptedTokensIsAskedFor(t *testing.T) {
	s := serving(t)
	s.do("GET", tasksOfAlice, "").want(200)
	if s.log.String() != "" {
		t.Errorf("without being asked: %s", s.log)
	}
	silent := serving(t, func(c *Config) { c.Audit = nil })
	silent.do("GET", tasksOfAlice, "", "Authorization", "-").want(401)
	if silent.log.String() != "" {
		t.Errorf("without an audit: %s", silent.log)
	}
}

// entryOf is the last entry of a request.
func entryOf(t *testing.T, log, id string) (found map[string]any) {
	t.Helper()
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%q is not JSON: %v", line, err)
		}
		if entry["request_id"] == id {
			found = entry
		}
	}
	if found == nil {
		t.Fatalf("no entry of %s in %s", id, log)
	}
	return found
}

func TestRequestIDs(t *testing.T) {
	s := serving(t)
	for _, given := range []string{"", "with space", strings.Repeat("x", 65), "a\"b", "ünï", "<x>"} {
		got := s.do("GET", "/healthz", "", "X-Request-Id", given)
		if id := got.header.Get("X-Request-Id"); id == given || id == "" {
			t.Errorf("%q was answered with %q", given, id)
		}
	}
}

func TestTrailersAreNoHeaders(t *testing.T) {
	s := serving(t)
	chunked := func(trailer string) string {
		return "POST /api/alice/tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n" +
			"Transfer-Encoding: chunked\r\nTrailer: Authorization, Idempotency-Key\r\n%s\r\nd\r\n{\"title\":\"x\"}\r\n0\r\n" +
			trailer + "\r\n"
	}
	credential := "Authorization: Bearer " + tokenOf("alice") + "\r\n"
	s.raw(fmt.Sprintf(chunked(credential), "")).want(401)
	s.raw(fmt.Sprintf(chunked("Idempotency-Key: \r\n"), credential)).want(201)
	s.raw(fmt.Sprintf(chunked("Authorization: Bearer x\r\n"), credential)).want(201)
}

func TestBodiesOfUnknownLength(t *testing.T) {
	s := serving(t)
	head := "POST /api/alice/tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer " +
		tokenOf("alice") + "\r\n"
	s.raw(head + "\r\n0\r\n\r\n").want(400)
	s.raw(head + "\r\n2\r\n{}\r\n0\r\n\r\n").want(415)
	s.raw(head + "Content-Type: application/json\r\n\r\n0\r\n\r\n").want(400)
	s.raw(head + "Content-Type: application/json\r\n\r\nzz\r\n{}\r\n0\r\n\r\n").want(400)
	s.raw(head + "Content-Type: application/json\r\n\r\n11000\r\n" + strings.Repeat(" ", 0x11000) + "\r\n0\r\n\r\n").want(413)
}

func TestReasonsOfAuthnAreCounted(t *testing.T) {
	s := serving(t)
	s.do("GET", tasksOfAlice, "", "Authorization", "-").want(401)
	s.do("GET", "/api/bob/tasks", "").want(403)
	if got := fmt.Sprint(s.counted.reasons); got != fmt.Sprint([]authn.Reason{authn.Missing, authn.Foreign}) {
		t.Errorf("counted %s", got)
	}
	if got := s.counted.used; len(got) != 1 {
		t.Errorf("keys of accepted tokens: %v, want that of the second request", got)
	}
	s.do("GET", "/api/alice/none", "").want(404)
	if !s.counted.saw("GET other", http.StatusNotFound) {
		t.Errorf("counted %v", s.counted.routes)
	}
}
