package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ncruces/go-sqlite3"
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

// run runs a statement to its end and reads its rows.
func (c *sqliteConn) run(scan scan, sql string, args ...any) (err error) {
	stmt, err := c.prepare(sql, len(args))
	if err != nil {
		return err
	}
	defer func() {
		// Reset returns the statement's own error as well, and the error of the commit.
		if resetErr := stmt.Reset(); err == nil {
			err = resetErr
		}
	}()
	for i, arg := range args {
		if err := bind(stmt.Stmt, stmt.places[i], arg); err != nil {
			return fmt.Errorf("binding $%d: %w", i+1, err)
		}
	}
	if err := scan(sqliteRows{stmt.Stmt}); err != nil {
		return err
	}
	return stmt.Err()
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

// sqliteRows is the cursor of a statement.
type sqliteRows struct{ *sqlite3.Stmt }

// Next implements cursor.
func (r sqliteRows) Next() bool { return r.Step() }

// Scan implements cursor for the types of a task's fields.
func (r sqliteRows) Scan(into ...any) error {
	for column, pointer := range into {
		switch value := pointer.(type) {
		case *int64:
			*value = r.ColumnInt64(column)
		case *bool:
			*value = r.ColumnBool(column)
		case *string:
			*value = r.ColumnText(column)
		case **string:
			*value = nil
			if r.ColumnType(column) != sqlite3.NULL {
				*value = new(r.ColumnText(column))
			}
		case *time.Time:
			*value = time.UnixMicro(r.ColumnInt64(column))
		default:
			return fmt.Errorf("no form for %T", pointer)
		}
	}
	return nil
}
