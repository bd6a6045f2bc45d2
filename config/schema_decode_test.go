package config

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// admitter validates TodoApps as the API server does when one is created.
type admitter struct {
	root      *schema.Structural
	validator validation.SchemaValidator
	rules     *schemacel.Validator
}

func newAdmitter(t testing.TB) *admitter {
	t.Helper()
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
	validator, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		t.Fatal(err)
	}
	return &admitter{root, validator, schemacel.NewValidator(root, true, celconfig.PerCallLimit)}
}

// refuses prunes, defaults and validates an object, and returns why the schema without its rules refuses it.
func (a *admitter) refuses(object map[string]any) error {
	pruning.Prune(object, a.root, true)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, a.root)
	defaulting.Default(object, a.root)
	errs := validation.ValidateCustomResource(nil, object, a.validator)
	return append(errs, listtype.ValidateListSetsAndMaps(nil, a.root, object)...).ToAggregate()
}

// breaks returns which rules of the schema an object breaks.
func (a *admitter) breaks(object map[string]any) error {
	broken, _ := a.rules.Validate(context.Background(), nil, a.root, object, nil, celconfig.RuntimeCELCostBudget)
	return broken.ToAggregate()
}

// leaf is a field of the schema that holds a scalar.
type leaf struct {
	path string
	// build returns an object that holds the field with a value, and the siblings that the schema requires.
	build func(value any) any
}

// leaves lists the scalar fields below a node of the schema.
func leaves(s *schema.Structural, path string) []leaf {
	var found []leaf
	nested := func(below *schema.Structural, name string, wrap func(any) any) {
		for _, l := range leaves(below, path+name) {
			found = append(found, leaf{l.path, func(value any) any { return wrap(l.build(value)) }})
		}
	}
	switch {
	case s.Items != nil:
		nested(s.Items, "[0]", func(v any) any { return []any{v} })
	case s.AdditionalProperties != nil:
		nested(s.AdditionalProperties.Structural, ".key", func(v any) any { return map[string]any{"key": v} })
	case len(s.Properties) == 0:
		return []leaf{{path, func(value any) any { return value }}}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		below := s.Properties[name]
		nested(&below, "."+name, func(v any) any {
			object := required(s)
			object[name] = v
			return object
		})
	}
	return found
}

// required returns an object with a value for each field that a node of the schema requires.
func required(s *schema.Structural) map[string]any {
	object := map[string]any{}
	if s.ValueValidation == nil {
		return object
	}
	for _, name := range s.ValueValidation.Required {
		below := s.Properties[name]
		object[name] = sample(&below)
	}
	return object
}

func sample(s *schema.Structural) any {
	validation := s.ValueValidation
	switch {
	case s.Default.Object != nil:
		return s.Default.Object
	case validation != nil && len(validation.Enum) > 0:
		return validation.Enum[0].Object
	case validation != nil && validation.MaxLength != nil && *validation.MaxLength == 64: // a moment
		return "2026-11-26T10:00:00Z"
	case s.Type == "string":
		return "a"
	case s.Type == "integer":
		return int64(1)
	case s.Type == "boolean":
		return true
	case s.Type == "array":
		return []any{sample(s.Items)}
	default:
		return required(s)
	}
}

// values are JSON texts: at least one is good for each field of the schema, and the others are near to good ones.
var values = []string{
	`"a"`, `"A"`, `""`, `"*"`, `"true"`, `true`, `null`, `{}`, `[]`, `"IPv4"`,
	`0`, `1`, `-1`, `3000`, `8000`, `1.0`, `1.5`, `1e3`, `1e30`, `-1e30`, `1e400`, `2147483648`, `-2147483649`, `4294967296`,
	`9223372036854775807`, `9223372036854775808`, `-9223372036854775809`, `18446744073709551616`,
	`"1"`, `"1Gi"`, `"100m"`, `"1e3"`, `"1e1.5"`, `"1E.5"`, `"1e+"`, `"1e99999999999"`, `"1e400"`,
	`"1e9999999999999999999999"`, `"-1"`, `"+1"`, `".5"`, `"5."`, `"."`,
	`"1_000"`, `"1K"`, `"1k"`, `"0x1"`, `"99999999999999999999Ei"`, `" 1"`, `"1 "`, `"1\n"`, `"١"`,
	`"720h"`, `"30d"`, `"1h30m"`, `"1.5h"`, `"0"`, `"0s"`, `"30s"`, `"5m"`, `"-1h"`, `"+2h"`, `"1h "`, `"2us"`, `"2µs"`,
	`"2μs"`, `"1H"`,
	`"9999999h"`, `"99999999999999999999h"`, `"3600"`, `"1h1"`, `"P1D"`, `"1 h"`, `".h"`, `"1..5h"`,
	`"2026-11-26T10:00:00Z"`, `"2026-11-26t10:00:00z"`, `"2026-11-26T10:00:00z"`, `"2026-11-26 10:00:00Z"`,
	`"2026-11-26T10:00:00+99:00"`,
	`"2026-11-26T10:00:00+24:00"`, `"2026-11-26T10:00:00+23:59"`, `"2026-11-26T10:00:00+0100"`, `"2026-11-26T10:00:00"`,
	`"2026-11-26T24:00:00Z"`,
	`"2026-11-26T10:00:60Z"`, `"2026-11-26T10:00:00.123456789012Z"`, `"2026-11-26T10:00:00,5Z"`, `"2026-11-26T10:00:00.Z"`,
	`"2026-02-30T10:00:00Z"`, `"2026-02-29T10:00:00Z"`, `"0000-01-01T00:00:00Z"`, `"10000-01-01T00:00:00Z"`,
	`"9999-12-31T23:59:59-23:59"`,
	`"2026-11-26T1:00:00Z"`, `"2026-11-26T10:00:00+01:60"`, `"2026-11-26"`, `"0001-01-01T00:00:00Z"`, `"-001-01-01T00:00:00Z"`,
	`"https://todo.example.com"`, `"todo.example.com"`, `"/api/auth"`, `"In"`, `"DoNotSchedule"`, `"True"`, `"Active"`,
	`"\ufffd"`, `"\u0000"`,
}

