package plugin

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/testenv"
)

var update = flag.Bool("update", false, "write the golden files")

// server is the API server of the tests, and a client of its administrator.
var server struct {
	config     *rest.Config
	kubeconfig string
	client.Client
}

func TestMain(m *testing.M) {
	testenv.Main(m, func(config *rest.Config) {
		folder, err := os.MkdirTemp("", "plugin")
		if err != nil {
			panic(err)
		}
		server.config, server.kubeconfig = config, filepath.Join(folder, "kubeconfig")
		file := clientcmdapi.NewConfig()
		file.Clusters["test"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
		file.AuthInfos["test"] = &clientcmdapi.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}
		file.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
		file.CurrentContext = "test"
		if err := clientcmd.WriteToFile(*file, server.kubeconfig); err != nil {
			panic(err)
		}
		if server.Client, err = client.New(config, client.Options{Scheme: scheme()}); err != nil {
			panic(err)
		}
	})
}

// result is the outcome of one run of the plugin.
type result struct {
	status   int
	out, err string
}

// run runs the plugin in a namespace.
func run(t *testing.T, namespace, input string, args ...string) result {
	t.Helper()
	return runContext(t.Context(), namespace, input, args...)
}

func runContext(ctx context.Context, namespace, input string, args ...string) result {
	var out, err bytes.Buffer
	args = append(args, "--kubeconfig", server.kubeconfig, "-n", namespace)
	status := Run(ctx, "kubectl-todoapp", "v1.2.3", args,
		genericiooptions.IOStreams{In: strings.NewReader(input), Out: &out, ErrOut: &err})
	return result{status, out.String(), err.String()}
}

// want fails unless the run had the status and its output contains the texts.
func (r result) want(t *testing.T, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("the exit status is %d, expected %d\n%s%s", r.status, status, r.out, r.err)
	}
	for _, text := range texts {
		if all := flat(r.out + r.err); !strings.Contains(all, text) {
			t.Errorf("the output lacks %q:\n%s%s", text, r.out, r.err)
		}
	}
}

// flat joins wrapped lines.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// newNamespace creates a namespace.
func newNamespace(t *testing.T) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "plugin-"}}
	create(t, namespace)
	return namespace.Name
}

func create(t *testing.T, object client.Object) {
	t.Helper()
	if err := server.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// newApp creates a TodoApp with a spec and a status in YAML.
func newApp(t *testing.T, namespace, name, spec, status string) *todov1.TodoApp {
	t.Helper()
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	parse(t, spec, &app.Spec)
	create(t, app)
	if status != "" {
		setStatus(t, app, status)
	}
	return app
}

// setStatus replaces the status of an app, as the operator does. The status is of the present generation.
func setStatus(t *testing.T, app *todov1.TodoApp, status string) {
	t.Helper()
	key := client.ObjectKeyFromObject(app)
	if err := server.Get(t.Context(), key, app); err != nil {
		t.Fatal(err)
	}
	app.Status = todov1.TodoAppStatus{}
	parse(t, status, &app.Status)
	app.Status.ObservedGeneration = app.Generation
	if err := server.Status().Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// stored reads an app again.
func stored(t *testing.T, app *todov1.TodoApp) *todov1.TodoApp {
	t.Helper()
	again := &todov1.TodoApp{}
	if err := server.Get(t.Context(), client.ObjectKeyFromObject(app), again); err != nil {
		t.Fatal(err)
	}
	return again
}

// golden compares a transcript with a file of testdata. The page about the plugin shows the same files.
func golden(t *testing.T, name, command, output string) {
	t.Helper()
	for line := range strings.Lines(output) {
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > width {
			t.Errorf("a line has more than %d columns: %s", width, line)
		}
	}
	text, path := "$ kubectl todoapp "+command+"\n"+output, filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s: got\n%s\nexpected\n%s", path, text, want)
	}
}

// noon is the moment of every golden file.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
