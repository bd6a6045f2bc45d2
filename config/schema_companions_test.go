package config

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// complete adds to an object with one field the fields that rules of the schema ask for beside it.
func complete(path string, object map[string]any) {
	for _, name := range []string{"frontend", "backend"} {
		component, found, _ := unstructured.NestedMap(object, "spec", name)
		at, below := strings.CutPrefix(path, ".spec."+name)
		if !found || !below {
			continue
		}
		if strings.HasPrefix(at, ".probes.") || strings.HasPrefix(at, ".template.strategy.") {
			component["image"] = "a"
		}
		template, _ := component["template"].(map[string]any)
		switch {
		case strings.HasPrefix(at, ".template.volumeMounts["):
			template["volumes"] = []any{map[string]any{"name": "a", "emptyDir": map[string]any{}}}
			if mount := first(template["volumeMounts"]); mount != nil && !strings.HasSuffix(at, ".mountPath") {
				mount["mountPath"] = "/a"
			}
		case at == ".template.volumes[0].name":
			first(template["volumes"])["emptyDir"] = map[string]any{}
		case strings.HasPrefix(at, ".template.volumes[0].ephemeral.") && !strings.HasSuffix(at, ".requests.key"):
			ephemeral := first(template["volumes"])["ephemeral"].(map[string]any)
			_ = unstructured.SetNestedField(ephemeral, "1Gi", "volumeClaimTemplate", "spec", "resources", "requests", "storage")
		case at == ".template.volumes[0].projected.defaultMode":
			projected, _ := first(template["volumes"])["projected"].(map[string]any)
			projected["sources"] = []any{map[string]any{"downwardAPI": map[string]any{}}}
		}
		_ = unstructured.SetNestedMap(object, component, "spec", name)
	}
}

// first returns the first item of a list of objects; nil if it is none.
func first(list any) map[string]any {
	if items, ok := list.([]any); ok && len(items) > 0 {
		item, _ := items[0].(map[string]any)
		return item
	}
	return nil
}
