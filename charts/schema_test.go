package charts

import (
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// schema holds the fields of a JSON schema that these tests read.
type schema struct {
	Definitions          map[string]schema
	Properties           map[string]schema
	Items, Not           *schema
	AdditionalProperties any
	Pattern              string
}

// UnmarshalJSON decodes the schemas true and false as schemas without rules.
func (s *schema) UnmarshalJSON(text []byte) error {
	type plain schema
	if text[0] != '{' {
		return nil
	}
	return json.Unmarshal(text, (*plain)(s))
}

func valuesSchema(t *testing.T) schema {
	t.Helper()
	var s schema
	if err := json.Unmarshal(read(t, "todoapp-operator/values.schema.json"), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaKnowsTheFieldsOfKubernetes fails if a value that is copied into an object has other fields than the Kubernetes
// type.
func TestSchemaKnowsTheFieldsOfKubernetes(t *testing.T) {
	values := valuesSchema(t).Properties
	for name, c := range map[string]struct {
		schema schema
		of     any
	}{
		"resources":                 {values["resources"], corev1.ResourceRequirements{}},
		"podSecurityContext":        {values["podSecurityContext"], corev1.PodSecurityContext{}},
		"securityContext":           {values["securityContext"], corev1.SecurityContext{}},
		"affinity":                  {values["affinity"], corev1.Affinity{}},
		"extraEnv":                  {*values["extraEnv"].Items, corev1.EnvVar{}},
		"extraVolumeMounts":         {*values["extraVolumeMounts"].Items, corev1.VolumeMount{}},
		"tolerations":               {*values["tolerations"].Items, corev1.Toleration{}},
		"topologySpreadConstraints": {*values["topologySpreadConstraints"].Items, corev1.TopologySpreadConstraint{}},
		"metricsFrom":               {*values["networkPolicy"].Properties["metricsFrom"].Items, networkingv1.NetworkPolicyPeer{}},
	} {
		var fields []string
		for field := range reflect.TypeOf(c.of).Fields() {
			json, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, json)
		}
		slices.Sort(fields)
		if diff := cmp.Diff(fields, slices.Sorted(maps.Keys(c.schema.Properties))); diff != "" || c.schema.AdditionalProperties != false {
			t.Errorf("%s differs between Kubernetes (-) and the schema (+), or is open: %s", name, diff)
		}
	}
}

// TestSelectors fails if the schema accepts a selector that the manager rejects at its start.
func TestSelectors(t *testing.T) {
	selector := valuesSchema(t).Definitions["selector"]
	taken, not := regexp.MustCompile(selector.Pattern), regexp.MustCompile(selector.Not.Pattern)
	for _, text := range []string{
		"", "edge", "!edge", "team=edge", "team == edge", "team!=edge", "team=", "team in (web, edge)", "team notin (web)",
		"kubernetes.io/metadata.name=ingress-nginx", "a=b,c in (d),!e", " a = b , c ", "in in (in)",
		"in in in", "a=b,", ",a", "a b", "a=b c", "a in b", "a in (b", "team=edge;", "=a", "a=-b", "/a=b", "a!b", "a>1",
	} {
		_, err := metav1.ParseToLabelSelector(text)
		if got := taken.MatchString(text) && !not.MatchString(text); got != (err == nil) {
			t.Errorf("the schema takes %q: %t, the manager: %v", text, got, err)
		}
	}
}

// TestTemplatesOnlyUseValues fails if a template reads the cluster, the clock, the environment or a random source: such a
// value differs between renderings, and no comparison of renderings here would show it. One lookup is allowed: helm upgrade
// would conflict with the manager over the webhook's paths unless it renders those in use.
func TestTemplatesOnlyUseValues(t *testing.T) {
	drifts := regexp.MustCompile(`\b(lookup|now|ago|env|expandenv|getHostByName|` +
		`(uuid|rand|gen|date|htmlDate|encrypt|bcrypt|htpasswd)\w*)\b`)
	comment := regexp.MustCompile(`(?s)\{\{-? ?/\*.*?\*/ ?-?\}\}`)
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	const allowed = `(lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" $config.metadata.name)`
	files, err := filepath.Glob("todoapp-operator/templates/*.*")
	nested, nestedErr := filepath.Glob("todoapp-operator/templates/*/*.*")
	if err := errors.Join(err, nestedErr); err != nil || len(files) == 0 || len(nested) == 0 {
		t.Fatalf("finding the templates: %v, %d and %d of them", err, len(files), len(nested))
	}
	for _, file := range append(files, nested...) {
		for _, code := range action.FindAllString(comment.ReplaceAllString(string(read(t, file)), ""), -1) {
			if strings.Contains(code, allowed) {
				continue
			}
			code = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(code, "")
			if found := drifts.FindString(code); found != "" {
				t.Errorf("%s uses %s in %s", file, found, code)
			}
		}
	}
}
