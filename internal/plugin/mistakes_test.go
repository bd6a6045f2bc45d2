package plugin

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func TestNamesThatDoNotExist(t *testing.T) {
	app := func(namespace, name string) todov1.TodoApp {
		return todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	all := []todov1.TodoApp{app("web", "shop"), app("web", "notes"), app("blog", "todo"), app("one", "twin"), app("two", "twin")}
	missing := func(name, namespace string) error { return missingApp(name, namespace, all, true) }
	for text, err := range map[string]error{
		`no TodoApp "shpo" in namespace web; did you mean shop?`:                                    missing("shpo", "web"),
		`no TodoApp "zebra" in namespace web, which has shop, notes`:                                missing("zebra", "web"),
		`no TodoApp "todo" in namespace web; namespace blog has one: add -n blog`:                   missing("todo", "web"),
		`no TodoApp "twin" in namespace web; these namespaces have one: one, two: add -n NAMESPACE`: missing("twin", "web"),
		`no TodoApp in namespace default; there are some in blog, one, two, web: add -n NAMESPACE`:  missing("x", "default"),
		`no TodoApp in namespace x, nor in any other: is this the right cluster? (--cont`:           missingApp("x", "x", nil, true),
		`no TodoApp "x" in namespace x, and you may not list those of other namespaces`:             missingApp("x", "x", nil, false),
	} {
		if !strings.HasPrefix(err.Error(), text) {
			t.Errorf("the message is %q, expected %q", err, text)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", "{}", stableStatus)
	run(t, namespace, "", "status", "shpo").want(t, exitFailed, "did you mean shop?")
	run(t, namespace, "", "status").want(t, 0, namespace+"/shop Ready")
	newApp(t, namespace, "only-here", "{}", "")
	run(t, namespace, "", "status").want(t, exitUsage, "name one TodoApp; namespace "+namespace+" has only-here, shop")
	run(t, newNamespace(t), "", "status", "only-here").want(t, exitFailed, "add -n "+namespace)
	run(t, namespace, "", "stauts", "shop").want(t, exitUsage,
		`unknown command "stauts"; did you mean status?`, "kubectl todoapp --help")
	run(t, namespace, "", "status", "shop", "x").want(t, exitUsage, "name one TodoApp", `Run "kubectl todoapp status --help"`)
	run(t, namespace, "", "rotate", "--yes").want(t, exitUsage, "unknown flag: --yes")
	run(t, namespace, "", "rotate").want(t, exitUsage, "name the TodoApps, or use -l SELECTOR or --all")
	run(t, namespace, "", "rotate", "shop", "--all").want(t, exitUsage, "only one of them")
	run(t, namespace, "", "status", "shpo", "-w").want(t, exitFailed, "did you mean shop?")
	run(t, namespace, "", "rotate", "shop", "--at", "tomorrow").want(t, exitUsage, `invalid value "tomorrow" for --at`, "RFC 3339")
	run(t, namespace, "", "rotate", "shop", "--context", "nowhere").want(t, exitUsage,
		`the kubeconfig has no context "nowhere"; it has test`)
	run(t, namespace, "", "rotate", "shop", "--context", "tset").want(t, exitUsage, `no context "tset"; did you mean test?`)
	run(t, namespace, "", "get", "shop").want(t, exitUsage, `unknown command "get"; the commands are adopt, backup, `, "verify")
	run(t, namespace, "", "status", "todoapp/shop").want(t, exitUsage, `name the TodoApp without "todoapp/": shop`)
}

// TestAnEmptyValueIsNoMissingFlag gives each flag of each command an empty value, as a script does whose variable is not set.
// Without the flag, a command may do more.
func TestAnEmptyValueIsNoMissingFlag(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", withFrontend, stableStatus)
	tried := 0
	for _, command := range rootCommand("", genericiooptions.IOStreams{}).Commands() {
		command.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Value.Type() == "bool" {
				return
			}
			tried++
			args := []string{command.Name(), "shop", "--" + flag.Name + "="}
			if command.Name() == "restore" {
				args = append(args, "tasks.db")
			}
			run(t, namespace, "shop\n", args...).want(t, exitUsage, "--"+flag.Name)
		})
	}
	if spec := stored(t, app).Spec.Auth.Rotation; spec.RevokeBefore != nil || spec.RotateAfter != nil || tried < 15 {
		t.Errorf("%d flags were tried, and the spec is %+v", tried, spec)
	}
	for _, version := range []string{"0", "-1"} {
		run(t, namespace, "", "revoke", "shop", "--yes", "--key", version).want(t, exitUsage, "for --key: must be the version of a key")
	}
}

// TestTheQuestionNamesTheCluster expects the context and the namespace before an answer, because an app of the same name may be in
// another cluster.
func TestTheQuestionNamesTheCluster(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", withFrontend, stableStatus)
	where := "This is namespace " + namespace + " of context test. Type the name"
	run(t, namespace, "", "revoke", "shop").want(t, exitFailed, where)
	run(t, namespace, "", "revoke", "shop", "--context", "test").want(t, exitFailed, where)
}

// TestClustersThatDoNotAnswer expects the context in the error, because the user may have meant another.
func TestClustersThatDoNotAnswer(t *testing.T) {
	file, err := clientcmd.LoadFromFile(server.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	file.Clusters["dead"] = &clientcmdapi.Cluster{Server: "https://127.0.0.1:1"}
	file.AuthInfos["stranger"] = &clientcmdapi.AuthInfo{Token: "unknown"}
	file.Contexts["dead"] = &clientcmdapi.Context{Cluster: "dead", AuthInfo: "test"}
	file.Contexts["expired"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "stranger"}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*file, path); err != nil {
		t.Fatal(err)
	}
	plugin := func(kubeconfig string, args ...string) result {
		var out, err bytes.Buffer
		status := Run(t.Context(), "kubectl-todoapp", "", append(args, "--kubeconfig", kubeconfig),
			genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &err})
		return result{status, out.String(), err.String()}
	}
	for _, args := range [][]string{{"status", "shop"}, {"status", "shop", "-w"}, {"doctor"}, {"rotate", "shop", "--wait"}} {
		plugin(path, append(args, "--context", "dead")...).want(t, exitFailed,
			"the API server of context dead cannot be reached", "--context", "connection refused")
		plugin(path, append(args, "--context", "expired")...).want(t, exitFailed, "does not accept your credentials")
	}
	if err := clientcmd.WriteToFile(*clientcmdapi.NewConfig(), path); err != nil {
		t.Fatal(err)
	}
	plugin(path, "status", "shop").want(t, exitUsage, "no kubeconfig names a cluster")
}

