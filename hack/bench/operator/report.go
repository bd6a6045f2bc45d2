package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// result is a row of the table.
type result struct {
	what  string
	value float64
	unit  string
	// floor is the same figure of the floor, or of an idle operator; 0 if there is none.
	floor float64
	// target is the figure that the project aims at.
	target string
	// ceiling is the figure above which the short form fails; 0 for none.
	ceiling float64
	// zero says that the run fails unless the figure is zero.
	zero bool
}

// exceeded reports whether the figure is above its ceiling.
func (r result) exceeded() bool {
	return r.ceiling > 0 && r.value > r.ceiling || r.zero && r.value != 0
}

// report collects results.
type report struct{ results []result }

// add adds a result and prints it, so that an interrupted run has shown its results.
func (r *report) add(one result) {
	r.results = append(r.results, one)
	progress("%s: %s", one.what, strings.Join(one.cells()[1:], " "))
}

// cells returns the cells of the row.
func (r result) cells() []string {
	floor, ratio := "", ""
	if r.floor > 0 {
		floor, ratio = number(r.floor)+" "+r.unit, fmt.Sprintf("%.2f×", r.value/r.floor)
	}
	target := r.target
	if r.ceiling > 0 {
		target = strings.TrimSpace(target + " (fails above " + number(r.ceiling) + ")")
	}
	return []string{r.what, strings.TrimSpace(number(r.value) + " " + r.unit), floor, ratio, target}
}

// number formats a figure with as many decimals as it needs.
func number(f float64) string {
	switch {
	case f == float64(int64(f)) || f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.2f", f)
	}
}

// print prints the table, and returns an error that names the results above their ceilings.
func (r *report) print() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	_, _ = fmt.Fprintln(table, "| \t| measured \t| floor \t| ratio \t| target \t|")
	_, _ = fmt.Fprintln(table, "| --- \t| --- \t| --- \t| --- \t| --- \t|")
	var above []string
	for _, one := range r.results {
		_, _ = fmt.Fprintf(table, "| %s \t|\n", strings.Join(one.cells(), " \t| "))
		if one.exceeded() {
			above = append(above, fmt.Sprintf("%s: %s is above %s", one.what, number(one.value), number(one.ceiling)))
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("printing the table: %w", err)
	}
	if len(above) > 0 {
		return fmt.Errorf("figures above their ceilings:\n  %s", strings.Join(above, "\n  "))
	}
	return nil
}

// started is when the benchmark began.
var started = time.Now()

// progress prints a line about how far the benchmark has come.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%5.0f s  %s\n", time.Since(started).Seconds(), fmt.Sprintf(format, args...))
}
