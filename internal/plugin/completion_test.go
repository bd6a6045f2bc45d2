package plugin

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// complete returns what the plugin completes in a namespace.
func complete(t *testing.T, namespace string, args ...string) string {
	t.Helper()
	var out, err bytes.Buffer
	args = append([]string{"--kubeconfig", server.kubeconfig, "-n", namespace}, args...)
	status := Run(t.Context(), "/usr/bin/kubectl_complete-todoapp", "", args,
		genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &err})
	if status != 0 {
		t.Errorf("completing %v: %d %s", args, status, err.String())
	}
	return out.String()
}

// TestFlagsAreCompleted completes the values of flags. A flag that names no file must not complete files.
func TestFlagsAreCompleted(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", withFrontend, drainingStatus)
	create(t, plainSecret(namespace, "api", existing))
	create(t, plainSecret(namespace, "web", existing))
	const none, files = ":4\n", ":0\n"
	for args, want := range map[string]string{
		"status shop -o":          "json\nyaml\n" + none,
		"verify shop -o":          "json\nyaml\n" + none,
		"doctor shop -o":          "json\nyaml\n" + none,
		"report shop -o":          files,
		"backup shop -f":          files,
		"adopt":                   none,
		"adopt shop --frontend":   "api\nweb\n" + none,
		"adopt shop --backend":    "api\nweb\n" + none,
		"revoke shop --key":       "3\tActive\n2\tRetiring\n" + none,
		"revoke nothing --key":    none,
		"revoke shop --before":    none,
		"rotate shop --at":        none,
		"rotate -l":               none,
		"token shop --for":        none,
		"token shop --subject":    none,
		"restore shop":            files,
		"rotate shop --timeout":   none,
		"revoke shop -y --before": none,
	} {
		if got := complete(t, namespace, append(strings.Fields(args), "")...); got != want {
			t.Errorf("%q is completed by %q, expected %q", args, got, want)
		}
	}
	if got := complete(t, namespace, "doctor", "--operator-namespace", ""); !strings.Contains(got, namespace+"\n") {
		t.Errorf("the namespaces are %q", got)
	}
}

func TestNamesAreCompleted(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", "{}", "")
	newApp(t, namespace, "notes", "{}", "")
	complete := func(args ...string) string { return complete(t, namespace, args...) }
	if got := complete("status", ""); got != "notes\nshop\n:4\n" {
		t.Errorf("the names are %q", got)
	}
	if got := complete("status", "shop", ""); got != ":4\n" {
		t.Errorf("the names after the first are %q", got)
	}
	if got := complete("rotate", "shop", ""); got != "notes\n:4\n" {
		t.Errorf("the names to rotate are %q", got)
	}
	if got := complete("status", "--context", ""); got != "test\n:4\n" {
		t.Errorf("the contexts are %q", got)
	}
	if got := complete("status", "-n", ""); !strings.Contains(got, namespace+"\n") {
		t.Errorf("the namespaces are %q", got)
	}
	if got := complete("ro"); !strings.HasPrefix(got, "rotate\t") {
		t.Errorf("the commands are %q", got)
	}
}
