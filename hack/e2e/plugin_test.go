//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/plugin"
)

// TestPlugin uses kubectl todoapp as a person would, and lets doctor find what the test breaks.
func TestPlugin(t *testing.T) {
	e := newEnvironment(t)
	for name, use := range map[string]func(*environment){
		"rotate and revoke": (*environment).pluginRotates,
		"network closed":    (*environment).doctorFindsNetwork,
		"secrets edited":    (*environment).doctorFindsEdit,
		"stale pod":         (*environment).doctorFindsStalePod,
		"another secret":    (*environment).doctorFindsAnotherSecret,
		"database gone":     (*environment).doctorFindsDatabase,
		"backup":            (*environment).pluginRestores,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			use(&environment{t, e.namespace})
		})
	}
}

// plugin runs the plugin in the namespace of the test. It returns the exit status and the output.
func (e *environment) plugin(ctx context.Context, input string, args ...string) (int, string) {
	var out bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(input), Out: &out, ErrOut: &out}
	status := plugin.Run(ctx, "kubectl-todoapp", "e2e", append(args, "-n", e.namespace), streams)
	return status, out.String()
}

// run runs the plugin, logs its output, and fails unless it has the status and the output contains the texts.
func (e *environment) run(status int, args []string, texts ...string) string {
	e.Helper()
	got, output := e.plugin(e.Context(), "", args...)
	e.Logf("$ kubectl todoapp %s\n%s", strings.Join(args, " "), output)
	if got != status {
		e.Errorf("kubectl todoapp %s ends with %d, expected %d", strings.Join(args, " "), got, status)
	}
	for _, text := range texts {
		if !strings.Contains(strings.Join(strings.Fields(output), " "), text) {
			e.Errorf("the output of kubectl todoapp %s lacks %q", strings.Join(args, " "), text)
		}
	}
	return output
}

// small is an app whose rotations end soon.
const small = `{auth: {tokens: {maxLifetime: 1m, leeway: 0s}}, frontend: {handoverPeriod: 0s},
  backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`

// pluginRotates rotates and revokes, while another person watches.
func (e *environment) pluginRotates() {
	app := e.apply("shop", small)
	e.awaitReady(app)
	e.run(0, []string{"status", "shop"}, "Ready for", "1 Active", "Ready 1 -")

	if output := e.run(0, []string{"status", "shop", "-o", "json"}, `"trusts": [ 1 ]`); strings.Contains(output, `"unknown"`) {
		e.Errorf("the keys of a pod are known and unknown")
	}

	watched := e.watches("shop", "Stable: key 2 signs")
	e.run(0, []string{"rotate", "shop", "--wait", "--timeout", "3m"}, "key 1", "is being replaced", "Stable: key 2 signs")
	watched()
	_, token := e.plugin(e.Context(), "", "token", "shop", "--subject", "alice", "--for", "30s")
	e.expect(tasks(app, "alice", strings.TrimSpace(token)), http.StatusOK)
	e.run(0, []string{"status", "shop", "-o", "json"}, `"lastUses": { "2":`)
	e.verifies(token, 0, "ACCEPTED", "made with key 2")
	e.run(0, []string{"revoke", "shop", "--yes", "--wait", "--timeout", "3m"},
		"All users of TodoApp shop are signed out", "key 3 signs")
	e.verifies(token, 1, "REFUSED unknown_key")
	e.expect(tasks(app, "alice", strings.TrimSpace(token)), http.StatusUnauthorized)
	e.run(0, []string{"doctor", "shop", "-o", "json"}) // the refused token is a note, not a fault
	e.reports()
}

// screen is the output of a person who watches an app until a text appears.
type screen struct {
	bytes.Buffer
	text   string
	appear func()
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	if strings.Contains(s.String(), s.text) {
		s.appear()
	}
	return n, err
}

