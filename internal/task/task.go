// Package task is the domain of the task API: what a task is, what a store of tasks promises, and which errors
// either can report. It knows neither HTTP nor SQL.
package task

import (
	"context"
	"slices"
	"time"
)

// Task is one entry of one owner's list.
type Task struct {
	// ID is unique per installation, from 1 to 2^53-1, and never reused.
	ID int64
	// Owner is the subject of the verified token that created the task.
	Owner string
	// Title has 1 to 200 Unicode code points and no surrounding white space.
	Title string
	// Description has at most 2000 Unicode code points; nil is null.
	Description *string
	Completed   bool
	// Revision starts at 1 and grows with every change; an ETag names it.
	Revision int64
	// CreatedAt and UpdatedAt are in UTC with microseconds.
	CreatedAt, UpdatedAt time.Time
}

// Draft holds the fields of a task before it is created.
type Draft struct {
	Title       string
	Description *string
	Completed   bool
}

// Change holds the fields to set. An absent field keeps its value.
type Change struct {
	Title       *string
	Description Nullable
	Completed   *bool
}

// Nullable is a string that may be absent (the zero value), null or a value.
type Nullable struct {
	Set   bool
	Value *string
}

// Empty reports whether the change sets no field.
func (c Change) Empty() bool {
	return c.Title == nil && !c.Description.Set && c.Completed == nil
}

// Filter selects a page of an owner's tasks.
type Filter struct {
	// Completed keeps only tasks in that state; nil keeps both.
	Completed     *bool
	Limit, Offset int
}

// Page holds one page of the tasks that a filter selects, newest first (created descending, then ID descending).
type Page struct {
	Tasks []Task
	// Total counts all tasks that the filter selects, not only those of this page.
	Total int64
}

// Match is the precondition of a write: the revisions of the task that the writer accepts.
// The zero value accepts every revision of an existing task.
type Match struct {
	// Only limits the accepted revisions to Revisions (which may be empty: then nothing is accepted).
	Only      bool
	Revisions []int64
}

// Accepts reports whether the writer accepts a task at that revision.
func (m Match) Accepts(revision int64) bool {
	return !m.Only || slices.Contains(m.Revisions, revision)
}

// Attempt identifies one request to create a task, so that a retry does not create another task. The store remembers it for
// 24 hours. The zero value is never remembered.
type Attempt struct {
	// Key is the client's Idempotency-Key.
	Key string
	// Fingerprint is a digest of the request's body.
	Fingerprint [32]byte
}

// Store keeps tasks. Every method takes the owner and never touches another owner's tasks.
// Its errors are of the kinds in errors.go; any other error is a defect of the store.
type Store interface {
	// List returns one page of the owner's tasks; Tasks is never nil.
	List(ctx context.Context, owner string, filter Filter) (Page, error)
	// Create adds a task. For an attempt made before with the same fingerprint it returns the task as it was created
	// then (also when that happens in parallel, and after the task has changed or is gone); with another fingerprint
	// ErrAttemptDiffers. A failed attempt is not remembered.
	Create(ctx context.Context, owner string, draft Draft, attempt Attempt) (Task, error)
	// Get returns the task, or ErrNotFound if the owner has no such task.
	Get(ctx context.Context, owner string, id int64) (Task, error)
	// Update sets the fields of the change. An empty change modifies nothing, not even the revision.
	// It returns ErrNotFound, or ErrMismatch if the task is not at an accepted revision.
	Update(ctx context.Context, owner string, id int64, change Change, match Match) (Task, error)
	// Toggle inverts Completed in one step; errors as for Update.
	Toggle(ctx context.Context, owner string, id int64, match Match) (Task, error)
	// Delete removes the task and returns it as it was; errors as for Update. It works while the store is full.
	Delete(ctx context.Context, owner string, id int64, match Match) (Task, error)
	// Ping reports whether the store can answer now. It returns ErrFull if it can answer but has no space left.
	Ping(ctx context.Context) error
	// Close releases the store after the calls under way have ended.
	Close() error
}
