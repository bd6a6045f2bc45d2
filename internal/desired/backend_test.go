package desired_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/origin"
)

// containerOf returns the only container of an app's Deployment.
func containerOf(t *testing.T, name string, change func(*todov1.TodoApp)) map[string]any {
	t.Helper()
	for _, object := range desired.Objects(app(change), keys, desired.Images{TaskAPI: "todoapp-operator:1.0"}, desired.Network{}) {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			t.Fatal(err)
		}
		u := unstructured.Unstructured{Object: content}
		if u.GetKind() != "Deployment" || u.GetName() != name {
			continue
		}
		containers, _, err := unstructured.NestedSlice(content, "spec", "template", "spec", "containers")
		if err != nil || len(containers) != 1 {
			t.Fatalf("%s has the containers %v, %v", name, containers, err)
		}
		return containers[0].(map[string]any)
	}
	t.Fatalf("there is no Deployment %s", name)
	return nil
}

// Kubernetes replaces $(NAME) in arguments and variables, and turns $$ into $.
func TestDollarsStayAsTheyAre(t *testing.T) {
	dollars := func(a *todov1.TodoApp) {
		a.Spec.Auth.Tokens.Issuer, a.Spec.Auth.Tokens.Audience = "a$(HOSTNAME)", "$$b$"
		a.Spec.Frontend.Image, a.Spec.Frontend.URL = "web:1", "https://todo.example.com/$(HOME)"
	}
	args, _, err := unstructured.NestedStringSlice(containerOf(t, "todo-backend", dollars), "args")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--issuer=a$$(HOSTNAME)", "--audience=$$$$b$$"} {
		if !slices.Contains(args, want) {
			t.Errorf("%s is missing in %v", want, args)
		}
	}
	variables, _, err := unstructured.NestedSlice(containerOf(t, "todo-frontend", dollars), "env")
	if err != nil {
		t.Fatal(err)
	}
	got := map[any]any{}
	for _, v := range variables {
		got[v.(map[string]any)["name"]] = v.(map[string]any)["value"]
	}
	for name, want := range map[string]string{
		"JWT_ISSUER": "a$$(HOSTNAME)", "JWT_AUDIENCE": "$$$$b$$", "BETTER_AUTH_URL": "https://todo.example.com/$$(HOME)",
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %s", name, got[name], want)
		}
	}
}

// The API starts only with origins that browsers send.
func TestOriginsAreAsBrowsersSendThem(t *testing.T) {
	for name, c := range map[string]struct {
		url   string
		named []string
		want  string
	}{
		"none":               {want: ""},
		"a path":             {url: "https://todo.example.com/app", want: "https://todo.example.com"},
		"upper case":         {url: "HTTPS://Todo.Example.com", want: "https://todo.example.com"},
		"default port":       {url: "https://todo.example.com:443/", want: "https://todo.example.com"},
		"default port, http": {url: "http://[::1]:80", want: "http://[::1]"},
		"another port":       {url: "http://todo.example.com:443", want: "http://todo.example.com:443"},
		"empty port":         {url: "http://todo.example.com:", want: "http://todo.example.com"},
		"a user":             {url: "https://u:p@todo.example.com", want: "https://todo.example.com"},
		"not sent":           {url: "https://bücher.example", want: ""},
		"no port":            {url: "https://todo.example.com:0", want: ""},
		"all":                {named: []string{"*"}, want: "*"},
		"named": {url: "https://no.example.com", want: "https://a.example.com,https://b.example.com:8443",
			named: []string{"https://A.example.com", "https://a.example.com:443", "https://b.example.com:8443", "https://*.example.com",
				"https://c.example.com:abc"}},
	} {
		t.Run(name, func(t *testing.T) {
			args, _, err := unstructured.NestedStringSlice(containerOf(t, "todo-backend", func(a *todov1.TodoApp) {
				a.Spec.Frontend.URL, a.Spec.Backend.CORS.AllowedOrigins = c.url, c.named
			}), "args")
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, arg := range args {
				if list, found := strings.CutPrefix(arg, "--cors-allowed-origins="); found {
					got = list
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for allowed := range strings.SplitSeq(got, ",") {
				if err := origin.Check(allowed); got != "" && err != nil {
					t.Error(err)
				}
			}
		})
	}
}
