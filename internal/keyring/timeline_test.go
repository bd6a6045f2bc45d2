package keyring_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

var update = flag.Bool("update", false, "write the timelines anew")

// TestTimelines plays every story of testdata and compares its timeline.
func TestTimelines(t *testing.T) {
	stories, err := filepath.Glob("testdata/*.story")
	if err != nil || len(stories) == 0 {
		t.Fatalf("there are no stories: %v", err)
	}
	for _, path := range stories {
		name := strings.TrimSuffix(filepath.Base(path), ".story")
		t.Run(name, func(t *testing.T) {
			script, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(script))
			golden := strings.TrimSuffix(path, ".story") + ".timeline"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the timeline of %s has changed (-update accepts it):\n%s", name, got)
			}
			if bytes.Contains(got, []byte(sentinel)) {
				t.Error("the timeline shows a secret")
			}
		})
	}
}

// heading names the columns of a timeline.
var heading = []string{
	"moment", "what happens", "action", "ring", "frontend", "cookies", "backend", "phase", "waiting for", "next due",
}

// tell plays a story and returns its timeline. testdata/README.md has the grammar. After each event the operator reconciles until
// nothing changes.
func tell(t *testing.T, script string) []byte {
	t.Helper()
	var rows [][]string
	s := newStory(t)
	for line := range strings.Lines(script) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "#":
			rows = append(rows, []string{strings.TrimSpace(line)})
		case words[0] == "given":
			s.set(words[1], words[2])
		default:
			if s.now.IsZero() {
				rows = append(rows, nil, heading)
			}
			s.advance(words[0])
			s.happen(words[1:])
			rows = append(rows, s.settle(strings.Join(words[1:], " "))...)
		}
	}
	return aligned(rows)
}

// aligned pads the cells of each column to the same width. A row with fewer cells is text.
func aligned(rows [][]string) []byte {
	widths := make([]int, len(heading))
	for _, row := range rows {
		for i, cell := range row {
			if len(row) == len(heading) {
				widths[i] = max(widths[i], len(cell))
			}
		}
	}
	var out bytes.Buffer
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
		}
		fmt.Fprintln(&out, strings.TrimRight(line.String(), " "))
	}
	return out.Bytes()
}

// settle reconciles until nothing changes, and returns a row for the event and for each transition. The last row shows the
// outlook of the last reconcile.
func (s *story) settle(event string) [][]string {
	s.t.Helper()
	var rows [][]string
	for range 6 {
		if s.stopped {
			return [][]string{{s.moment(s.now), event, "(the operator is stopped)"}}
		}
		step, err := s.next()
		if err != nil {
			return append(rows, []string{s.moment(s.now), event, "error: " + err.Error()})
		}
		wrote := s.apply(step)
		if step.Action != keyring.ActionNone || len(rows) == 0 {
			rows = append(rows, s.row(event, step))
			event = "\""
		}
		if step.Action == keyring.ActionNone && !wrote {
			last := rows[len(rows)-1]
			copy(last[7:], s.outlook(step))
			return rows
		}
	}
	s.t.Fatalf("%s: the operator does not come to rest", event)
	return nil
}
