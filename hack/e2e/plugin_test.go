//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
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

	watching, stop := context.WithCancel(e.Context())
	watched := make(chan string)
	go func() {
		_, output := e.plugin(watching, "", "status", "shop", "-w")
		watched <- output
	}()
	e.run(0, []string{"rotate", "shop", "--wait", "--timeout", "3m"}, "key 1", "is being replaced", "Stable: key 2 signs")
	stop()
	if output := <-watched; !strings.Contains(output, "Stable: key 2 signs") {
		e.Errorf("the person who watched saw\n%s", output)
	}
	_, token := e.plugin(e.Context(), "", "token", "shop", "--subject", "alice", "--for", "30s")
	e.expect(tasks(app, "alice", strings.TrimSpace(token)), http.StatusOK)
	e.verifies(token, 0, "ACCEPTED", "made with key 2")
	e.run(0, []string{"revoke", "shop", "--yes", "--wait", "--timeout", "3m"},
		"All users of TodoApp shop are signed out", "key 3 signs")
	e.verifies(token, 1, "REFUSED unknown_key")
	e.expect(tasks(app, "alice", strings.TrimSpace(token)), http.StatusUnauthorized)
	e.run(0, []string{"doctor", "shop", "-o", "json"}) // the refused token is a note, not a fault
	e.reports()
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

// finds waits until doctor finds something about an app with a check.
func (e *environment) finds(app, check, text string) {
	e.Helper()
	e.await("doctor to find "+text, startWithin, func() error {
		_, output := e.plugin(e.Context(), "", "doctor", app, "-o", "json")
		var found []struct{ Check, Result, Text, Advice string }
		if err := json.Unmarshal([]byte(output), &found); err != nil {
			return fmt.Errorf("%w: %s", err, output)
		}
		for _, one := range found {
			if one.Check == check && strings.Contains(one.Text, text) {
				e.Logf("%s: %s: %s. Do this: %s", one.Check, one.Result, one.Text, one.Advice)
				return nil
			}
		}
		return fmt.Errorf("doctor says %s", output)
	})
}

// doctorFindsNetwork closes the port by which the operator asks a pod for its keys.
func (e *environment) doctorFindsNetwork() {
	app := e.apply("walled", small)
	e.awaitReady(app)
	pod := e.pods(app, todov1.ComponentBackend)[0]
	e.closeOperations(&pod)
	e.run(3, []string{"rotate", "walled", "--wait", "--timeout", "20s"}, "not complete after 20s", "does not answer at")
	e.finds("walled", "network", "answers here, and not the operator: the network between closes port 9090")
	e.openOperations(&pod)
	e.finds("walled", "network", "reports no pod that it does not reach")
}

// doctorFindsEdit edits a Secret while the operator does not restore it.
func (e *environment) doctorFindsEdit() {
	app := e.apply("edited", small)
	e.awaitReady(app)
	e.finds("edited", "secrets", "agree with the keyring: key 1 signs")
	e.finds("edited", "token", "accepted by each pod")
	e.run(0, []string{"pause", "edited"}, "TodoApp edited is paused")
	var secret corev1.Secret
	e.get(&secret, desired.BackendSecret(app))
	secret.Data["BETTER_AUTH_SECRET"] = []byte("edited-by-hand-0123456789abcdefghijk")
	must(e, cluster.glass.Update(e.Context(), &secret))
	e.finds("edited", "secrets", "holds another value than key 1")
	e.run(0, []string{"resume", "edited"}, "is resumed")
	e.finds("edited", "secrets", "agree with the keyring: key 1 signs")
}

// doctorFindsStalePod keeps a labelled frontend that loads no new key, and sends a token of another secret.
func (e *environment) doctorFindsStalePod() {
	app := e.apply("stale", small)
	e.awaitReady(app)
	e.expect(tasks(app, "alice", "eyJhbGciOiJIUzI1NiIsImtpZCI6IjcifQ.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"), http.StatusUnauthorized)
	e.finds("stale", "frontend", "has refused 1 token of unknown keys")
	pod := e.signer("old", app)
	must(e, cluster.Create(e.Context(), pod))
	e.await("the pod", startWithin, func() error {
		e.get(pod, pod.Name)
		if pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("it is %s", pod.Status.Phase)
		}
		return nil
	})
	e.run(0, []string{"rotate", "stale"}, "is being replaced")
	e.finds("stale", "pods", "pod old is older than the last change of Secret stale-frontend-auth")
	must(e, cluster.Delete(e.Context(), pod, client.GracePeriodSeconds(1)))
	e.run(0, []string{"rotate", "stale", "--wait"}, "key 2")
}

// signer returns a labelled pod that has its keys in its environment.
func (e *environment) signer(name string, app *todov1.TodoApp) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name, Labels: map[string]string{
			todov1.LabelApp: app.Name, todov1.LabelComponent: todov1.ComponentFrontend, labelRun: runID}},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(1)),
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(65532)),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name: "signer", Image: probeImage, Args: []string{"agent"},
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false),
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
				EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
					LocalObjectReference: corev1.LocalObjectReference{Name: desired.FrontendSecret(app)}}}},
			}},
		},
	}
}

// doctorFindsDatabase cuts the way to the database.
func (e *environment) doctorFindsDatabase() {
	way := openGate(e.T, databaseURL(e.T))
	e.secret("doctor-db", "url", way.url.String())
	app := e.apply("dbless", `{backend: {storage: {postgres: {urlSecretRef: {name: doctor-db, key: url}}}}}`)
	e.awaitReady(app)
	way.shut()
	e.finds("dbless", "database", "does not serve")
	e.finds("dbless", "status", "BackendAvailable is False")
	way.open()
	e.finds("dbless", "database", "the database of each pod serves")
}

// TestPluginWithoutTheOperator takes away the policy and the operator, and lets doctor find that.
func TestPluginWithoutTheOperator(t *testing.T) {
	e := newEnvironment(t)
	var binding admissionv1.ValidatingAdmissionPolicyBinding
	must(t, cluster.Get(t.Context(), client.ObjectKey{Name: operator + "-managed-secrets"}, &binding))
	must(t, cluster.Delete(t.Context(), &binding))
	restore := func() {
		binding.ObjectMeta = metav1.ObjectMeta{Name: binding.Name, Labels: binding.Labels, Annotations: binding.Annotations}
		must(t, client.IgnoreAlreadyExists(cluster.Create(context.Background(), &binding)))
	}
	t.Cleanup(restore)
	e.run(1, []string{"doctor"}, "the policy about managed Secrets has no binding")
	restore()
	back := e.alterOperator(func(d *appsv1.DeploymentSpec) { d.Replicas = new(int32(0)) })
	e.run(1, []string{"doctor"}, "0 of 0 replicas are ready", "the API server does not reach the webhook")
	back()
	e.await("a healthy installation", startWithin, func() error {
		if status, output := e.plugin(e.Context(), "", "doctor"); status != 0 {
			return fmt.Errorf("doctor says\n%s", output)
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(e.Context(), time.Minute)
	defer cancel()
	if status, output := e.plugin(ctx, "", "doctor"); status != 0 || !strings.Contains(output, "No fault was found.") {
		t.Errorf("doctor says %d\n%s", status, output)
	}
}
