package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// testLayout returns a layout whose files are in the test's temporary folder.
func testLayout(t *testing.T) layout {
	t.Helper()
	l := newLayout(t.TempDir())
	l.Name, l.State, l.Run = "test", t.TempDir(), t.TempDir()
	l.Lock = filepath.Join(l.Run, "lock")
	return l
}

func TestConfigIsWellFormed(t *testing.T) {
	l := testLayout(t)
	if err := l.writeConfig(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(l.State + "/*/*")
	if err != nil || len(files) < 8 {
		t.Fatalf("wrote %v, %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "{{") || strings.Contains(string(content), "<no value>") {
			t.Errorf("%s is not filled in", file)
		}
		switch filepath.Ext(file) {
		case ".yaml", ".conflist":
			for _, document := range strings.Split(string(content), "\n---\n") {
				var object map[string]any
				if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil || len(object) == 0 {
					t.Errorf("%s: %v, %v", file, object, err)
				}
			}
		}
	}
}

// TestFilesExist checks that every file which a flag or setting names is also written.
func TestFilesExist(t *testing.T) {
	l := testLayout(t)
	if err := l.writeConfig(); err != nil {
		t.Fatal(err)
	}
	if err := l.writeCredentials(noon); err != nil {
		t.Fatal(err)
	}
	var mentioned strings.Builder
	for _, c := range []component{
		l.etcd(), l.apiServer(true), l.controllerManager(), l.scheduler(),
		l.containerd(), l.kubelet(), l.kubeProxy(), l.coreDNS(),
	} {
		mentioned.WriteString(strings.Join(c.args, " ") + " ")
	}
	for _, name := range []string{"kubelet.yaml", "kube-proxy.yaml", "Corefile"} {
		content, err := l.render(name)
		if err != nil {
			t.Fatal(err)
		}
		mentioned.Write(content)
	}
	inside := regexp.MustCompile(`(` + l.PKI() + `|` + l.config() + `)/[\w.-]+`)
	found := inside.FindAllString(mentioned.String(), -1)
	if len(found) < 20 {
		t.Errorf("only %d files are mentioned", len(found))
	}
	for _, file := range found {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}
