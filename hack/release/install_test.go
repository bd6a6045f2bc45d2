package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// manifestsEqualTheChart installs the chart from a registry, then install.yaml in its place, and compares the objects that the
// API server stores.
func manifestsEqualTheChart(t *testing.T, r release) {
	host := serveRegistry(t)
	must(t, push(t.Context(), r.dist, host+"/todoapp", io.Discard))
	install := filepath.Join(r.dist, "install.yaml")
	kubeconfig := "--kubeconfig=" + writeKubeconfig(t)
	listed := parse(t, content(t, r, "install.yaml"))
	if len(listed) < 15 {
		t.Fatalf("install.yaml has %d objects", len(listed))
	}

	removeCRD := func() {
		program(t, "k8s/current/kubectl", "delete", "customresourcedefinition", "todoapps.todoapp.dev", kubeconfig)
	}

	removeCRD() // a clean API server has none
	program(t, "helm", "install", operator, "oci://"+host+"/todoapp/charts/todoapp-operator", "--version=0.3.0-test", "--plain-http",
		"--namespace="+namespace, "--create-namespace", kubeconfig)
	byHelm := stored(t, listed)
	program(t, "helm", "uninstall", operator, "--namespace="+namespace, kubeconfig)
	removeCRD()

	for range 2 { // the second time is an upgrade
		program(t, "k8s/current/kubectl", "apply", "--server-side", "--filename="+install, kubeconfig)
	}
	byKubectl := stored(t, listed)
	program(t, "k8s/current/kubectl", "delete", "--wait=false", "--filename="+install, kubeconfig)
	for name := range byHelm {
		if diff := cmp.Diff(byHelm[name], byKubectl[name]); diff != "" && name != "Namespace/"+namespace {
			t.Errorf("%s differs between the chart (-) and install.yaml (+):\n%s", name, diff)
		}
	}
	if strings.Contains(content(t, r, "install.yaml"), "helm.sh/chart") {
		t.Error("objects of install.yaml say that they belong to a Helm release")
	}
	if crds := parse(t, content(t, r, "crds.yaml")); len(crds) != 1 || crds[0].GetKind() != "CustomResourceDefinition" {
		t.Errorf("crds.yaml has %d objects", len(crds))
	}
}

func parse(t *testing.T, stream string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(stream)), 4096); ; {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		if object.Object != nil {
			all = append(all, object)
		}
	}
}

// stored reads objects from the API server and removes the fields that it or Helm sets.
func stored(t *testing.T, listed []*unstructured.Unstructured) map[string]any {
	t.Helper()
	reader, err := client.New(apiServer, client.Options{})
	must(t, err)
	all := map[string]any{}
	for _, object := range listed {
		read := &unstructured.Unstructured{}
		read.SetGroupVersionKind(object.GroupVersionKind())
		must(t, reader.Get(context.Background(), client.ObjectKeyFromObject(object), read))
		for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"} {
			unstructured.RemoveNestedField(read.Object, "metadata", field)
		}
		for _, label := range []string{"app.kubernetes.io/managed-by", "helm.sh/chart"} {
			unstructured.RemoveNestedField(read.Object, "metadata", "labels", label)
		}
		for _, annotation := range []string{"meta.helm.sh/release-name", "meta.helm.sh/release-namespace"} {
			unstructured.RemoveNestedField(read.Object, "metadata", "annotations", annotation)
		}
		if len(read.GetAnnotations()) == 0 {
			unstructured.RemoveNestedField(read.Object, "metadata", "annotations")
		}
		unstructured.RemoveNestedField(read.Object, "status")
		for _, address := range []string{"clusterIP", "clusterIPs"} {
			unstructured.RemoveNestedField(read.Object, "spec", address)
		}
		all[object.GetKind()+"/"+object.GetName()] = read.Object
	}
	return all
}

// writeKubeconfig writes the credentials of an administrator of the API server and returns the path.
func writeKubeconfig(t *testing.T) string {
	t.Helper()
	config := api.NewConfig()
	config.Clusters["test"] = &api.Cluster{Server: apiServer.Host, CertificateAuthorityData: apiServer.CAData}
	config.AuthInfos["test"] = &api.AuthInfo{ClientCertificateData: apiServer.CertData, ClientKeyData: apiServer.KeyData}
	config.Contexts["test"] = &api.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, clientcmd.WriteToFile(*config, path))
	return path
}
