package config

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"
)

// oldest returns the CEL features that new expressions may use in the oldest Kubernetes that the chart supports: those of
// the release before it, so that a cluster can be rolled back.
func oldest(t *testing.T) *environment.EnvSet {
	t.Helper()
	chart := read(t, "../charts/todoapp-operator/Chart.yaml")
	promise := regexp.MustCompile(`(?m)^kubeVersion: ">=1\.(\d+)\.0-0"$`).FindSubmatch(chart)
	if promise == nil {
		t.Fatal("the chart names no version of Kubernetes")
	}
	minor, err := strconv.ParseUint(string(promise[1]), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return environment.MustBaseEnvSet(version.MajorMinor(1, uint(minor)-1))
}

func TestTheOldestKubernetesKnowsTheRulesOfTheSchema(t *testing.T) {
	var crd apiextensionsv1.CustomResourceDefinition
	parse(t, read(t, "crd/todoapp.dev_todoapps.yaml"), &crd)
	var props apiextensions.JSONSchemaProps
	err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil)
	if err != nil {
		t.Fatal(err)
	}
	root, err := schema.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	known, rules := oldest(t), 0
	visitor := schema.Visitor{Structural: func(s *schema.Structural) bool {
		results, err := schemacel.Compile(s, model.SchemaDeclType(s, s == root), celconfig.PerCallLimit, known,
			schemacel.NewExpressionsEnvLoader())
		if err != nil {
			t.Error(err)
		}
		for i, result := range results {
			if rules++; result.Error != nil {
				t.Errorf("%s\n%s", s.XValidations[i].Rule, result.Error.Detail)
			}
		}
		return false
	}}
	visitor.Visit(root)
	if rules < 40 {
		t.Errorf("%d rules found, expected the 40 and more of the schema", rules)
	}
}

// The types of the variables do not matter here; the tests against an API server check them.
func TestTheOldestKubernetesKnowsTheRulesOfAdmission(t *testing.T) {
	known := oldest(t).NewExpressionsEnv()
	for _, variable := range []string{"object", "oldObject", "request", "variables"} {
		var err error
		if known, err = known.Extend(cel.Variable(variable, cel.DynType)); err != nil {
			t.Fatal(err)
		}
	}
	for name, expression := range admission(t) {
		if _, issues := known.Compile(expression); issues.Err() != nil {
			t.Errorf("%s: %v", name, issues.Err())
		}
	}
}

// admission returns the expressions of config/webhook by their purpose.
func admission(t *testing.T) map[string]string {
	t.Helper()
	var hooks admissionv1.ValidatingWebhookConfiguration
	parse(t, read(t, "webhook/validatingwebhookconfiguration.yaml"), &hooks)
	var policy admissionv1.ValidatingAdmissionPolicy
	manifest, _, _ := bytes.Cut(read(t, "webhook/managedsecrets.yaml"), []byte("\n---\n"))
	parse(t, manifest, &policy)
	all := map[string]string{}
	for _, hook := range hooks.Webhooks {
		for _, condition := range hook.MatchConditions {
			all[hook.Name+" "+condition.Name] = condition.Expression
		}
	}
	for _, condition := range policy.Spec.MatchConditions {
		all["policy "+condition.Name] = condition.Expression
	}
	for _, variable := range policy.Spec.Variables {
		all["variable "+variable.Name] = variable.Expression
	}
	for i, validation := range policy.Spec.Validations {
		all[fmt.Sprint("validation ", i)] = validation.Expression
	}
	if len(hooks.Webhooks) < 2 || len(all) < 12 {
		t.Errorf("%d expressions of %d webhooks found, expected 12 and more", len(all), len(hooks.Webhooks))
	}
	return all
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func parse(t testing.TB, manifest []byte, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(manifest, into); err != nil {
		t.Fatal(err)
	}
}
