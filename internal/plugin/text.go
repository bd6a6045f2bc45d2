package plugin

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// width is the number of columns that output fits into, also on a wider terminal.
const width = 100

// style says whether output has colours.
type style struct{ colours bool }

// styleOf returns colours for a terminal, unless the user has set NO_COLOR.
func styleOf(out io.Writer) style {
	return style{colours: isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// These are the colours of the terminal.
const (
	red, green, yellow, bold = "31", "32", "33", "1"
)

func (s style) paint(colour, text string) string {
	if !s.colours || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// table renders rows in columns, each as wide as its widest cell. The last column wraps below itself. If it has no room, the cells
// of the widest of the others are shortened.
func table(rows [][]string) string {
	widths := columnWidths(rows)
	fit(widths)
	indent := 0
	for _, w := range widths[:len(widths)-1] {
		indent += w + 2
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			cell = shortened(cell, widths[i])
			fmt.Fprintf(&b, "%s%s", cell, strings.Repeat(" ", widths[i]+2-utf8.RuneCountInString(cell)))
		}
		lines := wrap(row[len(row)-1], max(width-indent, lastColumn))
		for i, line := range lines {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", indent))
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return trimLines(b.String())
}

// lastColumn is the least width of the last column of a table, unless its cells need less.
const lastColumn = 20

// fit narrows the widest columns of a table, but for the last one, until all fit into the width of the screen.
func fit(widths []int) {
	last := len(widths) - 1
	for {
		total, widest := min(widths[last], lastColumn), 0
		for i, w := range widths[:last] {
			total += w + 2
			if w > widths[widest] {
				widest = i
			}
		}
		if total <= width || widths[widest] <= lastColumn {
			return
		}
		widths[widest]--
	}
}

// shortened returns a text in at most the given number of columns. It leaves out the middle, because the names of pods differ at
// their ends, and those of nodes at their beginnings.
func shortened(text string, most int) string {
	const gap = "..."
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	end := (most - len(gap)) / 2
	return string(runes[:most-len(gap)-end]) + gap + string(runes[len(runes)-end:])
}

// columns returns how many columns a text takes on a terminal.
func columns(text string) int { return utf8.RuneCountInString(escape.ReplaceAllString(text, "")) }

// escape matches the sequences of paint.
var escape = regexp.MustCompile("\x1b\\[[0-9]*m")

func columnWidths(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// trimLines removes spaces at the end of lines.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// wrap breaks a text at spaces into lines of at most the given number of columns. A longer word stays whole, so that names and
// commands can be copied.
func wrap(text string, most int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case columns(*last)+1+columns(word) <= most:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

// indented wraps a text and indents each line.
func indented(text string, by int) string {
	prefix := strings.Repeat(" ", by)
	return prefix + strings.Join(wrap(text, width-by), "\n"+prefix) + "\n"
}

// plural returns a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// hanging wraps a text after a prefix, and indents the lines after the first below the text.
func hanging(prefix, text string) string {
	indent := columns(prefix)
	return prefix + strings.Join(wrap(text, max(width-indent, lastColumn)), "\n"+strings.Repeat(" ", indent)) + "\n"
}

// age returns how long ago a moment was, such as 12d; "-" if there is none.
func age(moment *metav1.Time, now time.Time) string {
	if moment == nil {
		return "-"
	}
	return duration.HumanDuration(max(now.Sub(moment.Time), 0))
}

// until returns how long it takes until a moment comes, such as "in 3h".
func until(moment time.Time, now time.Time) string {
	if !moment.After(now) {
		return "now"
	}
	return "in " + duration.HumanDuration(moment.Sub(now))
}

// clock returns a moment in the form that the flags take.
func clock(moment time.Time) string { return moment.UTC().Format(time.RFC3339) }
