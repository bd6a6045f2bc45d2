package integration_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	secretA = "aFh3-kQ9zX_7Lw2mRt5YvB8nCj4PsD6e"
	secretB = "bGj4-mS8yW_6Kv1nQu3XzA9pHf5TrE7d"
)

// kubectl runs the real one with a manifest as its input and returns what it printed.
func kubectl(t *testing.T, manifest string, args ...string) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(config, environment.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(assets, "kubectl"), args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+config, "KUBECACHEDIR="+filepath.Join(os.TempDir(), "kubectl-cache"))
	command.Stdin = strings.NewReader(manifest)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	_ = command.Run() // what it printed tells
	return strings.TrimSpace(output.String())
}

// namespace makes one for a test.
func namespace(t *testing.T, name string) string {
	t.Helper()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := admin.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return name
}

// secret makes a Secret of "entry", "value" pairs.
func secret(t *testing.T, namespace, name string, entries ...string) *corev1.Secret {
	t.Helper()
	object := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, StringData: map[string]string{}}
	for i := 0; i < len(entries); i += 2 {
		object.StringData[entries[i]] = entries[i+1]
	}
	if err := admin.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return object
}

// owned makes a Secret that belongs to an app.
func owned(t *testing.T, namespace, name, app, component string, entries ...string) *corev1.Secret {
	t.Helper()
	object := secret(t, namespace, name, entries...)
	object.Labels = map[string]string{
		"todoapp.dev/app": app, "todoapp.dev/component": component, "app.kubernetes.io/managed-by": "todoapp-operator",
	}
	object.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "todoapp.dev/v1alpha1", Kind: "TodoApp", Name: app, UID: "1", Controller: new(true),
	}}
	if err := operator(t).Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return object
}

// ringData is the data of a keyring Secret with one key.
func ringData(t *testing.T, value keyring.Value) string {
	t.Helper()
	at := time.Unix(1, 0)
	data, err := keyring.Ring{Keys: []keyring.Key{{Version: 1, Value: value, CreatedAt: at, PromotedAt: at}}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(data[keyring.StorageKey])
}

// example is an object and what kubectl prints about it. docs/admission.md shows them all.
type example struct {
	rule string
	// app is what the object is called, or the app that its labels name; shop exists.
	app string
	// spec is a TodoApp's, labels and containers are a Deployment's.
	spec, labels, containers string
	printed                  string
}

func (e example) manifest() string {
	if e.containers == "" {
		return "{apiVersion: todoapp.dev/v1alpha1, kind: TodoApp, metadata: {name: " + e.app + ", namespace: team-a}, spec: {" + e.spec + "}}"
	}
	labels := "{todoapp.dev/app: " + e.app + ", " + e.labels + "}"
	return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: team-a, labels: " + labels + "}, " +
		"spec: {selector: {matchLabels: {todoapp.dev/app: " + e.app + "}}, template: {metadata: {labels: " + labels + "}, " +
		"spec: {containers: [" + e.containers + "]}}}}"
}

const frontend = "todoapp.dev/component: frontend"

