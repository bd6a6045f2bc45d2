package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// request is a request in the audit log.
type request struct {
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	Verb      string `json:"verb"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// kind returns the verb and the resource, such as "patch todoapps/status".
func (r request) kind() string {
	kind := r.Verb + " " + r.ObjectRef.Resource
	if r.ObjectRef.Subresource != "" {
		kind += "/" + r.ObjectRef.Subresource
	}
	return kind
}

// writes reports whether the request changes something.
func (r request) writes() bool { return r.Verb != "get" && r.Verb != "list" && r.Verb != "watch" }

// audit reads the audit log of an API server.
type audit struct{ path string }

// mark returns the present end of the log.
func (a audit) mark() int64 {
	info, err := os.Stat(a.path)
	if err != nil {
		return 0 // no request was recorded yet
	}
	return info.Size()
}

// since returns the requests of a user after a mark. Watches are left out, because they are recorded when they end.
func (a audit) since(mark int64, user string) ([]request, error) {
	file, err := os.Open(a.path)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(mark, io.SeekStart); err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return parseAudit(file, user)
}

// parseAudit returns the requests of a user. An incomplete last line is left out: the API server is still writing it.
func parseAudit(log io.Reader, user string) ([]request, error) {
	reader := bufio.NewReaderSize(log, 1<<20)
	var all []request
	for {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		var r request
		if err := json.Unmarshal(bytes.TrimSpace(line), &r); err != nil {
			return nil, fmt.Errorf("reading a line of the audit log: %w", err)
		}
		if r.User.Username == user && r.Verb != "watch" && r.ObjectRef.Resource != "" {
			all = append(all, r)
		}
	}
}

// counts returns the requests by kind, the most frequent first, such as "1.0 create secrets", divided by a number of apps.
func counts(requests []request, apps int) string {
	byKind := map[string]int{}
	for _, r := range requests {
		byKind[r.kind()]++
	}
	kinds := make([]string, 0, len(byKind))
	for kind := range byKind {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Or(byKind[b]-byKind[a], strings.Compare(a, b)) })
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%.2f %s", float64(byKind[kind])/float64(apps), kind)
	}
	return strings.Join(kinds, ", ")
}

// written returns the number of requests that change something.
func written(requests []request) int {
	n := 0
	for _, r := range requests {
		if r.writes() {
			n++
		}
	}
	return n
}
