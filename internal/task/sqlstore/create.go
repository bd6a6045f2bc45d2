package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// Create implements task.Store.
func (s *Store) Create(ctx context.Context, owner string, draft task.Draft, attempt task.Attempt) (task.Task, error) {
	planned := created{owner: ownerKey(owner), draft: draft, attempt: attempt, at: s.clock()}
	page, err := s.create(ctx, planned)
	if errors.Is(err, task.ErrAttemptDiffers) {
		return task.Task{}, err
	}
	if err != nil {
		return task.Task{}, fmt.Errorf("creating task: %w", err)
	}
	return only(page, owner)
}

func (s *Store) create(ctx context.Context, planned created) (task.Page, error) {
	if planned.attempt.Key == "" {
		draft := planned.draft
		return s.changing(ctx, s.engine.sql().insert,
			planned.owner, draft.Title, draft.Description, draft.Completed, planned.at)
	}
	page, err := s.engine.claim(ctx, planned, planned.at.Add(-remembered))
	s.noteSpace(err)
	if err != nil || len(page.Tasks) > 0 {
		return page, err
	}
	return s.repeat(ctx, planned)
}

// repeat returns the result of an attempt that was made before.
func (s *Store) repeat(ctx context.Context, planned created) (task.Page, error) {
	page, err := s.engine.read(ctx, s.engine.sql().attempted, planned.owner, planned.attempt.Key,
		planned.attempt.Fingerprint[:], planned.at.Add(-remembered))
	switch {
	case err != nil:
		return task.Page{}, err
	case len(page.Tasks) == 0:
		// It expired between two reads, by the clock of another replica.
		return task.Page{}, fmt.Errorf("%w: attempt expired while it was repeated", task.ErrUnavailable)
	case page.Total == 0:
		return task.Page{}, task.ErrAttemptDiffers
	}
	return page, nil
}
