package sqlstore

import (
	"fmt"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// cursor steps through the rows that a statement returns.
type cursor interface {
	// Next moves to the next row. It returns false after the last row, and on an error, which the engine returns.
	Next() bool
	// Scan copies the row's columns to the values that the pointers point to.
	Scan(into ...any) error
}

// scan reads all rows of a statement. A retry of the statement calls it again.
type scan func(cursor) error

// into returns a scan that stores the result of read. The result is valid only if the statement succeeds.
func into[R any](result *R, read func(cursor) (R, error)) scan {
	return func(rows cursor) (err error) {
		*result, err = read(rows)
		return err
	}
}

// earlier is an attempt that was made before with the same key.
type earlier struct {
	task        *task.Task // as it was created then; nil if there is no such attempt
	sameRequest bool       // the fingerprints are equal
}

// readPage reads a page of tasks. Each row ends with the total.
func readPage(rows cursor) (page task.Page, err error) {
	page.Tasks, err = readTasks(rows, make([]task.Task, 0, 50), &page.Total)
	return page, err
}

// readTask reads at most one task. It returns nil if there is no row.
func readTask(rows cursor) (*task.Task, error) {
	tasks, err := readTasks(rows, nil)
	if err != nil || len(tasks) == 0 {
		return nil, err
	}
	return &tasks[0], nil
}

// readEarlier reads at most one earlier attempt. The row ends with 1 if the fingerprints are equal.
func readEarlier(rows cursor) (earlier, error) {
	var same int64
	tasks, err := readTasks(rows, nil, &same)
	if err != nil || len(tasks) == 0 {
		return earlier{}, err
	}
	return earlier{task: &tasks[0], sameRequest: same == 1}, nil
}

// readTasks appends the tasks of all rows. It copies the columns after taskColumns to more.
func readTasks(rows cursor, tasks []task.Task, more ...any) ([]task.Task, error) {
	var found task.Task
	columns := append([]any{&found.ID, &found.Title, &found.Description, &found.Completed, &found.Revision,
		&found.CreatedAt, &found.UpdatedAt}, more...)
	for rows.Next() {
		if err := rows.Scan(columns...); err != nil {
			return nil, fmt.Errorf("reading row: %w", err)
		}
		found.CreatedAt, found.UpdatedAt = found.CreatedAt.UTC(), found.UpdatedAt.UTC()
		tasks = append(tasks, found)
	}
	return tasks, nil
}

// readCount reads the number in the only row of a statement that counts.
func readCount(rows cursor) (count int64, err error) {
	for rows.Next() {
		if err := rows.Scan(&count); err != nil {
			return 0, fmt.Errorf("reading count: %w", err)
		}
	}
	return count, nil
}

// countRows returns the number of rows without reading their columns.
func countRows(rows cursor) (count int64, _ error) {
	for rows.Next() {
		count++
	}
	return count, nil
}

// skipRows runs a statement to its end without reading the rows.
func skipRows(rows cursor) error {
	_, err := countRows(rows)
	return err
}
