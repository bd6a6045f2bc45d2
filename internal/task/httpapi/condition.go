package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// condition is an If-Match or If-None-Match header: any existing task, or one of some entity tags.
type condition struct {
	given, any bool
	tags       []entityTag
}

type entityTag struct {
	weak   bool
	opaque string
}

// tagOf returns the opaque part of a task's ETag, which names the task and its revision.
func tagOf(id, revision int64) string {
	return strconv.FormatInt(id, 10) + "-" + strconv.FormatInt(revision, 10)
}

// parseCondition reads a header as RFC 9110 defines it; several lines are one list.
func parseCondition(header http.Header, name string) (condition, error) {
	values := header.Values(name)
	if values == nil {
		return condition{}, nil
	}
	list := strings.Trim(strings.Join(values, ","), " \t")
	if list == "*" {
		return condition{given: true, any: true}, nil
	}
	var tags []entityTag
	for list != "" {
		tag, rest, ok := cutTag(list)
		if !ok {
			return condition{}, malformed(name + " is not a list of entity tags")
		}
		if tag != nil {
			tags = append(tags, *tag)
		}
		list = rest
	}
	if tags == nil {
		return condition{}, malformed(name + " is empty")
	}
	return condition{given: true, tags: tags}, nil
}

// cutTag removes the first element of a list and returns it. The element may be empty.
func cutTag(list string) (tag *entityTag, rest string, ok bool) {
	list = strings.TrimLeft(list, " \t")
	if opened, weak := strings.CutPrefix(list, "W/"); weak || strings.HasPrefix(list, `"`) {
		opaque, after, closed := strings.Cut(strings.TrimPrefix(opened, `"`), `"`)
		if !closed || !strings.HasPrefix(opened, `"`) || strings.ContainsFunc(opaque, notTagged) {
			return nil, "", false
		}
		tag, list = &entityTag{weak, opaque}, strings.TrimLeft(after, " \t")
	}
	if list == "" {
		return tag, "", true
	}
	rest, ok = strings.CutPrefix(list, ",")
	return tag, rest, ok
}

// notTagged reports whether a character is not allowed in the quotes of an entity tag.
func notTagged(r rune) bool { return r <= ' ' || r == 0x7f }

// match converts If-Match into the revisions of this task that the writer accepts. Weak tags match nothing.
func (c condition) match(id int64) task.Match {
	if !c.given || c.any {
		return task.Match{}
	}
	match := task.Match{Only: true}
	for _, tag := range c.tags {
		_, number, _ := strings.Cut(tag.opaque, "-")
		revision, err := strconv.ParseInt(number, 10, 64)
		if err == nil && !tag.weak && tag.opaque == tagOf(id, revision) {
			match.Revisions = append(match.Revisions, revision)
		}
	}
	return match
}

// covers reports whether If-None-Match names the state that the task is in.
func (c condition) covers(t task.Task) bool { return c.names(tagOf(t.ID, t.Revision)) }

// names reports whether If-None-Match names an entity tag; weak tags count.
func (c condition) names(opaque string) bool {
	return c.any || slices.ContainsFunc(c.tags, func(tag entityTag) bool { return tag.opaque == opaque })
}
