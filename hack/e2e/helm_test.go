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

// install installs a chart with an image tag, and waits until only pods of that release serve. It takes over fields
// that earlier tests changed by hand.
func (e *environment) install(chart, tag string, more ...string) {
	e.Helper()
	e.exchange(2, append([]string{"upgrade", "--install", operator, chart, "--wait", "--timeout=2m", "--force-conflicts",
		"--set=image.repository=" + operator + ",image.tag=" + tag}, more...)...)
}

// uninstall removes the operator and waits until no manager is left.
func (e *environment) uninstall() {
	e.Helper()
	e.exchange(0, "uninstall", operator, "--wait")
}

// exchanges records when managers may have lacked their rights: Helm changes RBAC before it replaces the managers.
var exchanges []span

type span struct{ from, to time.Time }

// exchange lets helm replace the managers, and waits until the expected number runs.
func (e *environment) exchange(managers int, args ...string) {
	e.Helper()
	from := time.Now()
	e.helm(args...)
	e.await("the managers of before to end", startWithin, func() error {
		var pods corev1.PodList
		err := cluster.List(e.Context(), &pods, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/name": operator})
		if err == nil && len(pods.Items) != managers {
			err = fmt.Errorf("there are %d", len(pods.Items))
		}
		return err
	})
	exchanges = append(exchanges, span{from, time.Now()})
}

func (e *environment) helm(args ...string) string {
	e.Helper()
	return e.program("../../bin/helm", append([]string{"--namespace=" + system}, args...)...)
}

func (e *environment) program(name string, args ...string) string {
	e.Helper()
	output, err := command(e.Context(), name, args...)
	if err != nil {
		e.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
	return output
}

func command(ctx context.Context, name string, args ...string) (string, error) {
	output, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(output), err
}
