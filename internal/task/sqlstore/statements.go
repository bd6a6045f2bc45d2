package sqlstore

import "strings"

// statements holds the SQL that both databases share. A statement that returns a task returns taskColumns: the caller knows
// the owner.
type statements struct {
	list, listState   string // $1 owner, $2 limit, $3 offset (, $4 completed); returns tasks, each with the total
	count, countState string // $1 owner (, $2 completed); returns the total
	get               string // $1 owner, $2 id
	insert            string // $1 owner, $2 title, $3 description, $4 completed, $5 now
	update            string // $1 owner, $2 id, $3 revisions, $4 now, $5 title, $6 set description, $7 description, $8 completed
	toggle            string // $1 owner, $2 id, $3 revisions, $4 now
	remove            string // $1 owner, $2 id, $3 revisions
	attempted         string // $1 owner, $2 key, $3 fingerprint, $4 expiry; returns a task, and 1 for the same fingerprint
	purge             string // $1 expiry; returns a row for each attempt that it deleted
	alive             string // returns a row
}

const (
	// taskColumns are the columns that readTasks reads.
	taskColumns = `id, title, description, completed, revision, created_at, updated_at`

	// later keeps updated_at from going back if the clock does.
	later = `CASE WHEN $4 > updated_at THEN $4 ELSE updated_at END`

	// purgeBatch limits the rows that each purge deletes.
	purgeBatch = `256`
)

// statementsFor builds the statements with the database's own condition for "the column revision is among $3, or $3 is null".
func statementsFor(accepted string) statements {
	change := `UPDATE todoapp_tasks SET revision = revision + 1, updated_at = ` + later
	target := ` WHERE owner = $1 AND id = $2 AND ` + accepted + ` RETURNING ` + taskColumns
	return statements{
		list:       listWhere(`owner = $1`),
		listState:  listWhere(`owner = $1 AND completed = $4`),
		count:      `SELECT count(*) FROM todoapp_tasks WHERE owner = $1`,
		countState: `SELECT count(*) FROM todoapp_tasks WHERE owner = $1 AND completed = $2`,
		get:        `SELECT ` + taskColumns + ` FROM todoapp_tasks WHERE owner = $1 AND id = $2`,
		insert: `INSERT INTO todoapp_tasks (owner, title, description, completed, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $5) RETURNING ` + taskColumns,
		update: change + `, title = COALESCE($5, title),
			description = CASE WHEN $6 THEN $7 ELSE description END, completed = COALESCE($8, completed)` + target,
		toggle: change + `, completed = NOT completed` + target,
		remove: `DELETE FROM todoapp_tasks` + target,
		attempted: `SELECT task_id, title, description, completed, 1, created_at, created_at,
			CASE WHEN fingerprint = $3 THEN 1 ELSE 0 END
			FROM todoapp_attempts WHERE owner = $1 AND key = $2 AND created_at >= $4`,
		// If PostgreSQL has waited for a transaction that renewed an attempt, it checks only the outer condition again.
		purge: `DELETE FROM todoapp_attempts WHERE created_at < $1 AND (owner, key) IN
			(SELECT owner, key FROM todoapp_attempts WHERE created_at < $1 ORDER BY created_at LIMIT ` + purgeBatch + `)
			RETURNING 1`,
		alive: `SELECT count(*) FROM (SELECT 1 FROM todoapp_tasks LIMIT 1) AS any_task`,
	}
}

// listWhere returns the statement for a page with its total: one round trip, one snapshot.
func listWhere(condition string) string {
	return strings.ReplaceAll(`SELECT `+taskColumns+`, (SELECT count(*) FROM todoapp_tasks WHERE {condition})
		FROM todoapp_tasks WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3`, `{condition}`, condition)
}