var examples = []example{
	{rule: "T1", app: "todo", spec: "frontend: {secretRef: {name: old-web}}, backend: {secretRef: {name: old-api}}",
		printed: `The TodoApp "todo" is invalid: spec.frontend.secretRef.name: Forbidden: Secrets "old-web" and "old-api" hold different secrets: make them equal or delete the wrong one`},
	{rule: "T2", app: "todo", spec: "frontend: {secretRef: {name: blog-frontend-auth}}",
		printed: `The TodoApp "todo" is invalid: spec.frontend.secretRef.name: Forbidden: Secret "blog-frontend-auth" belongs to TodoApp "blog": choose another name`},
	{rule: "T3", app: "shop", spec: "backend: {secretRef: {name: old-api}}",
		printed: `The TodoApp "shop" is invalid: spec.backend.secretRef.name: Forbidden: Secret "old-api" holds a secret of its own; to replace it, annotate the TodoApp todoapp.dev/replace-secret=old-api`},
	{rule: "T4", app: "todo", spec: "auth: {source: {secretRef: {name: vault, key: weak}}}",
		printed: `The TodoApp "todo" is invalid: spec.auth.source.secretRef: Forbidden: entry "weak" of Secret "vault" has 5 characters, at least 32 are needed`},
	{rule: "T4 warning", app: "later", spec: "auth: {source: {secretRef: {name: later, key: key}}}",
		printed: `Warning: spec.auth.source.secretRef: Secret "later" does not exist yet: the app waits for it` + "\n" + `todoapp.todoapp.dev/later created`},
	{rule: "T5", app: "todo", spec: "backend: {env: [{name: KEY, valueFrom: {secretKeyRef: {name: vault, key: BETTER_AUTH_SECRET}}}]}",
		printed: `The TodoApp "todo" is invalid: spec.backend.env[KEY]: Forbidden: KEY draws in BETTER_AUTH_SECRET, which the operator sets itself: remove it`},
	{rule: "T6", app: "todo", spec: "backend: {replicas: 2}",
		printed: `The TodoApp "todo" is invalid: spec.backend: Invalid value: more than one replica needs storage.postgres: SQLite serves one pod`},
	{rule: "T7", app: "shop", spec: "backend: {storage: {postgres: {urlSecretRef: {name: db, key: DATABASE_URL}}}}",
		printed: `The TodoApp "shop" is invalid: spec.backend.storage: Forbidden: changing sqlite to postgres leaves the tasks behind; to do it, annotate the TodoApp todoapp.dev/allow-storage-change=true`},
	{rule: "W1", app: "shop", labels: frontend, containers: "{name: web, image: web, envFrom: [{secretRef: {name: old-web}}]}",
		printed: `The Deployment "web" is invalid: spec.template.spec.containers[web].envFrom[0]: Forbidden: BETTER_AUTH_SECRET comes from Secret "old-web": take it from "shop-frontend-auth"`},
	{rule: "W2", app: "absent", labels: frontend, containers: "{name: web, image: web, envFrom: [{secretRef: {name: old-web}}]}, {name: log, image: log, envFrom: [{secretRef: {name: old-api}}]}",
		printed: `Warning: TodoApp "absent" does not exist yet: the Secret that this workload uses is not checked` + "\n" +
			`The Deployment "web" is invalid: spec.template.spec: Forbidden: takes keys from several Secrets (old-api, old-web): one pod uses one`},
	{rule: "W3", app: "shop", labels: frontend, containers: "{name: web, image: web, envFrom: [{secretRef: {name: shop-keyring}}]}",
		printed: `The Deployment "web" is invalid: spec.template.spec.containers[web].envFrom[0]: Forbidden: Secret "shop-keyring" is a keyring, which no pod may read: use "shop-frontend-auth"`},
	{rule: "W4", app: "shop", labels: "todoapp.dev/component: web", containers: "{name: web, image: web, envFrom: [{secretRef: {name: shop-frontend-auth}}]}",
		printed: `The Deployment "web" is invalid: metadata.labels[todoapp.dev/component]: Forbidden: must be frontend or backend: it decides which Secret the pods may use`},
	{rule: "W4 warning", app: "absent", labels: frontend, containers: "{name: web, image: web, envFrom: [{secretRef: {name: absent-frontend-auth}}]}",
		printed: `Warning: TodoApp "absent" does not exist yet: the Secret that this workload uses is not checked` + "\n" + `deployment.apps/web created`},
	{rule: "W5", app: "shop", labels: frontend, containers: "{name: web, image: web}",
		printed: `Warning: spec.template.spec: takes no key: without Secret "shop-frontend-auth" it can neither sign nor verify` + "\n" + `deployment.apps/web created`},
}

func TestMessages(t *testing.T) {
	ns := namespace(t, "team-a")
	secret(t, ns, "old-web", "BETTER_AUTH_SECRET", secretA)
	secret(t, ns, "old-api", "BETTER_AUTH_SECRET", secretB)
	secret(t, ns, "vault", "weak", "short")
	owned(t, ns, "blog-frontend-auth", "blog", "frontend", "BETTER_AUTH_SECRET", secretA)
	owned(t, ns, "shop-keyring", "shop", "keyring", keyring.StorageKey, ringData(t, secretA))
	if got := kubectl(t, example{app: "shop"}.manifest(), "create", "-f-"); got != "todoapp.todoapp.dev/shop created" {
		t.Fatal(got)
	}
	documentation, err := os.ReadFile("../../docs/admission.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range examples {
		t.Run(e.rule, func(t *testing.T) {
			// A dry run says the same and leaves nothing behind: creating follows it.
			for _, args := range [][]string{{"create", "--dry-run=server", "-f-"}, {"apply", "--server-side", "-f-"}} {
				got := strings.ReplaceAll(kubectl(t, e.manifest(), args...), " (server dry run)", "")
				got = strings.ReplaceAll(got, "serverside-applied", "created")
				if got != e.printed && !strings.Contains(got, "already exists") {
					t.Errorf("%s\n%v\ngot  %s\nwant %s", e.manifest(), args, got, e.printed)
				}
			}
			if strings.HasSuffix(e.printed, "/web created") {
				kubectl(t, "", "delete", "deployment", "-n", ns, "web")
			}
			said := strings.Split(e.printed, "\n")[0]
			for _, part := range []string{e.spec, e.containers, said} {
				if !strings.Contains(string(documentation), part) {
					t.Errorf("docs/admission.md does not show %s", part)
				}
			}
		})
	}
}
