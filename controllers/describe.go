package controllers

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	// maxDescribed and longestLine bound the list of status.plan, and each of its lines in bytes.
	maxDescribed, longestLine = 50, 1024
	// maxFields bounds how many fields a line names.
	maxFields = 8
)

// verbs says in a plan what each transition does with a key.
var verbs = map[keyring.Action]string{
	keyring.ActionCreate: "create", keyring.ActionAdopt: "adopt", keyring.ActionRecover: "recover", keyring.ActionRevoke: "revoke",
	keyring.ActionDemote: "demote", keyring.ActionPromote: "promote", keyring.ActionPublish: "publish",
	keyring.ActionCorrect: "correct the times of",
}

// describe lists what a plan would do, in the order of writing. It names fields, and shows values only of those in telling.
func (d driftDetector) describe(p *plan, kindOf func(client.Object) string) ([]string, error) {
	var lines []string
	for _, version := range p.step.Versions {
		lines = append(lines, fmt.Sprintf("%s key %d", verbs[p.step.Action], version))
	}
	if !p.stored() {
		lines = append(lines, verbOf(p.observed.keyring != nil)+" Secret "+p.keyring.Name)
	}
	for _, version := range p.retired() {
		lines = append(lines, fmt.Sprintf("retire key %d", version))
	}
	for _, c := range p.changed {
		line, err := d.describeChange(c)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	for _, object := range p.toPrune {
		lines = append(lines, "delete "+kindOf(object)+" "+object.GetName())
	}
	for _, pod := range p.stale {
		lines = append(lines, "refresh the mounted Secret of Pod "+pod.Name)
	}
	return shortened(lines), nil
}

// shortened cuts a description to what the status admits.
func shortened(lines []string) []string {
	if more := len(lines) - maxDescribed; more > 0 {
		lines = append(lines[:maxDescribed-1], fmt.Sprintf("and %d more", more+1))
	}
	for i := range lines {
		lines[i] = truncate(lines[i], longestLine)
	}
	return lines
}

func verbOf(exists bool) string {
	if exists {
		return "update"
	}
	return "create"
}

// describeChange returns one line about a desired object: the action and the fields that change.
func (d driftDetector) describeChange(c *change) (string, error) {
	name := c.object.GetKind() + " " + c.object.GetName()
	if c.foreign != nil {
		return "leave " + name + " as it is, because it is not this app's", nil //nolint:nilerr // the plan tells of it
	}
	if c.live == nil {
		return "create " + name, nil
	}
	fields, err := d.differences(c)
	if err != nil {
		return "", err
	}
	if more := len(fields) - maxFields; more > 0 {
		fields = append(fields[:maxFields], fmt.Sprintf("and %d more", more))
	}
	if len(fields) == 0 {
		return "update " + name, nil
	}
	return "update " + name + ": " + strings.Join(fields, ", "), nil
}

// differences names the fields that an apply would add, change or remove in a live object.
func (d driftDetector) differences(c *change) ([]string, error) {
	if _, route := c.live.(*unstructured.Unstructured); route {
		return nil, nil // the operator does not have its schema
	}
	wanted, fields, err := d.fields(c.object)
	if err != nil {
		return nil, err
	}
	owned, err := ownedFields(c.live, fields)
	if err != nil {
		return nil, err
	}
	live, err := d.converter.ObjectToTyped(c.live)
	if err != nil {
		return nil, fmt.Errorf("reading the live %s: %w", c.object.GetKind(), err)
	}
	comparison, err := live.Compare(wanted)
	if err != nil {
		return nil, fmt.Errorf("comparing the live %s: %w", c.object.GetKind(), err)
	}
	changed := comparison.Modified.Union(comparison.Added)
	if owned != nil {
		changed = changed.Union(comparison.Removed.Intersection(owned))
	}
	var names []string
	changed.Difference(identity).Leaves().Iterate(func(path fieldpath.Path) {
		if !isKey(path) {
			names = append(names, fieldName(path)+transitionOf(live, wanted, path))
		}
	})
	if owned != nil || !c.ownUpdates {
		return names, nil
	}
	if added, err := onlyAdds(c.live, wanted, comparison.Added); err != nil || added {
		return names, err
	}
	return append(names, unnamed), nil
}

// unnamed stands for the fields that an apply removes from a created object. The name of the creator tells that there are some, but
// not which of the fields were desired and which are default values.
const unnamed = "fields that are no longer desired"

// onlyAdds reports whether a live object was created with all wanted fields except the added ones.
func onlyAdds(live client.Object, wanted *typed.TypedValue, added *fieldpath.Set) (bool, error) {
	before, err := wanted.RemoveItems(added).ToFieldSet()
	if err != nil {
		return false, fmt.Errorf("listing the fields of %s before the change: %w", live.GetName(), err)
	}
	name, err := creator(before.Difference(identity), live)
	return slices.ContainsFunc(live.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return created(entry) && entry.Manager == name
	}), err
}

// isKey reports whether a path ends in the field by which its list tells its items apart. The path before it shows the value.
func isKey(path fieldpath.Path) bool {
	if len(path) < 2 || path[len(path)-2].Key == nil || path[len(path)-1].FieldName == nil {
		return false
	}
	return slices.ContainsFunc(*path[len(path)-2].Key, func(f value.Field) bool { return f.Name == *path[len(path)-1].FieldName })
}

// fieldName returns a path as people write it: "replicas" for .spec.replicas.
func fieldName(path fieldpath.Path) string {
	return strings.TrimPrefix(strings.TrimPrefix(path.String(), "."), "spec.")
}

// telling lists the fields whose values a plan shows. Others may hold a secret: a variable of a container, an annotation.
var telling = []string{"replicas", "image", "minReplicas", "maxReplicas"}

// transitionOf returns the values of a telling field before and after an apply, and nothing for another field.
func transitionOf(live, wanted *typed.TypedValue, path fieldpath.Path) string {
	last := path[len(path)-1].FieldName
	if last == nil || !slices.Contains(telling, *last) {
		return ""
	}
	only := fieldpath.NewSet(path)
	before, after := leaf(live.ExtractItems(only).AsValue().Unstructured()), leaf(wanted.ExtractItems(only).AsValue().Unstructured())
	switch {
	case before == nil:
		return fmt.Sprintf(" %v", after)
	case after == nil:
		return fmt.Sprintf(" %v removed", before)
	default:
		return fmt.Sprintf(" %v → %v", before, after)
	}
}

// leaf returns the only scalar in nested fields; nil if there is none.
func leaf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			return leaf(inner)
		}
		return nil
	case []any:
		for _, inner := range v {
			return leaf(inner)
		}
		return nil
	default:
		return v
	}
}
