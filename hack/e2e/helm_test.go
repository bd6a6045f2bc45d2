//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// install brings a chart, with the image of a tag, and waits until it serves and no other does. What tests before changed
// by hand is the chart's again.
func (s *stage) install(chart, tag string, more ...string) {
	s.Helper()
	s.exchange(2, append([]string{"upgrade", "--install", operator, chart, "--wait", "--timeout=2m", "--force-conflicts",
		"--set=image.repository=" + operator + ",image.tag=" + tag}, more...)...)
}

// uninstall takes the operator away, and waits until no manager is left.
func (s *stage) uninstall() {
	s.Helper()
	s.exchange(0, "uninstall", operator, "--wait")
}

// exchanges are the times in which managers may have been without their rights: Helm changes those before the managers.
var exchanges []span

type span struct{ from, to time.Time }

// exchange has helm replace the managers, and waits until there are as many as there should be.
func (s *stage) exchange(managers int, args ...string) {
	s.Helper()
	from := time.Now()
	s.helm(args...)
	s.await("the managers of before to end", startWithin, func() error {
		var pods corev1.PodList
		err := cluster.List(s.Context(), &pods, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/name": operator})
		if err == nil && len(pods.Items) != managers {
			err = fmt.Errorf("there are %d", len(pods.Items))
		}
		return err
	})
	exchanges = append(exchanges, span{from, time.Now()})
}

func (s *stage) helm(args ...string) string {
	s.Helper()
	return s.program("../../bin/helm", append([]string{"--namespace=" + system}, args...)...)
}

func (s *stage) program(name string, args ...string) string {
	s.Helper()
	output, err := command(s.Context(), name, args...)
	if err != nil {
		s.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
	return output
}

func command(ctx context.Context, name string, args ...string) (string, error) {
	output, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(output), err
}
