package sqlstore

import (
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// blankRows is a cursor over this number of rows, whose columns are all zero.
type blankRows int

func (r *blankRows) Next() bool {
	*r--
	return *r >= 0
}

func (*blankRows) Scan(...any) error { return nil }

// TestARetryReplacesTheResult checks that rows which a failed try has read are not counted or listed twice.
func TestARetryReplacesTheResult(t *testing.T) {
	var count int64
	var page task.Page
	counting, listing := into(&count, countRows), into(&page, readPage)
	for _, try := range []blankRows{3, 2} {
		counted, listed := try, try
		if err := counting(&counted); err != nil || count != int64(try) {
			t.Errorf("counted %d of %d rows: %v", count, try, err)
		}
		if err := listing(&listed); err != nil || len(page.Tasks) != int(try) {
			t.Errorf("listed %d of %d rows: %v", len(page.Tasks), try, err)
		}
	}
}

// TestSQLiteScanOfAnUnknownType checks that a scan's error fails the statement, and that the statement can run again.
func TestSQLiteScanOfAnUnknownType(t *testing.T) {
	store, _ := openFile(t)
	unknown := func(rows cursor) error {
		rows.Next()
		return rows.Scan(new(float64))
	}
	if err := store.engine.read(t.Context(), unknown, sqliteStatements.count, "ann"); err == nil {
		t.Error("a float64 was read")
	}
	if err := store.engine.read(t.Context(), skipRows, sqliteStatements.count, "ann"); err != nil {
		t.Errorf("after the failed scan: %v", err)
	}
}
