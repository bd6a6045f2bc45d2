//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestAPIServerAway stops the API server until the leading manager has lost its lease. The manager starts again in its container,
// so that no restart is counted and the kubelet delays nothing, and new apps become ready when the API server is back.
func TestAPIServerAway(t *testing.T) {
	e := newEnvironment(t)
	node := e.node()
	e.awaitLeader()
	before := e.managerRestarts()
	lines := e.managerLines(node)
	resume := e.stopAPIServer(node)
	e.await("a leader that starts again, and waits for the API server", startWithin, func() error {
		if now := e.managerLines(node); now < lines+2 {
			return fmt.Errorf("%d lines of the log of all managers, %d before", now, lines)
		}
		return nil
	})
	resume()
	app := e.newApp("todo", `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	e.await("admission of a new app", startWithin, func() error {
		if err := cluster.Create(e.Context(), app); !apierrors.IsAlreadyExists(err) {
			return err
		}
		return nil
	})
	e.awaitReady(app)
	e.awaitLeader()
	if now := e.managerRestarts(); now != before {
		t.Errorf("the managers were %s and are %s", before, now)
	}
}

// managerRestarts lists the managers that are not terminating, with their restarts.
func (e *environment) managerRestarts() string {
	e.Helper()
	var pods corev1.PodList
	must(e, cluster.List(e.Context(), &pods, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/name": operator}))
	var all []string
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp != nil {
			continue
		}
		for _, container := range pods.Items[i].Status.ContainerStatuses {
			all = append(all, fmt.Sprintf("%s (%d restarts)", pods.Items[i].Name, container.RestartCount))
		}
	}
	if len(all) == 0 {
		e.Fatal("there is no manager")
	}
	return strings.Join(all, ", ")
}

// managerLines counts the lines about a lost lease and an absent API server in the logs of all managers. It reads the files on the
// node, because the API server is away.
func (e *environment) managerLines(node *corev1.Node) int {
	e.Helper()
	output, err := runOnNode(node, "cat /var/log/containers/"+operator+"-*_"+system+
		"_manager-*.log | grep -cE 'starting again as a standby|The API server does not answer: waiting for it' || true")
	must(e, err)
	lines, err := strconv.Atoi(strings.TrimSpace(output))
	must(e, err)
	return lines
}

// pauseAPIServer is a script that stops the API server of a node, and resumes it after a while in any case. On this machine others
// may run, so it looks for the mark that hack/cluster gives its processes; on a node of kind there is one only.
const pauseAPIServer = `for process in /proc/[0-9]*; do
if [ "$(cat $process/comm 2>/dev/null)" = kube-apiserver ] && { %t || grep -qz TODOAPP_CLUSTER_PROCESS=1 $process/environ; }; then
pid=${process#/proc/}
(sleep 150; kill -CONT $pid) >/dev/null 2>&1 </dev/null &
kill -STOP $pid && echo $pid
fi
done`

// stopAPIServer stops the process of the API server, which then accepts connections and answers nothing. The test's end resumes it,
// unless resume was called before.
func (e *environment) stopAPIServer(node *corev1.Node) (resume func()) {
	e.Helper()
	stopped := time.Now()
	pid, err := runOnNode(node, fmt.Sprintf(pauseAPIServer, isKind(node)))
	must(e, err)
	if len(strings.Fields(pid)) != 1 {
		e.Errorf("the node has these API servers: %q", pid)
	}
	again := sync.OnceFunc(func() {
		onNode(e.T, node, "kill -CONT "+strings.Join(strings.Fields(pid), " "))
		e.Logf("the API server was away for %.1f s", time.Since(stopped).Seconds())
	})
	e.Cleanup(again)
	return again
}

// isKind reports whether a node is a container of kind.
func isKind(node *corev1.Node) bool { return strings.HasPrefix(node.Spec.ProviderID, "kind://") }

// onNode runs a script on a node, and fails the test if the script fails.
func onNode(t *testing.T, node *corev1.Node, script string) {
	t.Helper()
	if output, err := runOnNode(node, script); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// runOnNode runs a script on a node: in its container if it is kind's, else on this machine, which is the node.
func runOnNode(node *corev1.Node, script string) (string, error) {
	command := exec.Command("sh", "-c", script)
	if isKind(node) {
		command = exec.Command("docker", "exec", path.Base(node.Spec.ProviderID), "sh", "-c", script)
	}
	output, err := command.CombinedOutput()
	if err != nil {
		return string(output), fmt.Errorf("running %q on node %s: %w", script, node.Name, err)
	}
	return string(output), nil
}
