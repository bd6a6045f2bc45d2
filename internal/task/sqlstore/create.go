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
	made, err := s.create(ctx, planned)
	if errors.Is(err, task.ErrAttemptDiffers) {
		return task.Task{}, err
	}
	if err != nil {
		return task.Task{}, fmt.Errorf("creating task: %w", err)
	}
	return owned(made, owner)
}

// create inserts the task, or returns the task of an earlier attempt.
func (s *Store) create(ctx context.Context, planned created) (made *task.Task, err error) {
	if planned.attempt.Key == "" {
		draft := planned.draft
		err = s.changing(ctx, into(&made, readTask), s.engine.sql().insert,
			planned.owner, draft.Title, draft.Description, draft.Completed, planned.at)
		return made, err
	}
	made, err = s.engine.claim(ctx, planned, planned.at.Add(-remembered))
	s.noteSpace(err)
	if err != nil || made != nil {
		return made, err
	}
	return s.repeat(ctx, planned)
}

// repeat returns the result of an attempt that was made before.
func (s *Store) repeat(ctx context.Context, planned created) (*task.Task, error) {
	var found earlier
	err := s.engine.read(ctx, into(&found, readEarlier), s.engine.sql().attempted, planned.owner, planned.attempt.Key,
		planned.attempt.Fingerprint[:], planned.at.Add(-remembered))
	switch {
	case err != nil:
		return nil, err
	case found.task == nil:
		// It expired between two reads, by the clock of another replica.
		return nil, fmt.Errorf("%w: attempt expired while it was repeated", task.ErrUnavailable)
	case !found.sameRequest:
		return nil, task.ErrAttemptDiffers
	}
	return found.task, nil
}
