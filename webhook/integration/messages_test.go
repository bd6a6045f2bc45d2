package integration_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// namespace creates a namespace for a test, and returns its name: the given one and a random end, so that a test can run more than
// once.
func namespace(t *testing.T, name string) string {
	t.Helper()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-"}}
	if err := admin.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return object.Name
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

// handedOver marks a Secret as its owner does to have an app adopt it.
func handedOver(t *testing.T, object *corev1.Secret, app string) *corev1.Secret {
	t.Helper()
	if err := admin.Patch(t.Context(), object, merge(`{"metadata":{"annotations":{"todoapp.dev/adopt":"`+app+`"}}}`)); err != nil {
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

// example is a row of docs/admission.md: an object, and what kubectl prints about it.
type example struct {
	rule string
	// kind is TodoApp or Deployment.
	kind string
	// app is what the TodoApp is called, or the app that the Deployment's labels name.
	app, component string
	// plain says that the Deployment's pods have no such labels.
	plain bool
	// spec is a TodoApp's spec or a Deployment's containers.
	spec    string
	message string
}

func (e example) manifest() string {
	if e.kind == "TodoApp" {
		return "{apiVersion: todoapp.dev/v1alpha1, kind: TodoApp, metadata: {name: " + e.app + ", namespace: team-a}, " +
			"spec: {" + e.spec + "}}"
	}
	labels, podLabels := "todoapp.dev/app: "+e.app+", todoapp.dev/component: "+e.component, "run: web"
	if !e.plain {
		podLabels += ", " + labels
	}
	return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: team-a, labels: {" + labels + "}}, " +
		"spec: {selector: {matchLabels: {run: web}}, template: {metadata: {labels: {" + podLabels + "}}, " +
		"spec: {containers: [" + e.spec + "]}}}}"
}

var (
	row   = regexp.MustCompile("(?m)^\\| ([a-z-]+) \\| .* \\| (.*)`(.*)` \\| (.*) \\| .* \\|$")
	named = regexp.MustCompile("`(.*)`")
)

// documented reads the examples of the documentation. "of `x`" before one names its app, "as `x`" its component, and "with
// plain pods" says that these are not labelled.
func documented(t *testing.T) []example {
	t.Helper()
	text, err := os.ReadFile("../../docs/admission.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples []example
	for kind, title := range map[string]string{"TodoApp": "TodoApps", "Deployment": "Workloads"} {
		_, chapter, _ := strings.Cut(string(text), "\n## "+title+"\n")
		_, table, _ := strings.Cut(chapter, "| --- |\n")
		table, _, _ = strings.Cut(table, "\n\n")
		found := row.FindAllStringSubmatch(table, -1)
		for _, cells := range found {
			examples = append(examples, exampleOf(kind, cells))
		}
		if rows := strings.Count(table, "\n") + 1; rows != len(found) {
			t.Errorf("%d of %d rows about %s have an example and a message", len(found), rows, title)
		}
	}
	return examples
}

// exampleOf reads a row: its rule, what is said before the example, the example and the message.
func exampleOf(kind string, cells []string) example {
	e := example{kind: kind, rule: cells[1], app: "todo", component: "frontend", spec: cells[3]}
	e.plain = strings.HasPrefix(cells[2], "with plain pods")
	e.message = strings.ReplaceAll(strings.Trim(cells[4], "`"), "`<br>`", "\n")
	if kind == "Deployment" {
		e.app = "shop"
	}
	if name := named.FindStringSubmatch(cells[2]); name != nil && strings.HasPrefix(cells[2], "of ") {
		e.app = name[1]
	} else if name != nil {
		e.component = name[1]
	}
	return e
}

// maxLine is how many characters kubectl prints on a line, the kind, the name and the field included.
const maxLine = 170

func TestMessages(t *testing.T) {
	ns := namespace(t, "team-a")
	handedOver(t, secret(t, ns, "old-web", "BETTER_AUTH_SECRET", secretA), "todo")
	handedOver(t, secret(t, ns, "old-api", "BETTER_AUTH_SECRET", secretB), "todo")
	handedOver(t, secret(t, ns, "other", "BETTER_AUTH_SECRET", secretB), "shop")
	handedOver(t, secret(t, ns, "easy", "BETTER_AUTH_SECRET", "changeme-changeme-changeme-changeme"), "todo")
	frozen := handedOver(t, secret(t, ns, "frozen", "BETTER_AUTH_SECRET", secretA), "todo")
	frozen.Immutable = new(true)
	if err := admin.Update(t.Context(), frozen); err != nil {
		t.Fatal(err)
	}
	secret(t, ns, "mine", "BETTER_AUTH_SECRET", secretA)
	secret(t, ns, "stripe", "API_KEY", "x", "WEBHOOK", "y")
	secret(t, ns, "vault", "weak", "short")
	owned(t, ns, "blog-frontend-auth", "blog", "frontend", "BETTER_AUTH_SECRET", secretA)
	owned(t, ns, "shop-keyring", "shop", "keyring", keyring.StorageKey, ringData(t, secretA))
	owned(t, ns, "old-keyring", "old", "keyring", keyring.StorageKey, ringData(t, secretA))
	create(t, app("shop", "{}"), ns)
	rules := map[string]bool{}
	for _, e := range documented(t) {
		rules[e.rule] = true
		for line := range strings.Lines(e.message) {
			if len(line) > maxLine {
				t.Errorf("%d characters are too long for a line: %s", len(line), line)
			}
		}
		t.Run(e.rule+" "+e.spec, func(t *testing.T) {
			manifest := strings.ReplaceAll(e.manifest(), "team-a", ns)
			for _, args := range [][]string{{"create", "-f-"}, {"apply", "--server-side", "-f-"}} {
				got := strings.ReplaceAll(kubectl(t, manifest, append(args, "--dry-run=server")...), ns, "team-a")
				got = strings.ReplaceAll(done.ReplaceAllString(got, ""), olderValue, "Invalid value: ")
				if got != e.message && !strings.Contains(got, "already exists") {
					t.Errorf("%s\n%v\ngot  %s\nwant %s", e.manifest(), args, got, e.message)
				}
			}
		})
	}
	if len(rules) != 13 {
		t.Errorf("the documentation has examples of %d rules, want 13: %v", len(rules), slices.Sorted(maps.Keys(rules)))
	}
}

// The documentation shows what kubectl prints of the policy, too.
func TestMessageOfThePolicy(t *testing.T) {
	text, err := os.ReadFile("../../docs/admission.md")
	if err != nil {
		t.Fatal(err)
	}
	ns := namespace(t, "policy-message")
	owned(t, ns, "shop-keyring", "shop", "keyring")
	shown := "`kubectl delete secret shop-keyring` prints `" + kubectl(t, "", "delete", "secret", "shop-keyring", "-n", ns) + "`"
	if !strings.Contains(string(text), shown) {
		t.Errorf("docs/admission.md has no %s", shown)
	}
}

// olderValue begins the messages of rules of the schema before Kubernetes 1.31, which show a stand-in for the object.
const olderValue = `Invalid value: "object": `

// done is the line that says that an object was admitted.
var done = regexp.MustCompile(`(?m)\n\S+ (created|serverside-applied)( \(server dry run\))?$`)