// bind lets a user read resources of a namespace one by one, and list pods if they are among them.
func bind(t *testing.T, namespace, user string, resources ...string) {
	t.Helper()
	var rules []rbacv1.PolicyRule
	for _, resource := range resources {
		rule := rbacv1.PolicyRule{APIGroups: []string{"todoapp.dev"}, Resources: []string{resource}, Verbs: []string{"get"}}
		if resource == "pods" {
			rule.APIGroups, rule.Verbs = []string{""}, []string{"list"}
		}
		rules = append(rules, rule)
	}
	bindRules(t, namespace, user, rules...)
}

// bindRules gives a user rights in a namespace.
func bindRules(t *testing.T, namespace, user string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	create(t, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user}, Rules: rules})
	create(t, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: user}}})
	for _, rule := range rules {
		awaitRight(t, user, authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: rule.Resources[0]})
	}
}

// awaitRight waits until the API server has taken notice of a right.
func awaitRight(t *testing.T, user string, right authorizationv1.ResourceAttributes) {
	t.Helper()
	allowed := func(ctx context.Context) (bool, error) {
		review := &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &right}}
		err := server.Create(ctx, review)
		return review.Status.Allowed, err
	}
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, 30*time.Second, true, allowed)
	if err != nil {
		t.Fatal(err)
	}
}

func TestMissingRightsAreNamed(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", "{}", stableStatus)
	run(t, namespace, "", "status", "shop", "--as", "nadia").want(t, exitFailed,
		"you lack rights in namespace "+namespace+": get todoapps.todoapp.dev, list pods.")

	bind(t, namespace, "nadia", "todoapps")
	run(t, namespace, "", "status", "shop", "--as", "nadia").want(t, exitFailed, ": list pods.")
	run(t, namespace, "", "token", "shop", "--subject", "alice", "--as", "nadia").want(t, exitFailed, ": get secrets.")
	run(t, namespace, "", "rotate", "shop", "--as", "nadia").want(t, exitFailed,
		"list todoapps.todoapp.dev, patch todoapps.todoapp.dev")
	run(t, namespace, "", "status", "nothing", "--as", "nadia").want(t, exitFailed, `no TodoApp "nothing"`, "you may not list")
}

func TestClusterWithoutTheOperator(t *testing.T) {
	namespace := newNamespace(t)
	crds := envtest.CRDInstallOptions{Paths: []string{"../../config/crd"}}
	if err := envtest.UninstallCRDs(server.config, crds); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := envtest.InstallCRDs(server.config, crds); err != nil {
			t.Error(err)
		}
	})
	deadline := time.Now().Add(10 * time.Second)
	got := run(t, namespace, "", "status", "shop")
	for strings.Contains(got.err, "no TodoApp") && time.Now().Before(deadline) { // the API server serves the CRD for a moment
		got = run(t, namespace, "", "status", "shop")
	}
	got.want(t, exitFailed, "the operator is not installed", "--context")
}

// TestHelpFits fails if a line of a help page is wider than the output of commands.
func TestHelpFits(t *testing.T) {
	pages := []string{"--help"}
	for _, command := range rootCommand("", genericiooptions.IOStreams{}).Commands() {
		pages = append(pages, command.Name())
	}
	for _, page := range pages {
		text := run(t, "default", "", page, "--help")
		text.want(t, 0, "--context string")
		for line := range strings.Lines(text.out) {
			if utf8.RuneCountInString(strings.TrimSpace(line)) > width {
				t.Errorf("the help of %s has a line of more than %d columns: %s", page, width, line)
			}
		}
	}
}
