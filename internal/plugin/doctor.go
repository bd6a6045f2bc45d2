package plugin

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// doctorCommand returns the command that checks an installation and an app.
func doctorCommand(c *cluster) *cobra.Command {
	var output, operatorNamespace string
	command := &cobra.Command{
		Use:   "doctor [NAME]",
		Short: "Find out why something does not work",
		Long: "Check the operator, its webhook and policy and the clocks, and, if a TodoApp is named, its Secrets, its pods, its " +
			"database, the network to it, and a real token. No object is changed, and no key is printed. Checks that you lack the " +
			"rights for are skipped. The exit status is 1 if a fault is found.",
		Example: "  kubectl todoapp doctor\n  kubectl todoapp doctor shop -n web",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("name one TodoApp, or none to check the operator alone")
			}
			return nil
		},
		ValidArgsFunction: c.completeApps(1),
	}
	command.Flags().StringVarP(&output, "output", "o", "", "json or yaml")
	command.Flags().StringVar(&operatorNamespace, "operator-namespace", "",
		"`namespace` of the operator; default the one that the webhook names, or todoapp-system")
	command.RunE = c.connected(onApps("get"), func(ctx context.Context, args []string) error {
		if output != "" && output != "json" && output != "yaml" {
			return usagef("invalid value %q for --output: must be json or yaml", output)
		}
		f, err := c.gather(ctx, args, operatorNamespace)
		if err != nil {
			return err
		}
		return c.diagnose(f, output)
	})
	return command
}

// diagnose prints the findings about the facts. It returns an error without a text if there is a fault.
func (c *cluster) diagnose(f *facts, output string) error {
	findings := judge(f)
	text := renderFindings(findings, styleOf(c.Out))
	if output != "" {
		var err error
		if text, err = encoded(findings, output); err != nil {
			return err
		}
	}
	c.printf("%s", text)
	for _, one := range findings {
		if one.Result == resultFault {
			return exitError{exitFailed, errSilent}
		}
	}
	return nil
}

// outcome is the result of a check.
type outcome string

// The outcomes of a check.
const (
	resultOK      outcome = "ok"
	resultFault   outcome = "FAULT"
	resultNote    outcome = "note"
	resultSkipped outcome = "skipped"
)

// finding is one result of a check.
type finding struct {
	Check  string  `json:"check"`
	Result outcome `json:"result"`
	// Text describes the finding.
	Text string `json:"text"`
	// Advice says what to do; empty if there is nothing to do.
	Advice string `json:"advice,omitempty"`
}

func ok(format string, args ...any) finding {
	return finding{Result: resultOK, Text: fmt.Sprintf(format, args...)}
}

func skipped(err error) finding {
	return finding{Result: resultSkipped, Text: shortError(err)}
}

// fault returns a finding with an advice. The text is a format.
func fault(advice, format string, args ...any) finding {
	return finding{Result: resultFault, Text: fmt.Sprintf(format, args...), Advice: advice}
}

// note returns a finding that is no fault of the app or the operator.
func note(advice, format string, args ...any) finding {
	return finding{Result: resultNote, Text: fmt.Sprintf(format, args...), Advice: advice}
}

// check judges a part of the facts.
type check struct {
	name string
	// ofApp says that the check needs a TodoApp, and ofPods that it needs the pods of one.
	ofApp, ofPods bool
	judge         func(*facts) []finding
}

// checks returns all checks, in the order in which a fault causes others.
func checks() []check {
	return []check{
		{"operator", false, false, judgeOperator},
		{"webhook", false, false, judgeWebhook},
		{"policy", false, false, judgePolicy},
		{"clocks", false, false, judgeClocks},
		{"status", true, false, judgeStatus},
		{"secrets", true, false, judgeSecrets},
		{"pods", true, true, judgePods},
		{"frontend", true, true, judgeFrontend},
		{"network", true, true, judgeNetwork},
		{"database", true, true, judgeDatabase},
		{"token", true, true, judgeToken},
	}
}

// judge returns the findings of all checks that the facts allow.
func judge(f *facts) []finding {
	var all []finding
	for _, check := range checks() {
		if check.ofApp && f.app == nil {
			continue
		}
		judge := check.judge
		if check.ofPods && f.podsErr != nil {
			judge = func(f *facts) []finding { return []finding{skipped(f.podsErr)} }
		}
		for _, found := range judge(f) {
			found.Check = check.name
			all = append(all, found)
		}
	}
	return all
}

// grouped merges findings that differ in the name of the pod only. The first of them names the other pods.
func grouped(findings []finding) []finding {
	var order []finding
	others := map[finding][]string{}
	first := map[finding]finding{}
	for _, one := range findings {
		kind, name := one, ""
		if rest, isPod := strings.CutPrefix(one.Text, "pod "); isPod {
			name, _, _ = strings.Cut(rest, " ")
			kind.Text = strings.ReplaceAll(one.Text, name, "POD")
			kind.Advice = strings.ReplaceAll(one.Advice, name, "POD")
		}
		if _, known := first[kind]; known && name != "" {
			others[kind] = append(others[kind], name)
			continue
		}
		first[kind] = one
		order = append(order, kind)
	}
	for i, kind := range order {
		order[i] = first[kind]
		if names := others[kind]; len(names) > 0 {
			order[i].Text = strings.TrimRight(order[i].Text, ".") + "; the same is true of " + few(names)
		}
	}
	return order
}

// renderFindings returns the findings as a table, with a summary.
func renderFindings(findings []finding, s style) string {
	rows, results := [][]string{{"CHECK", "RESULT", "FINDING"}}, map[outcome]int{}
	for _, one := range grouped(findings) {
		text := one.Text
		if one.Advice != "" {
			text = strings.TrimRight(text, ".") + ". Do this: " + one.Advice
			text = strings.Replace(text, "?. Do this", "? Do this", 1)
		}
		results[one.Result]++
		rows = append(rows, []string{one.Check, string(one.Result), text})
	}
	switch faults := results[resultFault]; {
	case faults == 0 && results[resultSkipped] > 0:
		return table(rows) + "\n" + s.paint(yellow, "No fault was found, but "+plural(results[resultSkipped], "check")+
			" could not be made.") + "\n"
	case faults == 0:
		return table(rows) + "\n" + s.paint(green, "No fault was found.") + "\n"
	case faults == 1:
		return table(rows) + "\n" + s.paint(red, "1 fault was found.") + "\n"
	default:
		return table(rows) + "\n" + s.paint(red, fmt.Sprintf("%d faults were found; the first may cause the others.", faults)) + "\n"
	}
}
