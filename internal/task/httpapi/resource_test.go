package httpapi

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTheLifeOfATask(t *testing.T) {
	s := serving(t)
	if got := s.do("GET", tasksOfAlice, "").want(200); got.body != "[]" {
		t.Errorf("an empty list is %s", got.body)
	}
	path, created := s.add("  buy milk\n")
	first := created.task()
	if path != "/api/alice/tasks/1" || first.ID != 1 || first.UserID != "alice" || first.Title != "buy milk" ||
		first.Description != nil || first.Completed || first.CreatedAt != first.UpdatedAt {
		t.Errorf("created %s at %s", created.body, path)
	}
	if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`).MatchString(first.CreatedAt) {
		t.Errorf("created_at is %q", first.CreatedAt)
	}
	if read := s.do("GET", path, "").want(200); read.body != created.body {
		t.Errorf("read %s, created %s", read.body, created.body)
	}
	changed := s.do("PUT", path, `{"description":"two bottles","completed":true}`).want(200).task()
	if changed.Title != "buy milk" || *changed.Description != "two bottles" || !changed.Completed ||
		changed.CreatedAt != first.CreatedAt || changed.UpdatedAt <= first.UpdatedAt {
		t.Errorf("changed to %+v", changed)
	}
	if got := s.do("PATCH", path, `{"description":null}`).want(200).task(); got.Description != nil || !got.Completed {
		t.Errorf("changed to %+v", got)
	}
	if got := s.do("PATCH", path+"/complete", "").want(200).task(); got.Completed {
		t.Errorf("toggled to %+v", got)
	}
	before := s.do("GET", path, "").want(200)
	if got := s.do("DELETE", path, "").want(200); got.body != before.body {
		t.Errorf("deleted %s, it was %s", got.body, before.body)
	}
	s.do("GET", path, "").want(404)
	s.do("DELETE", path, "").want(404)
	if next, _ := s.add("again"); next != "/api/alice/tasks/2" {
		t.Errorf("an id was used again: %s", next)
	}
}

func TestWhatClientsReadTheyMaySendBack(t *testing.T) {
	s := serving(t)
	path, created := s.add("read and send back")
	got := s.do("PUT", path, created.body).want(200).task()
	if want := created.task(); got.Title != want.Title || got.ID != want.ID || got.UserID != "alice" {
		t.Errorf("got %+v, want %+v", got, want)
	}
	forged := `{"title":"x","id":99,"user_id":"bob","created_at":"1970-01-01T00:00:00Z","updated_at":{"any":[1]}}`
	if got := s.do("POST", tasksOfAlice, forged).want(201).task(); got.ID != 2 || got.UserID != "alice" || got.CreatedAt < "2000" {
		t.Errorf("the server's fields were taken from the body: %+v", got)
	}
	if got := s.do("PUT", path, `{}`).want(200); got.task().Title != "read and send back" {
		t.Errorf("PUT {} changed %s", got.body)
	}
}

func TestBodies(t *testing.T) {
	s := serving(t)
	path, _ := s.add("target")
	long := func(n int) string { return strings.Repeat("é", n) }
	for _, c := range []struct {
		body     string
		status   int
		location string
	}{
		{`{"title":"x"}`, 201, ""},
		{"\n\t {\"title\" : \"x\"}\r\n ", 201, ""},
		{`{"title":"` + long(200) + `"}`, 201, ""},
		{`{"title":" ` + long(200) + `\t"}`, 201, ""},
		{`{"title":"😀` + strings.Repeat("😀", 199) + `"}`, 201, ""},
		{`{"title":"\ud83d\ude00"}`, 201, ""},
		{`{"title":"\ufffd <&> \u2028 \"\\"}`, 201, ""},
		{`{"title":"x","description":"` + long(2000) + `"}`, 201, ""},
		{`{"title":"x","description":""}`, 201, ""},
		{`{"title":"x","description":null,"completed":true}`, 201, ""},
		{`{"\u0074itle":"escaped name"}`, 201, ""},

		{``, 400, ""}, {` `, 400, ""}, {`{`, 400, ""}, {`{"title":"x"`, 400, ""}, {`{"title":"x",}`, 400, ""}, {`{title:"x"}`, 400, ""},
		{`{'title':'x'}`, 400, ""}, {`{"title":"x"} {}`, 400, ""}, {`{"title":"x"}x`, 400, ""}, {`{"title":"x"}` + "\x00", 400, ""},
		{"\ufeff" + `{"title":"x"}`, 400, ""}, {`nul`, 400, ""}, {`NaN`, 400, ""}, {`{"title":"a` + "\n" + `b"}`, 400, ""},
		{`{"title":"\x"}`, 400, ""}, {`{"title":"\u12"}`, 400, ""}, {`{"completed":01,"title":"x"}`, 400, ""}, {`[1,2`, 400, ""},
		{"{\"title\":\"\xff\"}", 400, ""}, {"{\"title\":\"\xc0\xaf\"}", 400, ""}, {"{\"title\":\"\xed\xa0\x80\"}", 400, ""},
		{`{"title":"a","title":"b"`, 400, ""}, {`{"wrong":1,`, 400, ""}, {`{"title":"x"}//`, 400, ""},
		{strings.Repeat("[", 20000), 400, ""}, {`{"id":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, 400, ""},

		{`null`, 422, "body"}, {`[]`, 422, "body"}, {`"title"`, 422, "body"}, {`1`, 422, "body"}, {`true`, 422, "body"},
		{`[{"title":"x"}]`, 422, "body"}, {`{}`, 422, "body.title"}, {`{"completed":true}`, 422, "body.title"},
		{`{"title":null}`, 422, "body.title"}, {`{"title":1}`, 422, "body.title"}, {`{"title":["x"]}`, 422, "body.title"},
		{`{"title":""}`, 422, "body.title"}, {`{"title":" \t\n\u00a0\u2003"}`, 422, "body.title"},
		{`{"title":"` + long(201) + `"}`, 422, "body.title"}, {`{"title":"a\u0000b"}`, 422, "body.title"},
		{`{"title":"\ud800"}`, 422, "body.title"}, {`{"title":"\ude00\ud83d"}`, 422, "body.title"}, {`{"title":"\ud83dx"}`, 422,
			"body.title"},
		{`{"title":"x","description":"\udfff"}`, 422, "body.description"}, {`{"title":"x","description":"\u0000"}`, 422,
			"body.description"},
		{`{"title":"x","description":"` + long(2001) + `"}`, 422, "body.description"}, {`{"title":"x","description":7}`, 422,
			"body.description"},
		{`{"title":"x","completed":null}`, 422, "body.completed"}, {`{"title":"x","completed":"true"}`, 422, "body.completed"},
		{`{"title":"x","completed":1}`, 422, "body.completed"}, {`{"title":"x","completed":[]}`, 422, "body.completed"},
		{`{"Title":"x"}`, 422, "body.Title"}, {`{"title":"x","TITLE":"y"}`, 422, "body.TITLE"}, {`{"title":"x","done":true}`, 422,
			"body.done"},
		{`{"title":"x","":1}`, 422, "body"}, {`{"title":"x","userId":"bob"}`, 422, "body.userId"}, {`{"title":"x","owner":"bob"}`,
			422, "body.owner"},
		{`{"title":"x","title":"x"}`, 422, "body.title"}, {`{"title":"x","t\u0069tle":"y"}`, 422, "body.title"},
		{`{"title":"x","id":1,"id":2}`, 422, "body.id"}, {`{"title":"x","user_id":{"a":1,"a":2}}`, 422, "body.user_id.a"},
		{`{"title":"x","\ud800":1}`, 422, ""}, {`{"title":"x","id":"\ud800"}`, 422, "body.id"},
	} {
		got := s.do("POST", tasksOfAlice, c.body, "Content-Type", "application/json").want(c.status)
		if c.location != "" {
			got.at(c.location)
		}
		if c.status == 400 || c.location != "" && c.location != "body.title" {
			for _, method := range []string{"PUT", "PATCH"} {
				s.do(method, path, c.body, "Content-Type", "application/json").want(c.status)
			}
		}
	}
	if got := s.do("GET", path, "").want(200).task(); got.Title != "target" {
		t.Errorf("a refused change changed %+v", got)
	}
}

// TestAMissingTitleIsSaidBesideOtherMistakes also where reading stops before the end or mistakes abound.
func TestAMissingTitleIsSaidBesideOtherMistakes(t *testing.T) {
	s := serving(t)
	var abundant strings.Builder
	for i := range maxFieldErrors + 1 {
		fmt.Fprintf(&abundant, `"x%d":1,`, i)
	}
	for _, c := range []struct {
		others, end string
		missing     bool
	}{
		{`{"completed":null`, "", true},
		{`{"completed":true,"completed":true`, "", true},
		{`{"\ud800":1`, "", true},
		{`{"id":{"title":"inside"},"done":1`, "", true},
		{`{` + abundant.String() + `"done":1`, "", true},
		{`{"completed":true,"completed":true`, `,"title":"x"`, false},
		{`{"\ud800":1`, `,"t\u0069tle":"x"`, false},
		{`{"completed":null`, `,"title":"x"`, false},
	} {
		got := s.do("POST", tasksOfAlice, c.others+c.end+"}").want(422)
		var p struct{ Errors []fieldError }
		got.decode(&p)
		said := slices.Contains(p.Errors, fieldError{"body.title", "is required"})
		if said != c.missing || len(p.Errors) < 2 == c.missing || len(p.Errors) > maxFieldErrors {
			t.Errorf("%s: %s", got.what, got.body)
		}
	}
}

func TestNothingIsReplaced(t *testing.T) {
	s := serving(t)
	for _, title := range []string{"\ufffd", "a\u0001b", "\u202e\u200d", "e\u0301", "<script>&amp;", `\"`, "line\nline",
		"a\u2028b", "ſK"} {
		path, _ := s.add(title)
		if got := s.do("GET", path, "").want(200).task().Title; got != title {
			t.Errorf("%q became %q", title, got)
		}
	}
	description := " kept as it is \n"
	got := s.do("POST", tasksOfAlice, fmt.Sprintf(`{"title":"x","description":%q}`, description)).want(201).task()
	if *got.Description != description {
		t.Errorf("%q became %q", description, *got.Description)
	}
}

func TestSeveralMistakesAreToldAtOnce(t *testing.T) {
	s := serving(t)
	got := s.do("POST", tasksOfAlice, `{"title":"","completed":1,"x":1,"description":1}`).want(422)
	for _, location := range []string{"body.title", "body.completed", "body.x", "body.description"} {
		if !strings.Contains(got.body, `"`+location+`"`) {
			t.Errorf("%s is missing in %s", location, got.body)
		}
	}
	many := `{"title":"x"`
	for i := range 3000 {
		many += fmt.Sprintf(`,"f%d":1`, i)
	}
	if got := s.do("POST", tasksOfAlice, many+"}").want(422); len(got.body) > 4000 {
		t.Errorf("the answer to many mistakes has %d bytes", len(got.body))
	}
}

func TestContentTypesAndSizes(t *testing.T) {
	s := serving(t)
	const body = `{"title":"x"}`
	for value, status := range map[string]int{
		"application/json": 201, "Application/JSON": 201, "application/json; charset=utf-8": 201, "application/json;charset=UTF-8": 201,
		`application/json; charset="utf-8"`: 201, "application/json ; x=y": 201,
		"-": 415, "": 415, "text/plain": 415, "text/json": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data": 415,
		"application/json5": 415, "application/jsonx": 415, "application/problem+json": 415, "json": 415, "*/*": 415,
		"application/json, text/plain": 415, "application/json; charset=latin1": 415, "application/json; charset": 415,
	} {
		s.do("POST", tasksOfAlice, body, "Content-Type", value).want(status)
	}
	s.do("POST", tasksOfAlice, body, "Content-Type", "application/json", "Content-Type", "text/plain").want(415)
	s.do("POST", tasksOfAlice, body, "Content-Encoding", "gzip").want(415)
	s.do("POST", tasksOfAlice, "").want(400)
	s.do("POST", tasksOfAlice, "", "Content-Type", "text/plain").want(415)

	sized := func(n int) string { return `{"title":"x"` + strings.Repeat(" ", n-13) + "}" }
	s.do("POST", tasksOfAlice, sized(64<<10)).want(201)
	s.do("POST", tasksOfAlice, sized(64<<10+1)).want(413)
	s.do("POST", tasksOfAlice, sized(1<<20)).want(413)
	s.do("POST", tasksOfAlice, sized(64<<10+1), "Content-Type", "text/plain").want(415)
	path, _ := s.add("x")
	for _, method := range []string{"PUT", "PATCH"} {
		s.do(method, path, `{}`, "Content-Type", "text/plain").want(415)
		s.do(method, path, sized(64<<10+1)).want(413)
		s.do(method, path, ``).want(400)
	}
	for _, ignored := range []string{"nonsense", `{"completed":false}`, strings.Repeat("x", 70<<10)} {
		s.do("PATCH", path+"/complete", ignored, "Content-Type", "text/plain").want(200)
	}
}