// TestAdmittedFieldsDecode: an object that the schema admits and Go cannot decode would stop the watch of all TodoApps.
func TestAdmittedFieldsDecode(t *testing.T) {
	admits := newAdmitter(t)
	fields := leaves(admits.root, "")
	if len(fields) < 200 {
		t.Errorf("%d fields found, expected the 200 and more of the schema", len(fields))
	}
	for _, field := range fields {
		admitted := field.decodedByTheServer()
		for _, value := range values {
			object := field.with(value)
			if field.decodedByTheServer() || admits.refuses(object) != nil {
				continue
			}
			undecodable := decode(t, object)
			if admitted && undecodable == nil {
				continue // the rules are slow, and it does not matter what they say of it
			}
			if broken := admits.breaks(object); broken == nil {
				admitted = true
				if undecodable != nil {
					t.Errorf("%s: %s is admitted and cannot be decoded: %v", field.path, value, undecodable)
				}
			}
		}
		if !admitted {
			t.Errorf("%s: no value is admitted, so the field is not tested", field.path)
		}
	}
}

// FuzzAdmittedFieldsDecode tries any value in any field.
func FuzzAdmittedFieldsDecode(f *testing.F) {
	admits := newAdmitter(f)
	fields := slices.DeleteFunc(leaves(admits.root, ""), leaf.decodedByTheServer)
	for i, value := range values {
		f.Add(uint16(i*7), value)
	}
	f.Fuzz(func(t *testing.T, at uint16, value string) {
		field := fields[int(at)%len(fields)]
		object := field.with(value)
		if admits.refuses(object) != nil {
			return
		}
		if err := decode(t, object); err != nil && admits.breaks(object) == nil {
			t.Errorf("%s: %s is admitted and cannot be decoded: %v", field.path, value, err)
		}
	})
}

// decodedByTheServer reports whether the API server itself decodes the field, before it validates an object.
func (l leaf) decodedByTheServer() bool {
	return strings.HasPrefix(l.path, ".metadata") || l.path == ".kind" || l.path == ".apiVersion"
}

// with returns a TodoApp that holds a value in the field: a JSON text, or otherwise the text as a string.
func (l leaf) with(value string) map[string]any {
	var parsed any
	if utiljson.Unmarshal([]byte(value), &parsed) != nil {
		parsed = strings.ToValidUTF8(value, "")
	}
	object, ok := l.build(parsed).(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	complete(l.path, object)
	object["apiVersion"], object["kind"] = todov1.GroupVersion.String(), "TodoApp"
	object["metadata"] = map[string]any{"name": "todo", "namespace": "default"}
	addSiblings(object)
	return object
}

// addSiblings adds to an object the fields that rules demand beside autoscaling.
func addSiblings(object map[string]any) {
	for _, component := range []string{"frontend", "backend"} {
		scaling, found, _ := unstructured.NestedFieldNoCopy(object, "spec", component, "autoscaling")
		fields, ok := scaling.(map[string]any)
		if !found || !ok {
			continue
		}
		if _, external := fields["external"]; !external && fields["maxReplicas"] == nil {
			fields["maxReplicas"] = int64(100)
		}
		_ = unstructured.SetNestedField(object, "web:1", "spec", component, "image")
	}
}

// decode returns why the stored object does not decode.
func decode(t *testing.T, object map[string]any) error {
	t.Helper()
	stored, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return utiljson.Unmarshal(stored, &todov1.TodoApp{})
}
