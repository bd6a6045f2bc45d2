package httpapi

import (
	"net/http"
	"net/url"
	"strings"
)

// resource is the resource at a path, with its operations.
type resource struct {
	pattern    string
	allow      string
	operations map[string]operation
}

type operation func(*API, *call) error

// site is the set of resources of one port: public pages, and on the API port the files of the page /docs and the tasks
// of authenticated users.
type site struct {
	tasks bool
	files *resource
	pages map[string]*resource
}

var (
	public     = site{tasks: true, files: files, pages: publicPages}
	operations = site{pages: operationsPages}
)

var (
	collection = &resource{"/api/{user_id}/tasks", "GET, HEAD, POST", map[string]operation{
		http.MethodGet: (*API).list, http.MethodHead: (*API).list, http.MethodPost: (*API).create,
	}}
	item = &resource{"/api/{user_id}/tasks/{id}", "DELETE, GET, HEAD, PATCH, PUT", map[string]operation{
		http.MethodGet: (*API).get, http.MethodHead: (*API).get, http.MethodPut: (*API).update,
		http.MethodPatch: (*API).update, http.MethodDelete: (*API).remove,
	}}
	completion = &resource{"/api/{user_id}/tasks/{id}/complete", "PATCH", map[string]operation{
		http.MethodPatch: (*API).toggle,
	}}
	files       = page("/docs/{file}", (*API).docsFile)
	publicPages = map[string]*resource{
		"healthz":      page("/healthz", (*API).healthz),
		"readyz":       page("/readyz", (*API).readyz),
		"openapi.json": page("/openapi.json", (*API).openAPI),
		"docs":         page("/docs", (*API).docs),
	}
	operationsPages = map[string]*resource{
		"healthz": publicPages["healthz"],
		"readyz":  publicPages["readyz"],
		"metrics": page("/metrics", (*API).metrics),
		"keyring": page("/keyring", (*API).keyring),
	}
)

func page(pattern string, read operation) *resource {
	return &resource{pattern, "GET, HEAD", map[string]operation{http.MethodGet: read, http.MethodHead: read}}
}

func (s site) find(segments []string) *resource {
	switch {
	case len(segments) == 1:
		return s.pages[segments[0]]
	case len(segments) == 2 && segments[0] == "docs" && docsFiles[segments[1]].content != nil:
		return s.files
	case !s.tasks || len(segments) < 3 || segments[0] != "api" || segments[2] != "tasks":
		return nil
	case len(segments) == 3:
		return collection
	case len(segments) == 4:
		return item
	case len(segments) == 5 && segments[4] == "complete":
		return completion
	}
	return nil
}

// split cuts a path at its slashes and decodes each part by itself, so that %2F never separates and a path is never
// rewritten: http.ServeMux would redirect to a cleaned path. It is clean if no part is empty or a raw dot segment.
func split(u *url.URL) (segments []string, clean bool) {
	// net/url keeps the raw path only if decoding it loses something.
	path, escaped := u.Path, u.RawPath != ""
	if escaped {
		path = u.RawPath
	}
	const longest = 5
	segments, clean = strings.SplitN(strings.TrimPrefix(path, "/"), "/", longest+1), true
	for i, segment := range segments {
		if segment == "" || segment == "." || segment == ".." {
			clean = false
		}
		if escaped {
			segments[i], _ = url.PathUnescape(segment) // net/http has refused broken escapes
		}
	}
	return segments, clean
}

// pathOf returns the path-only reference of an owner's tasks, followed by more.
func pathOf(owner, more string) string {
	segment := url.PathEscape(owner)
	if owner == "." || owner == ".." {
		segment = strings.ReplaceAll(owner, ".", "%2E")
	}
	return "/api/" + segment + "/tasks" + more
}
