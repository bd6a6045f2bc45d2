// Package charts tests that Helm and kustomize install the same operator, and with which rights.
package charts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// helm renders the chart with the image that make builds, as make install does.
func helm(t *testing.T, args ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	return objects(t, render(t, args...))
}

func render(t *testing.T, args ...string) []byte {
	t.Helper()
	return run(t, "../bin/helm", append([]string{"template", "todoapp-operator", "todoapp-operator",
		"--namespace=todoapp-system", "--skip-tests", "--set=image.repository=todoapp-operator,image.tag=dev"}, args...)...)
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	// This walk makes the cache of go test depend on the files that the program reads.
	for _, folder := range []string{"todoapp-operator", "../config"} {
		if err := filepath.WalkDir(folder, func(string, fs.DirEntry, error) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	output, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			err = fmt.Errorf("%w\n%s", err, failed.Stderr)
		}
		t.Fatalf("%s: %v (make test builds what this needs)", name, err)
	}
	return output
}

// objects parses a stream of YAML. It fails if two of its objects are the same.
func objects(t *testing.T, stream []byte) map[string]*unstructured.Unstructured {
	t.Helper()
	all := map[string]*unstructured.Unstructured{}
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096)
	for {
		object := &unstructured.Unstructured{}
		switch err := decoder.Decode(object); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		case object.Object == nil:
			continue
		}
		name := strings.Trim(object.GetKind()+" "+object.GetNamespace()+"/"+object.GetName(), "/")
		if all[name] != nil {
			t.Fatalf("%s is rendered twice", name)
		}
		all[name] = object
	}
}

// TestKustomizeInstallsTheSame lists every permitted difference: Helm creates the namespace itself, labels the objects of
// its release, and annotates the CRD so that it is kept.
func TestKustomizeInstallsTheSame(t *testing.T) {
	chart := helm(t)
	config := objects(t, run(t, "../bin/k8s/current/kubectl", "kustomize", "../config/default"))
	delete(config, "Namespace /todoapp-system")
	for name, object := range chart {
		labels := object.GetLabels()
		for _, key := range []string{
			"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart",
		} {
			if labels[key] == "" {
				t.Errorf("%s lacks the label %s", name, key)
			}
			delete(labels, key)
		}
		object.SetLabels(labels)
	}
	const crd = "CustomResourceDefinition /todoapps.todoapp.dev"
	if got := chart[crd].GetAnnotations()["helm.sh/resource-policy"]; got != "keep" {
		t.Errorf("the resource's policy is %q", got)
	}
	unstructured.RemoveNestedField(chart[crd].Object, "metadata", "annotations", "helm.sh/resource-policy")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(config)), slices.Sorted(maps.Keys(chart))); diff != "" {
		t.Fatalf("kustomize (-) and Helm (+) install different objects:\n%s", diff)
	}
	for name := range chart {
		if diff := cmp.Diff(lines(t, config[name]), lines(t, chart[name])); diff != "" {
			t.Errorf("%s differs between kustomize (-) and Helm (+):\n%s", name, diff)
		}
	}
}

// lines returns the changed lines of a difference, with some lines around each.
func lines(t *testing.T, object *unstructured.Unstructured) []string {
	t.Helper()
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// everything enables each value that is off by default.
var everything = []string{
	"--set=certManager.enabled=true,watchNamespaces={one,two}",
	"--set=metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true",
	"--set=metrics.prometheusRule.enabled=true,metrics.dashboard.enabled=true",
}

func TestRenderingIsDeterministic(t *testing.T) {
	for _, args := range [][]string{nil, everything} {
		first := render(t, args...)
		if second := render(t, args...); !bytes.Equal(first, second) {
			t.Error("rendered twice, it differs")
		}
		if bytes.Contains(first, []byte("caBundle")) {
			t.Error("a caBundle is rendered")
		}
	}
}

// TestNamespaced renders everything for two namespaces. The operator must have no right outside of them and its own
// namespace, except to its webhook configuration, and with cert-manager not even that.
func TestNamespaced(t *testing.T) {
	whole := rules(t, helm(t)["ClusterRole /todoapp-operator"])
	for _, c := range []struct {
		name    string
		args    []string
		cluster int
	}{
		{"own certificates", []string{"--set=watchNamespaces={one,two}"}, 1},
		{"cert-manager", everything, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			chart := helm(t, c.args...)
			var cluster []rbacv1.PolicyRule
			if role := chart["ClusterRole /todoapp-operator"]; role != nil {
				cluster = rules(t, role)
			}
			if len(cluster) != c.cluster {
				t.Errorf("rights in the whole cluster: %v", cluster)
			}
			for _, rule := range cluster {
				if !slices.Equal(rule.Resources, []string{"validatingwebhookconfigurations"}) || len(rule.ResourceNames) != 1 {
					t.Errorf("a right in the whole cluster: %v", rule)
				}
			}
			for _, namespace := range []string{"one", "two"} {
				role := rules(t, chart["Role "+namespace+"/todoapp-operator-apps"])
				if len(role) != len(whole)-1 {
					t.Errorf("%d rules in namespace %s, of %d", len(role), namespace, len(whole))
				}
				if chart["RoleBinding "+namespace+"/todoapp-operator-apps"] == nil {
					t.Errorf("the role in namespace %s is not bound", namespace)
				}
			}
		})
	}
}

func rules(t *testing.T, object *unstructured.Unstructured) []rbacv1.PolicyRule {
	t.Helper()
	if object == nil {
		t.Fatal("there is no such role")
	}
	var role rbacv1.ClusterRole
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &role); err != nil {
		t.Fatal(err)
	}
	return role.Rules
}
