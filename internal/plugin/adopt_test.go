package plugin

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const existing = "existing-key-0123456789abcdefghijklmnop"

// plainSecret returns a Secret as a user made it.
func plainSecret(namespace, name, value string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data: map[string][]byte{"BETTER_AUTH_SECRET": []byte(value)}, Type: corev1.SecretTypeOpaque}
}

func TestAdoptNamesProblems(t *testing.T) {
	for text, spoil := range map[string]func(web, api *corev1.Secret){
		"contain different values of BETTER_AUTH_SECRET": func(_, api *corev1.Secret) {
			api.Data["BETTER_AUTH_SECRET"] = []byte("x" + existing)
		},
		"They differ in space or line breaks at their ends only": func(_, api *corev1.Secret) {
			api.Data["BETTER_AUTH_SECRET"] = []byte(existing + "\n")
		},
		"Secret api has a value with a comma, a line break or space around it": func(_, api *corev1.Secret) {
			api.Data["BETTER_AUTH_SECRET"] = []byte(existing + "\n")
		},
		"Secret web has no entry BETTER_AUTH_SECRET": func(web, _ *corev1.Secret) { web.Data = nil },
		"Secret web also holds DATABASE_URL":         func(web, _ *corev1.Secret) { web.Data["DATABASE_URL"] = []byte("postgres://x") },
		"Secret web is immutable":                    func(web, _ *corev1.Secret) { web.Immutable = new(true) },
		"Secret web has the type kubernetes.io/tls":  func(web, _ *corev1.Secret) { web.Type = corev1.SecretTypeTLS },
		"Secret api is handed over to TodoApp other": func(_, api *corev1.Secret) {
			api.Annotations = map[string]string{todov1.AnnotationAdopt: "other"}
		},
		"one Secret for both components cannot be adopted": func(_, api *corev1.Secret) { api.Name = "web" },
		"": func(_, _ *corev1.Secret) {},
	} {
		web, api := plainSecret("x", "web", existing), plainSecret("x", "api", existing)
		spoil(web, api)
		found := strings.Join(adoptionProblems(adoption{name: "shop", frontend: "web", backend: "api"}.app("x"), web, api), "\n")
		if !strings.Contains(found, text) || text == "" && found != "" || strings.Contains(found, existing) {
			t.Errorf("the problems are %q, expected %q", found, text)
		}
	}
}

func TestAdopt(t *testing.T) {
	namespace := newNamespace(t)
	create(t, plainSecret(namespace, "web", existing))
	create(t, plainSecret(namespace, "api", existing))
	create(t, plainSecret(namespace, "else", "y"+existing))
	adopt := func(args ...string) result {
		return run(t, namespace, "", append([]string{"adopt", "shop", "--frontend", "web"}, args...)...)
	}
	adopt().want(t, exitUsage, "--frontend and --backend are required")
	adopt("--backend", "nothing").want(t, exitFailed, "has no Secret nothing: kubectl -n ")
	adopt("--backend", "else", "--apply").want(t, exitFailed, "Not possible yet", "contain different values")
	possible := adopt("--backend", "api")
	possible.want(t, 0, "Possible.", "Nothing was changed")
	golden(t, "adopt", "adopt shop --frontend web --backend api", possible.out)
	mark := func() string {
		var secret corev1.Secret
		if err := server.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "web"}, &secret); err != nil {
			t.Fatal(err)
		}
		return secret.Annotations[todov1.AnnotationAdopt]
	}
	if mark() != "" {
		t.Error("a check hands the Secret over")
	}
	adopt("--backend", "api", "--apply").want(t, 0, "Done. Next: label your workloads")
	app := stored(t, &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}})
	if mark() != "shop" || app.Spec.Backend.SecretRef.Name != "api" || *app.Spec.Backend.Replicas != 0 ||
		app.Spec.Auth.Rotation.Interval.Duration != 0 {
		t.Errorf("the mark is %q, and the spec is %+v", mark(), app.Spec)
	}
	adopt("--backend", "api", "--apply").want(t, exitFailed, "exists already")
}

func TestAdoptThatIsRefusedLeavesNoMark(t *testing.T) {
	namespace := newNamespace(t)
	create(t, plainSecret(namespace, "web", existing))
	create(t, plainSecret(namespace, "api", existing))
	run(t, namespace, "", "adopt", "Not-A-Name", "--frontend", "web", "--backend", "api", "--apply").want(t, exitFailed,
		"creating TodoApp Not-A-Name")
	run(t, namespace, "", "adopt", "Not-A-Name", "--frontend", "web", "--backend", "api").want(t, exitFailed,
		"creating TodoApp Not-A-Name as a dry run")
	newApp(t, namespace, "other", "{backend: {image: x, secretRef: {name: api}}}", "")
	newApp(t, namespace, "copier", "{auth: {source: {secretRef: {name: web, key: x}}}}", "")
	run(t, namespace, "", "adopt", "shop", "--frontend", "web", "--backend", "api", "--apply").want(t, exitFailed, "Not possible yet",
		"Secret web is used by TodoApp copier", "Secret api is used by TodoApp other")
	for _, name := range []string{"web", "api"} {
		var secret corev1.Secret
		if err := server.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &secret); err != nil {
			t.Fatal(err)
		}
		if len(secret.Annotations) > 0 {
			t.Errorf("Secret %s has the annotations %v", name, secret.Annotations)
		}
	}
}

// TestAdoptFindsMissingRights expects an error before --apply, which would fail at the last step.
func TestAdoptFindsMissingRights(t *testing.T) {
	namespace := newNamespace(t)
	create(t, plainSecret(namespace, "web", existing))
	create(t, plainSecret(namespace, "api", existing))
	rule := func(group, resource string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
	}
	for user, verbs := range map[string][]string{"adam": {"get"}, "ada": {"get", "patch"}} {
		bindRules(t, namespace, user, rule("todoapp.dev", "todoapps", "get", "list"), rule("", "secrets", verbs...))
	}
	adopt := func(user string) result {
		return run(t, namespace, "", "adopt", "shop", "--frontend", "web", "--backend", "api", "--as", user)
	}
	adopt("adam").want(t, exitFailed, "you lack rights", "create todoapps.todoapp.dev, patch secrets")
	adopt("ada").want(t, exitFailed, "you lack rights", ": create todoapps.todoapp.dev.")
}

const pausedStatus = `
conditions:
- {type: Paused, status: "True", reason: Paused, message: Paused., lastTransitionTime: "2026-11-26T11:00:00Z"}
plan: ["publish key 2", "update Deployment shop-backend: replicas 2 -> 3"]
`

func TestPauseAndResume(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", "{}", pausedStatus)
	run(t, namespace, "", "resume", "shop").want(t, 0, "TodoApp shop is not paused.")
	run(t, namespace, "", "pause", "shop").want(t, 0, "TodoApp shop is paused. The operator would:", "- publish key 2", "resume shop")
	if app = stored(t, app); !app.Paused() {
		t.Error("the app is not paused")
	}
	run(t, namespace, "", "resume", "shop").want(t, 0, "is resumed. The operator carries out:", "- update Deployment shop-backend")
	if app = stored(t, app); app.Paused() {
		t.Error("the app is still paused")
	}
	held := appOf(t, "{}", pausedStatus)
	golden(t, "pause", "pause shop -n web", pausedText(held))
	golden(t, "resume", "resume shop -n web", resumedText(held.Name, held.Status.Plan))
}
