package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// listingCases are about pages.
var listingCases = map[string]func(*testing.T, *subject){
	"an owner without tasks has an empty list": emptyList,
	"pages are cut from newest to oldest":      pages,
	"a filter keeps one state, in the total":   filtered,
	"a change moves nothing in the list":       orderIsByCreation,
	"each task in a list has its description":  descriptions,
}

var bothStates, done, open = (*bool)(nil), pointer(true), pointer(false)

func emptyList(t *testing.T, s *subject) {
	for _, state := range []*bool{bothStates, done, open} {
		for _, offset := range []int{0, 1, 50, 1 << 40} {
			page := s.list("ann", task.Filter{Completed: state, Limit: 50, Offset: offset})
			same(t, fmt.Sprint("page at ", offset), page, task.Page{Tasks: []task.Task{}})
		}
	}
}

func pages(t *testing.T, s *subject) {
	var newestFirst []task.Task
	for i := range 25 {
		newestFirst = slices.Insert(newestFirst, 0, s.add("ann", fmt.Sprint("task ", i)))
		s.add("bob", "between")
	}
	for _, limit := range []int{1, 7, 24, 25, 26, 100} {
		for _, offset := range []int{0, 1, 7, 24, 25, 26, 1 << 40} {
			from := min(offset, len(newestFirst))
			want := newestFirst[from:min(from+limit, len(newestFirst))]
			page := s.list("ann", task.Filter{Limit: limit, Offset: offset})
			same(t, fmt.Sprintf("%d from %d", limit, offset), page, task.Page{Tasks: append([]task.Task{}, want...), Total: 25})
		}
	}
}

func filtered(t *testing.T, s *subject) {
	byState := map[bool][]task.Task{}
	for i := range 30 {
		made := s.addDraft("ann", task.Draft{Title: "filtered", Completed: i%3 == 0})
		byState[made.Completed] = slices.Insert(byState[made.Completed], 0, made)
	}
	for _, state := range []*bool{done, open} {
		all := byState[*state]
		for _, offset := range []int{0, 3, len(all) - 1, len(all), 29, 30} {
			from := min(offset, len(all))
			want := all[from:min(from+4, len(all))]
			page := s.list("ann", task.Filter{Completed: state, Limit: 4, Offset: offset})
			same(t, fmt.Sprintf("completed=%v from %d", *state, offset), page,
				task.Page{Tasks: append([]task.Task{}, want...), Total: int64(len(all))})
		}
	}
	must(t)(s.Toggle(t.Context(), "ann", byState[true][0].ID, task.Match{}))
	same(t, "done after a toggle", s.list("ann", task.Filter{Completed: done, Limit: 1}).Total, 9)
	same(t, "open after a toggle", s.list("ann", task.Filter{Completed: open, Limit: 1}).Total, 21)
}

func orderIsByCreation(t *testing.T, s *subject) {
	first, second, third := s.add("ann", "c"), s.add("ann", "a"), s.add("ann", "b")
	must(t)(s.Toggle(t.Context(), "ann", first.ID, task.Match{}))
	must(t)(s.Update(t.Context(), "ann", second.ID, task.Change{Title: pointer("z")}, task.Match{}))
	page := s.list("ann", task.Filter{Limit: 10})
	same(t, "order", ids(page.Tasks), []int64{third.ID, second.ID, first.ID})
	if !slices.IsSortedFunc(page.Tasks, func(a, b task.Task) int { return b.CreatedAt.Compare(a.CreatedAt) }) {
		t.Error("created_at does not descend")
	}
}

func descriptions(t *testing.T, s *subject) {
	var newestFirst []task.Task
	for i, description := range []*string{pointer("first"), nil, pointer(""), pointer("last"), nil} {
		made := s.addDraft("ann", task.Draft{Title: fmt.Sprint("task ", i), Description: description})
		newestFirst = slices.Insert(newestFirst, 0, made)
	}
	same(t, "list", s.list("ann", task.Filter{Limit: 9}), task.Page{Tasks: newestFirst, Total: 5})
}
