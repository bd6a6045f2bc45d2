package storetest

import (
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// writingCases are about one task at a time.
var writingCases = map[string]func(*testing.T, *subject){
	"a created task is as the draft said":         createdAsDrafted,
	"text comes back as it went in":               textIsKept,
	"owners are told apart byte for byte":         ownersDiffer,
	"another owner's task is not found":           othersAreHidden,
	"ids are small and grow":                      idsGrow,
	"a change sets its fields and no other":       changeSetsItsFields,
	"an empty change changes nothing":             emptyChange,
	"toggling inverts, and counts as a change":    toggling,
	"a deleted task is returned once, then gone":  deleting,
	"what is not there is not found":              notFound,
	"a change is seen by every reader afterwards": changeIsSeen,
}

func createdAsDrafted(t *testing.T, s *subject) {
	for _, draft := range []task.Draft{
		{Title: "plain"},
		{Title: "described", Description: pointer("at length")},
		{Title: "described as nothing", Description: pointer("")},
		{Title: "done", Completed: true},
	} {
		got := s.addDraft("ann", draft)
		sound(t, got)
		same(t, "created", got, task.Task{
			ID: got.ID, Owner: "ann", Title: draft.Title, Description: draft.Description, Completed: draft.Completed,
			Revision: 1, CreatedAt: got.CreatedAt, UpdatedAt: got.CreatedAt,
		})
		same(t, "got", s.get("ann", got.ID), got)
	}
}

func textIsKept(t *testing.T, s *subject) {
	for _, text := range []string{
		"Grüße", "買い物", "👩‍👩‍👧‍👦 🏳️‍🌈", "עברית العربية", "e\u0301 is not é", "tab\tnewline\nreturn\r", "\u0001\u001f\u007f",
		"'; DROP TABLE todoapp_tasks; --", `"\%_$1?:x@y`, "\ufeff\ufffd\U0010ffff", " inner  space ", "NULL", "0x00", "123",
		strings.Repeat("𝄞", 200),
	} {
		long := strings.Repeat(text, 2000)[:len(text)*min(2000, 2000/max(1, len([]rune(text))))]
		created := s.addDraft("ann", task.Draft{Title: text, Description: &long})
		got := s.get("ann", created.ID)
		same(t, "title", got.Title, text)
		same(t, "description", *got.Description, long)
		changed := must(t)(s.Update(t.Context(), "ann", created.ID, task.Change{Title: pointer(text + "!")}, task.Match{}))
		same(t, "changed title", changed.Title, text+"!")
	}
}

func ownersDiffer(t *testing.T, s *subject) {
	owners := []string{
		"ann", "Ann", "ANN", "ann ", " ann", "änn", "a\u0308nn", "ａｎｎ", "ann\t", "ann\u200b", "0", "00", "1e0", "NULL", "%", "_",
		"sha256:ann", "ann\x00", "ann\x00x", "\xff", "\xfe", "ß", "ss", "ı", "I", "i", "İ",
		strings.Repeat("o", 512), strings.Repeat("o", 513), strings.Repeat("o", 6000), strings.Repeat("o", 5999) + "p",
	}
	made := map[string]task.Task{}
	for _, owner := range owners {
		made[owner] = s.add(owner, "mine")
	}
	for _, owner := range owners {
		page := s.list(owner, task.Filter{Limit: 100})
		same(t, "list of "+owner, page, task.Page{Tasks: []task.Task{made[owner]}, Total: 1})
		same(t, "task of "+owner, s.get(owner, made[owner].ID), made[owner])
	}
	if len(made) != len(owners) {
		t.Error("the table names an owner twice")
	}
}

func othersAreHidden(t *testing.T, s *subject) {
	mine := s.add("ann", "mine")
	ctx := t.Context()
	for _, match := range []task.Match{{}, {Only: true, Revisions: []int64{1}}, {Only: true}} {
		refused(t, task.ErrNotFound)(s.Get(ctx, "bob", mine.ID))
		refused(t, task.ErrNotFound)(s.Update(ctx, "bob", mine.ID, task.Change{Title: pointer("his")}, match))
		refused(t, task.ErrNotFound)(s.Update(ctx, "bob", mine.ID, task.Change{}, match))
		refused(t, task.ErrNotFound)(s.Toggle(ctx, "bob", mine.ID, match))
		refused(t, task.ErrNotFound)(s.Delete(ctx, "bob", mine.ID, match))
	}
	same(t, "bob's list", s.list("bob", task.Filter{Limit: 10}), task.Page{Tasks: []task.Task{}})
	same(t, "ann's task", s.get("ann", mine.ID), mine)
}

func idsGrow(t *testing.T, s *subject) {
	last := int64(0)
	for i := range 20 {
		got := s.add([]string{"ann", "bob"}[i%2], "next")
		if got.ID <= last || got.ID > 1000 {
			t.Errorf("ID %d follows %d, want it to grow in small steps from 1", got.ID, last)
		}
		last = got.ID
		if i%3 == 0 {
			must(t)(s.Delete(t.Context(), got.Owner, got.ID, task.Match{}))
		}
	}
}

func changeSetsItsFields(t *testing.T, s *subject) {
	before := s.addDraft("ann", task.Draft{Title: "title", Description: pointer("words")})
	for _, test := range []struct {
		change task.Change
		apply  func(*task.Task)
	}{
		{task.Change{Title: pointer("new")}, func(want *task.Task) { want.Title = "new" }},
		{task.Change{Completed: pointer(true)}, func(want *task.Task) { want.Completed = true }},
		{task.Change{Completed: pointer(true)}, func(*task.Task) {}},
		{task.Change{Completed: pointer(false)}, func(want *task.Task) { want.Completed = false }},
		{task.Change{Description: task.Nullable{Set: true, Value: pointer("more")}},
			func(want *task.Task) { want.Description = pointer("more") }},
		{task.Change{Description: task.Nullable{Set: true, Value: pointer("")}},
			func(want *task.Task) { want.Description = pointer("") }},
		{task.Change{Description: task.Nullable{Set: true}}, func(want *task.Task) { want.Description = nil }},
		{task.Change{Title: pointer("all"), Description: task.Nullable{Set: true, Value: pointer("three")}, Completed: pointer(true)},
			func(want *task.Task) { want.Title, want.Description, want.Completed = "all", pointer("three"), true }},
	} {
		got := must(t)(s.Update(t.Context(), "ann", before.ID, test.change, task.Match{}))
		sound(t, got)
		if got.UpdatedAt.Before(before.UpdatedAt) {
			t.Errorf("UpdatedAt went back from %v to %v", before.UpdatedAt, got.UpdatedAt)
		}
		want := before
		want.Revision++
		want.UpdatedAt = got.UpdatedAt
		test.apply(&want)
		same(t, "changed", got, want)
		same(t, "stored", s.get("ann", got.ID), got)
		before = got
	}
}

func emptyChange(t *testing.T, s *subject) {
	before := s.add("ann", "still")
	same(t, "changed", must(t)(s.Update(t.Context(), "ann", before.ID, task.Change{}, task.Match{})), before)
	match := task.Match{Only: true, Revisions: []int64{1}}
	same(t, "matched", must(t)(s.Update(t.Context(), "ann", before.ID, task.Change{}, match)), before)
	refused(t, task.ErrMismatch)(s.Update(t.Context(), "ann", before.ID, task.Change{}, task.Match{Only: true}))
	refused(t, task.ErrNotFound)(s.Update(t.Context(), "ann", before.ID+1, task.Change{}, task.Match{}))
	same(t, "stored", s.get("ann", before.ID), before)
}

func toggling(t *testing.T, s *subject) {
	want := s.add("ann", "back and forth")
	for range 3 {
		got := must(t)(s.Toggle(t.Context(), "ann", want.ID, task.Match{}))
		sound(t, got)
		want.Completed, want.UpdatedAt = !want.Completed, got.UpdatedAt
		want.Revision++
		same(t, "toggled", got, want)
		same(t, "stored", s.get("ann", want.ID), want)
	}
}

func deleting(t *testing.T, s *subject) {
	kept, gone := s.add("ann", "kept"), s.add("ann", "gone")
	gone = must(t)(s.Toggle(t.Context(), "ann", gone.ID, task.Match{}))
	same(t, "deleted", must(t)(s.Delete(t.Context(), "ann", gone.ID, task.Match{})), gone)
	refused(t, task.ErrNotFound)(s.Delete(t.Context(), "ann", gone.ID, task.Match{}))
	refused(t, task.ErrNotFound)(s.Get(t.Context(), "ann", gone.ID))
	same(t, "list", s.list("ann", task.Filter{Limit: 10}), task.Page{Tasks: []task.Task{kept}, Total: 1})
}

func notFound(t *testing.T, s *subject) {
	s.add("ann", "there")
	for _, id := range []int64{0, -1, 2, 1<<53 - 1, 1 << 53, 1<<63 - 1, -1 << 63} {
		refused(t, task.ErrNotFound)(s.Get(t.Context(), "ann", id))
		refused(t, task.ErrNotFound)(s.Update(t.Context(), "ann", id, task.Change{Completed: pointer(true)}, task.Match{}))
		refused(t, task.ErrNotFound)(s.Toggle(t.Context(), "ann", id, task.Match{}))
		refused(t, task.ErrNotFound)(s.Delete(t.Context(), "ann", id, task.Match{}))
	}
}

func changeIsSeen(t *testing.T, s *subject) {
	other := s.another()
	for range 20 {
		created := s.add("ann", "seen")
		same(t, "through another", must(t)(other.Get(t.Context(), "ann", created.ID)), created)
		toggled := must(t)(other.Toggle(t.Context(), "ann", created.ID, task.Match{}))
		same(t, "back here", s.get("ann", created.ID), toggled)
	}
}
