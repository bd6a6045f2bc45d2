package plugin

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// shownFields are the fields of log lines that the operator and the task API fill with nothing that a user sends. All other fields
// are replaced by their length and digest.
var shownFields = []string{
	"TodoApp", "action", "after", "attempt", "caller", "controller", "controllerGroup", "controllerKind", "decision", "duration",
	"error", "failed_calls",
	"key_version", "kind", "level", "logger", "method", "msg", "name", "namespace", "operation", "phase", "pod",
	"reason", "reconcileID", "request_id", "route", "stacktrace", "state", "status", "store", "time", "ts", "version", "versions",
}

// trace matches the lines of a Go program that ends by a panic.
var trace = regexp.MustCompile(`^(goroutine \d+ \[|panic: |fatal error: |\t\S+\.go:\d+|created by )`)

// log redacts a log of the operator or the task API: fields that users fill, and lines that are not theirs.
func (r *redactor) log(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(r.scrub(r.logLine(strings.TrimRight(line, "\n"))) + "\n")
	}
	return b.String()
}

func (r *redactor) logLine(line string) string {
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		if trace.MatchString(line) {
			return line
		}
		return "a line without fields " + r.placeholder(line)
	}
	for name, value := range fields {
		if !slices.Contains(shownFields, name) {
			fields[name] = r.placeholder(fmt.Sprint(value))
		}
	}
	r.scrubAll(fields) // before quotes are escaped
	return ordered(fields)
}

// ordered returns the fields in JSON, time, level and message first.
func ordered(fields map[string]any) string {
	first := []string{"time", "ts", "level", "msg"}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(fields)), func(name string) bool { return slices.Contains(first, name) })
	var parts []string
	for _, name := range append(first, names...) {
		if value, ok := fields[name]; ok {
			key, _ := json.Marshal(name)
			text, _ := json.Marshal(value)
			parts = append(parts, string(key)+":"+string(text))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}