// watches follows an app with status -w. The returned function fails the test unless the text appears, at the latest soon after the
// call: a person who watches learns of a change a moment later than the operator's status.
func (e *environment) watches(app, text string) (end func()) {
	watching, stop := context.WithCancel(e.Context())
	shown := &screen{text: text, appear: stop}
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: shown, ErrOut: io.Discard}
	ended := make(chan int, 1)
	go func() {
		ended <- plugin.Run(watching, "kubectl-todoapp", "e2e", []string{"status", app, "-w", "-n", e.namespace}, streams)
	}()
	return func() {
		late := time.AfterFunc(healWithin, stop)
		defer late.Stop()
		<-ended
		if !strings.Contains(shown.String(), text) {
			e.Errorf("the person who watched saw\n%s", shown.String())
		}
	}
}

// reports makes a report of the app shop, and searches it for every value of a Secret and for the user of a refused token.
func (e *environment) reports() {
	file := filepath.Join(e.TempDir(), "report.zip")
	e.run(0, []string{"report", "shop", "-o", file}, "report.zip has")
	archive, err := zip.OpenReader(file)
	must(e, err)
	defer func() { must(e, archive.Close()) }()
	logs, whole := 0, strings.Builder{}
	for _, entry := range archive.File {
		if strings.HasPrefix(entry.Name, "report/logs/") {
			logs++
		}
		reader, err := entry.Open()
		must(e, err)
		_, err = io.Copy(&whole, reader)
		must(e, err)
	}
	var secrets corev1.SecretList
	must(e, cluster.List(e.Context(), &secrets, client.InNamespace(e.namespace)))
	searched := 0
	for _, secret := range secrets.Items {
		for name, value := range secret.Data {
			if len(value) < 16 {
				continue
			}
			searched++
			encoded := base64.StdEncoding.EncodeToString(value)
			if strings.Contains(whole.String(), string(value)) || strings.Contains(whole.String(), encoded) {
				e.Errorf("the report shows entry %s of Secret %s", name, secret.Name)
			}
		}
	}
	if logs < 2 || searched < 4 || strings.Contains(whole.String(), "alice") {
		e.Errorf("the report has %d logs, %d values were searched, and it names a user: %t",
			logs, searched, strings.Contains(whole.String(), "alice"))
	}
}

// verifies lets the plugin verify a token of the app shop.
func (e *environment) verifies(token string, status int, texts ...string) {
	e.Helper()
	got, output := e.plugin(e.Context(), token, "verify", "shop")
	for _, text := range texts {
		if got != status || !strings.Contains(strings.Join(strings.Fields(output), " "), text) {
			e.Errorf("kubectl todoapp verify ends with %d, and its output lacks %q:\n%s", got, text, output)
		}
	}
}

// pluginRestores goes back to a backup, and cannot go back to half of one.
func (e *environment) pluginRestores() {
	app := e.apply("saved", small)
	e.awaitReady(app)
	alice := func() string { return e.token(app, "alice") }
	e.expect(adding(tasks(app, "alice", alice()), "before the backup"), http.StatusCreated)
	file := filepath.Join(e.TempDir(), "tasks.db")
	e.run(0, []string{"backup", "saved", "-f", file}, "backed up TodoApp saved")
	e.expect(adding(tasks(app, "alice", alice()), "after the backup"), http.StatusCreated)

	whole, err := os.ReadFile(file)
	must(e, err)
	half := file + ".half"
	must(e, os.WriteFile(half, whole[:len(whole)/2], 0o600))
	e.run(1, []string{"restore", "saved", half, "--yes"}, "the tasks are as they were", "starting the backend")
	e.awaitReady(app)
	if got := e.titles(app, "alice"); !strings.Contains(got, "after the backup") {
		e.Errorf("after half a backup the tasks are %s", got)
	}
	e.run(0, []string{"restore", "saved", file, "--yes"}, "stopping the backend", "restored", "starting the backend")
	e.awaitReady(app)
	if got := e.titles(app, "alice"); got != "before the backup" {
		e.Errorf("the tasks are %s", got)
	}
}
