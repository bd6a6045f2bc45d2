package httpapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// described judges answers by the embedded document. It is slow to make, so all tests share it.
var described = sync.OnceValue(func() validator.Validator {
	document, err := libopenapi.NewDocument(openAPIDocument)
	if err != nil {
		panic(err)
	}
	judge, errs := validator.NewValidator(document)
	if errs != nil {
		panic(errs)
	}
	return judge
})

var judging sync.Mutex

// conform holds an answer of the API port to the document, whichever test asked for it. Paths that are nothing and
// methods that are not allowed are not described.
func conform(t *testing.T, method, target string, status int, header http.Header, body string) {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return
	}
	segments, clean := split(u)
	found := public.find(segments)
	if !clean || found == nil || found.operations[method] == nil || method == http.MethodHead {
		return
	}
	// The validator finds a path by its text.
	u = &url.URL{Path: strings.NewReplacer("{user_id}", "alice", "{id}", "1").Replace(found.pattern)}
	request := &http.Request{Method: method, URL: u, Header: http.Header{}}
	response := &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: request}
	judging.Lock()
	defer judging.Unlock()
	if ok, errs := described().ValidateHttpResponse(request, response); !ok {
		for _, e := range errs {
			t.Errorf("%s %s: %d is not as openapi.json says: %s: %s\n%s", method, target, status, e.Message, e.Reason, body)
		}
	}
}

func TestTheDocumentIsOpenAPI31(t *testing.T) {
	if ok, errs := described().ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%s: %s", e.Message, e.Reason)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("  %s at %s", s.Reason, s.FieldPath)
			}
		}
	}
}

// TestTheDocumentDescribesEveryRoute compares it with the routes, both ways.
func TestTheDocumentDescribesEveryRoute(t *testing.T) {
	s := serving(t)
	var document struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	s.do("GET", "/openapi.json", "").want(200).decode(&document)
	if document.OpenAPI != "3.1.0" {
		t.Errorf("openapi is %q", document.OpenAPI)
	}
	routes := []*resource{collection, item, completion, files}
	for _, page := range publicPages {
		routes = append(routes, page)
	}
	for _, route := range routes {
		path := document.Paths[route.pattern]
		for method := range route.operations {
			if path[strings.ToLower(method)] == nil && method != http.MethodHead {
				t.Errorf("%s %s is not described", method, route.pattern)
			}
		}
		for method := range path {
			if method != "parameters" && route.operations[strings.ToUpper(method)] == nil {
				t.Errorf("%s %s is described and not there", method, route.pattern)
			}
		}
	}
	for path := range document.Paths {
		if !slices.ContainsFunc(routes, func(r *resource) bool { return r.pattern == path }) {
			t.Errorf("%s is described and not there", path)
		}
	}
}

// TestTheDocumentHasTheBoundsThatHold compares them with what the code refuses by.
func TestTheDocumentHasTheBoundsThatHold(t *testing.T) {
	type bounds struct{ MinLength, MaxLength, Minimum, Maximum, Default int }
	var document struct {
		Components struct {
			Schemas struct {
				Title, Description bounds
				Task               struct {
					Properties struct{ Title, Description bounds }
				}
			}
			Parameters struct{ Limit, Offset struct{ Schema bounds } }
		}
	}
	if err := json.Unmarshal(openAPIDocument, &document); err != nil {
		t.Fatal(err)
	}
	schemas, parameters := document.Components.Schemas, document.Components.Parameters
	title, description := bounds{MinLength: 1, MaxLength: maxTitle}, bounds{MaxLength: maxDescription}
	for name, c := range map[string]struct{ got, want bounds }{
		"title sent": {schemas.Title, title}, "title shown": {schemas.Task.Properties.Title, title},
		"description sent": {schemas.Description, description}, "description shown": {schemas.Task.Properties.Description, description},
		"limit":  {parameters.Limit.Schema, bounds{Minimum: 1, Maximum: maxLimit, Default: defaultLimit}},
		"offset": {parameters.Offset.Schema, bounds{}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", name, c.got, c.want)
		}
	}
}

// TestTheDocumentIsNoRubberStamp gives the judge answers that it must refuse.
func TestTheDocumentIsNoRubberStamp(t *testing.T) {
	row := func(id, more string) string {
		return `[{"id":` + id + `,"user_id":"a","title":"x","description":null,"completed":true,` +
			`"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"` + more + `}]`
	}
	for name, c := range map[string]struct {
		status int
		kind   string
		body   string
	}{
		"unknown status": {418, "application/problem+json", `{"title":"x","status":418,"detail":"x"}`},
		"no detail":      {404, "application/problem+json", `{"title":"x","status":404}`},
		"wrong type":     {404, "application/json", `{"title":"x","status":404,"detail":"x"}`},
		"unknown field":  {200, "application/json", row("1", `,"x":1`)},
		"id of a string": {200, "application/json", row(`"1"`, "")},
	} {
		request := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: tasksOfAlice}}
		header := http.Header{"Content-Type": {c.kind}, "X-Total-Count": {"1"}}
		response := &http.Response{StatusCode: c.status, Header: header, Body: io.NopCloser(strings.NewReader(c.body))}
		if ok, _ := described().ValidateHttpResponse(request, response); ok {
			t.Errorf("%s was accepted", name)
		}
	}
}
