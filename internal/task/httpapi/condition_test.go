package httpapi

import (
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestEveryWriteCarriesTheETagThatAGetGives(t *testing.T) {
	s := serving(t)
	path, created := s.add("x")
	seen := map[string]bool{}
	check := func(written answer) {
		t.Helper()
		tag := written.want(written.status).header.Get("ETag")
		if read := s.do("GET", path, "").want(200).header.Get("ETag"); read != tag || seen[tag] || !strings.HasPrefix(tag, `"`) {
			t.Errorf("%s gave %s, GET gives %s (seen before: %t)", written.what, tag, read, seen[tag])
		}
		seen[tag] = true
	}
	check(created)
	check(s.do("PUT", path, `{"title":"y"}`))
	check(s.do("PATCH", path, `{"completed":true}`))
	check(s.do("PATCH", path+"/complete", ""))
	before := s.do("GET", path, "").header.Get("ETag")
	s.do("PUT", path, `{}`).want(200).has("ETag", before)
	s.do("DELETE", path, "").want(200).has("ETag", before)
}

func TestIfMatch(t *testing.T) {
	s := serving(t)
	for name, c := range map[string]struct {
		value  func(tag, stale string) []string
		status int
	}{
		"the tag":            {func(tag, _ string) []string { return []string{tag} }, 200},
		"any":                {func(string, string) []string { return []string{"*"} }, 200},
		"among others":       {func(tag, stale string) []string { return []string{`"x", ` + stale + `,,` + tag + ` ,`} }, 200},
		"on another line":    {func(tag, _ string) []string { return []string{`"x"`, tag} }, 200},
		"stale":              {func(_, stale string) []string { return []string{stale} }, 412},
		"weak":               {func(tag, _ string) []string { return []string{"W/" + tag} }, 412},
		"foreign":            {func(string, string) []string { return []string{`"abc"`} }, 412},
		"empty tag":          {func(string, string) []string { return []string{`""`} }, 412},
		"comma in the tag":   {func(tag, _ string) []string { return []string{`"a,` + tag[1:]} }, 412},
		"of another task":    {func(tag, _ string) []string { return []string{`"9` + tag[1:]} }, 412},
		"signed revision":    {func(tag, _ string) []string { return []string{strings.Replace(tag, "-", "-+", 1)} }, 412},
		"padded revision":    {func(tag, _ string) []string { return []string{strings.Replace(tag, "-", "-0", 1)} }, 412},
		"huge revision":      {func(string, string) []string { return []string{`"1-99999999999999999999"`} }, 412},
		"unquoted":           {func(tag, _ string) []string { return []string{strings.Trim(tag, `"`)} }, 400},
		"open":               {func(tag, _ string) []string { return []string{tag[:len(tag)-1]} }, 400},
		"empty":              {func(string, string) []string { return []string{""} }, 400},
		"only a comma":       {func(string, string) []string { return []string{","} }, 400},
		"any among others":   {func(tag, _ string) []string { return []string{"*, " + tag} }, 400},
		"any twice":          {func(string, string) []string { return []string{"*", "*"} }, 400},
		"weak in lower case": {func(tag, _ string) []string { return []string{"w/" + tag} }, 400},
		"weak alone":         {func(string, string) []string { return []string{"W/"} }, 400},
		"space in the tag":   {func(string, string) []string { return []string{`"a b"`} }, 400},
		"no comma":           {func(tag, _ string) []string { return []string{tag + " " + tag} }, 400},
		"something after":    {func(tag, _ string) []string { return []string{tag + "x"} }, 400},
	} {
		for method, suffix := range map[string]string{"PUT": "", "DELETE": "", "PATCH": "/complete"} {
			path, created := s.add("x")
			stale := created.header.Get("ETag")
			tag := s.do("PUT", path, `{"title":"y"}`).want(200).header.Get("ETag")
			var headers []string
			for _, value := range c.value(tag, stale) {
				headers = append(headers, "If-Match", value)
			}
			body := map[string]string{"PUT": `{"title":"z"}`}[method]
			if got := s.do(method, path+suffix, body, headers...); got.status != c.status {
				t.Errorf("%s: %s %s with %v: %d %s, want %d", name, method, suffix, headers, got.status, got.body, c.status)
			}
			after := s.do("GET", path, "")
			if unchanged := after.header.Get("ETag") == tag; unchanged != (c.status != 200) {
				t.Errorf("%s: %s %s: the task is now %d %s", name, method, suffix, after.status, after.body)
			}
		}
	}
	s.do("PUT", tasksOfAlice+"/9999", `{}`, "If-Match", "*").want(404)
	s.do("DELETE", tasksOfAlice+"/9999", ``, "If-Match", `"a"`).want(404)
	s.do("PATCH", tasksOfAlice+"/9999/complete", ``, "If-Match", `"9999-1"`).want(404)
	path, _ := s.add("x")
	s.do("GET", path, "", "If-Match", `"a"`).want(200)
}

func TestIfNoneMatch(t *testing.T) {
	s := serving(t)
	path, created := s.add("x")
	tag := created.header.Get("ETag")
	for value, status := range map[string]int{
		tag: 304, "W/" + tag: 304, "*": 304, `"x", ` + tag: 304, `"x"`: 200, `"1-2"`: 200, `""`: 200,
		"": 400, "x": 400, "*,*": 400, tag + tag: 400,
	} {
		got := s.do("GET", path, "", "If-None-Match", value).want(status)
		if status == 304 {
			if got.has("ETag", tag).has("Content-Length", ""); got.body != "" {
				t.Errorf("304 with %q", got.body)
			}
		}
	}
	s.do("GET", tasksOfAlice+"/99", "", "If-None-Match", "*").want(404)
	s.do("GET", tasksOfAlice, "", "If-None-Match", "*").want(200)
	s.do("PUT", path, `{"title":"y"}`, "If-None-Match", "*").want(200)
	s.do("GET", path, "", "If-None-Match", tag).want(200)
}

func TestIdempotencyKeys(t *testing.T) {
	s := serving(t)
	const key, body = "Idempotency-Key", `{"title":"once"}`
	first := s.do("POST", tasksOfAlice, body, key, "k-1").want(201)
	path := first.header.Get("Location")
	again := func() {
		t.Helper()
		got := s.do("POST", tasksOfAlice, body, key, "k-1").want(201)
		if got.body != first.body {
			t.Errorf("got %s, first %s", got.body, first.body)
		}
		got.has("Location", path).has("ETag", first.header.Get("ETag"))
	}
	again()
	s.do("PUT", path, `{"title":"changed"}`).want(200)
	again()
	s.do("DELETE", path, "").want(200)
	again()
	s.do("POST", tasksOfAlice, `{"title":"other"}`, key, "k-1").want(422).at("header.Idempotency-Key")
	s.do("POST", tasksOfAlice, body+" ", key, "k-1").want(422)
	if got := s.do("POST", tasksOfAlice, body, key, "K-1").want(201); got.body == first.body {
		t.Error("keys differ in case")
	}
	bob := []string{key, "k-1", "Authorization", "Bearer " + tokenWith(jwt.MapClaims{"sub": "bob"})}
	if got := s.do("POST", "/api/bob/tasks", body, bob...).want(201); got.task().UserID != "bob" {
		t.Errorf("bob got %s", got.body)
	}

	s.do("POST", tasksOfAlice, `{"title":""}`, key, "k-2").want(422)
	s.do("POST", tasksOfAlice, `{`, key, "k-2").want(400)
	s.do("POST", tasksOfAlice, body, key, "k-2").want(201)

	for _, bad := range []string{"", " ", "a b", "a\tb", "ü", strings.Repeat("x", 256)} {
		s.do("POST", tasksOfAlice, body, key, bad).want(422).at("header.Idempotency-Key")
	}
	s.do("POST", tasksOfAlice, body, key, "a", key, "a").want(422)
	for _, good := range []string{"!", "~", `"quoted"`, strings.Repeat("x", 255), "8e03978e-40d5-43e8-bc93-6894a57f9324"} {
		s.do("POST", tasksOfAlice, body, key, good).want(201)
	}
	s.do("PUT", s.do("POST", tasksOfAlice, body).header.Get("Location"), `{}`, key, "").want(200)
}

func TestIdempotencyKeysInParallel(t *testing.T) {
	s := serving(t)
	bodies := make([]string, 16)
	var all sync.WaitGroup
	for i := range bodies {
		all.Go(func() {
			bodies[i] = s.do("POST", tasksOfAlice, `{"title":"x"}`, "Idempotency-Key", "same").want(201).body
		})
	}
	all.Wait()
	for _, body := range bodies {
		if body != bodies[0] {
			t.Errorf("got %s and %s", body, bodies[0])
		}
	}
	s.do("GET", tasksOfAlice, "").want(200).has("X-Total-Count", "1")
}
