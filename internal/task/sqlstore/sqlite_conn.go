package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// sqliteConn is one connection to a SQLite file with the statements it has prepared; one call uses it at a time.
type sqliteConn struct {
	*sqlite3.Conn
	prepared map[string]preparedSQL
}

// preparedSQL is a statement with the index that SQLite gave to each of its arguments.
type preparedSQL struct {
	*sqlite3.Stmt
	places []int
}

// run runs a statement to its end and returns its rows.
func (c *sqliteConn) run(sql string, args ...any) (page task.Page, err error) {
	stmt, err := c.prepare(sql, len(args))
	if err != nil {
		return task.Page{}, err
	}
	defer func() {
		// Reset returns the statement's own error as well, and the error of the commit.
		if resetErr := stmt.Reset(); err == nil && resetErr != nil {
			page, err = task.Page{}, resetErr
		}
	}()
	for i, arg := range args {
		if err := bind(stmt.Stmt, stmt.places[i], arg); err != nil {
			return task.Page{}, fmt.Errorf("binding $%d: %w", i+1, err)
		}
	}
	columns := stmt.ColumnCount()
	page.Tasks = roomFor(columns)
	for stmt.Step() {
		if columns != taskColumnCount {
			page.Total = stmt.ColumnInt64(columns - 1)
		}
		if columns >= taskColumnCount {
			page.Tasks = append(page.Tasks, taskOf(stmt.Stmt))
		}
	}
	return page, stmt.Err()
}

// prepare returns the statement prepared on this connection. Its arguments are named $1, $2 and so on.
func (c *sqliteConn) prepare(sql string, arguments int) (preparedSQL, error) {
	if stmt, ok := c.prepared[sql]; ok {
		return stmt, nil
	}
	stmt, _, err := c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return preparedSQL{}, fmt.Errorf("preparing statement: %w", err)
	}
	prepared := preparedSQL{Stmt: stmt}
	for i := range arguments {
		prepared.places = append(prepared.places, stmt.BindIndex("$"+strconv.Itoa(i+1)))
	}
	c.prepared[sql] = prepared
	return prepared, nil
}

// Close closes the connection and its prepared statements.
func (c *sqliteConn) Close() error {
	c.SetInterrupt(context.Background())
	for _, stmt := range c.prepared {
		if err := stmt.Close(); err != nil {
			return err
		}
	}
	return c.Conn.Close()
}

// bind binds an argument in the form in which SQLite stores it.
func bind(stmt *sqlite3.Stmt, place int, arg any) error {
	switch value := arg.(type) {
	case nil:
		return stmt.BindNull(place)
	case string:
		return stmt.BindText(place, value)
	case *string:
		if value == nil {
			return stmt.BindNull(place)
		}
		return stmt.BindText(place, *value)
	case int:
		return stmt.BindInt(place, value)
	case int64:
		return stmt.BindInt64(place, value)
	case bool:
		return stmt.BindBool(place, value)
	case []byte:
		return stmt.BindBlob(place, value)
	case time.Time:
		return stmt.BindInt64(place, value.UnixMicro())
	case []int64:
		if value == nil {
			return stmt.BindNull(place)
		}
		list, err := json.Marshal(value)
		if err != nil {
			return err
		}
		return stmt.BindRawText(place, list)
	default:
		return fmt.Errorf("no form for %T", arg)
	}
}

// taskOf reads the current row of the statement.
func taskOf(stmt *sqlite3.Stmt) task.Task {
	found := task.Task{
		ID:        stmt.ColumnInt64(0),
		Title:     stmt.ColumnText(1),
		Completed: stmt.ColumnBool(3),
		Revision:  stmt.ColumnInt64(4),
		CreatedAt: time.UnixMicro(stmt.ColumnInt64(5)).UTC(),
		UpdatedAt: time.UnixMicro(stmt.ColumnInt64(6)).UTC(),
	}
	if stmt.ColumnType(2) != sqlite3.NULL {
		description := stmt.ColumnText(2)
		found.Description = &description
	}
	return found
}
