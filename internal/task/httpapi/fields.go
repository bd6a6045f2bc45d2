package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// These limits are in Unicode code points.
const (
	maxTitle       = 200
	maxDescription = 2000
)

// maxFieldErrors keeps the answer to a body full of mistakes short.
const maxFieldErrors = 20

// fields collects the fields of a body whose syntax has been checked, and the errors in them.
type fields struct {
	change task.Change
	wrong  []fieldError
}

// parseDraft reads the body of a new task, which needs a title.
func parseDraft(body []byte) (task.Draft, error) {
	f := &fields{}
	f.read(body)
	if f.change.Title == nil && lacks(body, "title") {
		f.wrong = f.wrong[:min(len(f.wrong), maxFieldErrors-1)] // however many other mistakes there are
		f.refuse("title", "is required")
	}
	if len(f.wrong) > 0 {
		return task.Draft{}, invalid(f.wrong...)
	}
	draft := task.Draft{Title: *f.change.Title, Description: f.change.Description.Value}
	if f.change.Completed != nil {
		draft.Completed = *f.change.Completed
	}
	return draft, nil
}

// lacks reports whether a body is an object without the field. It is separate from read, which may stop before the end.
func lacks(body []byte, field string) bool {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '{' {
		return false
	}
	for decoder.PeekKind() == '"' {
		token, err := decoder.ReadToken()
		if err != nil || token.String() == field || decoder.SkipValue() != nil {
			return false
		}
	}
	return true
}

// parseChange reads the body of a change: every field may be absent.
func parseChange(body []byte) (task.Change, error) {
	f := &fields{}
	f.read(body)
	if len(f.wrong) > 0 {
		return task.Change{}, invalid(f.wrong...)
	}
	return f.change, nil
}

func (f *fields) refuse(name, message string) {
	location := "body"
	if name != "" {
		location += "." + name
	}
	if len(f.wrong) < maxFieldErrors {
		f.wrong = append(f.wrong, fieldError{location, message})
	}
}

// read walks the members. The decoder is strict, and since the syntax is good it stops only at a name that appears
// twice or at a lone surrogate.
func (f *fields) read(body []byte) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body))
	if decoder.PeekKind() != '{' {
		f.refuse("", "must be an object")
		return
	}
	err := f.members(decoder)
	var stop *jsontext.SyntacticError
	if !errors.As(err, &stop) {
		return
	}
	name := fromPointer.Replace(strings.TrimPrefix(string(stop.JSONPointer), "/"))
	if errors.Is(err, jsontext.ErrDuplicateName) {
		f.refuse(name, "appears twice")
	} else {
		f.refuse(name, "holds half of a surrogate pair")
	}
}

// fromPointer converts a JSON pointer into a location.
var fromPointer = strings.NewReplacer("/", ".", "~1", "/", "~0", "~")

func (f *fields) members(decoder *jsontext.Decoder) error {
	if _, err := decoder.ReadToken(); err != nil {
		return fmt.Errorf("reading a member: %w", err)
	}
	for decoder.PeekKind() != '}' {
		token, err := decoder.ReadToken()
		if err != nil {
			return fmt.Errorf("reading a member: %w", err)
		}
		name := token.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return fmt.Errorf("reading a member: %w", err)
		}
		f.set(name, value)
	}
	return nil
}

// set reads one member. It ignores the four fields that only the server sets, because clients send back the tasks that they
// have read.
func (f *fields) set(name string, value jsontext.Value) {
	switch name {
	case "title":
		f.setTitle(value)
	case "description":
		f.setDescription(value)
	case "completed":
		switch value.Kind() {
		case 't', 'f':
			completed := value.Kind() == 't'
			f.change.Completed = &completed
		default:
			f.refuse(name, "must be true or false")
		}
	case "id", "user_id", "created_at", "updated_at":
		if holdsNull(value) { // also in an ignored field: it is part of the body
			f.refuse(name, "must not hold U+0000")
		}
	default:
		f.refuse(name, "is not a field of a task")
	}
}

// holdsNull reports whether any text of the value holds U+0000.
func holdsNull(value jsontext.Value) bool {
	if !bytes.Contains(value, []byte(`\u0000`)) {
		return false
	}
	for decoder := jsontext.NewDecoder(bytes.NewReader(value)); ; {
		token, err := decoder.ReadToken()
		if err != nil { // its end: the syntax is good
			return false
		}
		if token.Kind() == '"' && strings.Contains(token.String(), "\x00") {
			return true
		}
	}
}

func (f *fields) setTitle(value jsontext.Value) {
	title, ok := f.text("title", value)
	if !ok {
		return
	}
	title = strings.TrimSpace(title)
	if n := utf8.RuneCountInString(title); n < 1 || n > maxTitle {
		f.refuse("title", fmt.Sprintf("must have 1 to %d characters", maxTitle))
		return
	}
	f.change.Title = &title
}

func (f *fields) setDescription(value jsontext.Value) {
	if value.Kind() == 'n' {
		f.change.Description = task.Nullable{Set: true}
		return
	}
	description, ok := f.text("description", value)
	if !ok {
		return
	}
	if utf8.RuneCountInString(description) > maxDescription {
		f.refuse("description", fmt.Sprintf("must have at most %d characters", maxDescription))
		return
	}
	f.change.Description = task.Nullable{Set: true, Value: &description}
}

// text reads a string unchanged. It refuses U+0000, which PostgreSQL cannot store.
func (f *fields) text(name string, value jsontext.Value) (string, bool) {
	if value.Kind() != '"' {
		f.refuse(name, "must be a string")
		return "", false
	}
	unquoted, err := jsontext.AppendUnquote(nil, value)
	if err != nil || bytes.IndexByte(unquoted, 0) >= 0 {
		f.refuse(name, "must not hold U+0000")
		return "", false
	}
	return string(unquoted), true
}
