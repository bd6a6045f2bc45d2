package webhook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// surroundings are what exists around a workload, as far as a decision needs it. No values, only names.
type surroundings struct {
	// app is the TodoApp that the labels name; nil when it does not exist.
	app *todov1.TodoApp
	// keyrings are the names of the namespace's keyring Secrets.
	keyrings sets.Set[string]
	// entries of the Secrets and ConfigMaps that the pod takes whole; missing objects have no entry.
	secrets, configMaps map[string][]string
}

// entries of what a draw takes whole, and whether that exists.
func (s surroundings) entries(d draw) ([]string, bool) {
	from := s.secrets
	if d.from == fromConfigMap {
		from = s.configMaps
	}
	entries, known := from[d.name]
	return entries, known
}

// checkWorkload applies the rules to a workload's labels and its pod template, which stands at a path.
func checkWorkload(labels map[string]string, template *corev1.PodTemplateSpec, at *field.Path, around surroundings,
) (field.ErrorList, []string) {
	p, refusal := partOf(labels, around.app)
	if refusal != nil {
		return field.ErrorList{refusal}, nil
	}
	refusals, warnings := checkPod(p, &template.Spec, at.Child("spec"), around)
	refusals = append(refusals, checkTemplateLabels(labels, template.Labels, at)...)
	if len(refusals) == 0 {
		warnings = append(warnings, warnUnseen(labels, template.Labels, at)...)
	}
	return refusals, warnings
}

// checkPod applies the rules to a pod's spec.
func checkPod(p part, pod *corev1.PodSpec, at *field.Path, around surroundings) (field.ErrorList, []string) {
	v := verdict{used: sets.New[string]()}
	if !p.certain {
		v.warn("TodoApp %q does not exist yet: the Secret that this workload uses is not checked", p.app)
	}
	for _, d := range draws(pod, at) {
		v.judge(p, d, around)
	}
	if len(v.refusals) == 0 {
		v.refusals = checkAgreement(v.used, at)
	}
	if len(v.refusals) == 0 && v.used.Len() == 0 {
		v.warn("%s: takes no key: without Secret %q it can neither sign nor verify", at, p.own)
	}
	return v.refusals, v.warnings
}

// verdict grows with each draw of a pod.
type verdict struct {
	refusals field.ErrorList
	warnings []string
	// used are the Secrets that the shared secret's variables come from.
	used sets.Set[string]
}

func (v *verdict) warn(format string, args ...any) {
	v.warnings = append(v.warnings, fmt.Sprintf(format, args...))
}

func (v *verdict) judge(p part, d draw, around surroundings) {
	entries, known := around.entries(d)
	taken := d.taken(entries)
	ownSecret := d.from == fromSecret && d.name == p.own
	if ownSecret {
		taken = append(taken, d.completed()...) // its entries are not read
	}
	refusal := cmp.Or(p.forbidden(d, around.keyrings), p.mismatched(d, taken), p.unpublished(d))
	switch {
	case refusal != nil:
		v.refusals = append(v.refusals, refusal)
	case d.whole && !known && !ownSecret:
		v.warn("%s: %s %q does not exist yet: its entries are not checked", d.at, d.from, d.name)
	}
	if d.from == fromSecret && len(taken) > 0 || ownSecret && d.whole && d.prefix == "" {
		v.used.Insert(d.name)
	}
}

// forbidden applies the rule forbidden-secret: Secrets that a workload may not read at all.
func (p part) forbidden(d draw, keyrings sets.Set[string]) *field.Error {
	switch {
	case d.from != fromSecret:
		return nil
	case d.name == p.keyring || keyrings.Has(d.name):
		return refuse(ruleForbidden, d.at, fmt.Sprintf("Secret %q is a keyring: use %q", d.name, p.own))
	case d.name == p.other:
		return refuse(ruleForbidden, d.at, fmt.Sprintf("Secret %q is the other side's: the %s uses %q", d.name, p.component, p.own))
	default:
		return nil
	}
}

// mismatched applies the rule foreign-reference to a draw that brings in the taken variables.
func (p part) mismatched(d draw, taken []string) *field.Error {
	what := strings.Join(taken, " and ")
	switch {
	case what == "":
		return nil
	case d.from == fromLiteral || d.from == fromElsewhere:
		return refuse(ruleReference, d.at, fmt.Sprintf("%s comes from a %s: use Secret %q", what, d.from, p.own))
	case d.from == fromConfigMap:
		return refuse(ruleReference, d.at, fmt.Sprintf("%s comes from ConfigMap %q: use Secret %q", what, d.name, p.own))
	case p.certain && d.name != p.own:
		return refuse(ruleReference, d.at, fmt.Sprintf("%s comes from Secret %q: use %q", what, d.name, p.own))
	case d.whole && d.prefix != "":
		return refuse(ruleReference, d.at, fmt.Sprintf("prefix %q makes %s of an entry of another name: leave it out", d.prefix, what))
	case slices.Contains(variables, d.variable) && d.entry != d.variable:
		return refuse(ruleReference, d.at, fmt.Sprintf("%s is taken from entry %q: use the entry of its name", d.variable, d.entry))
	default:
		return nil
	}
}

// unpublished applies the rule foreign-reference to the source of the app: by its entry, or whole.
func (p part) unpublished(d draw) *field.Error {
	if p.source == nil || d.from != fromSecret || d.name != p.source.Name || !d.whole && d.entry != p.source.Key {
		return nil
	}
	return refuse(ruleReference, d.at, fmt.Sprintf("draws in the source, whose new value nobody trusts yet: use Secret %q", p.own))
}

// checkAgreement applies the rule mixed-secrets. Where the app exists foreign-reference has said which Secret it must be;
// where it does not, one is as good as
// another, but not two.
func checkAgreement(used sets.Set[string], at *field.Path) field.ErrorList {
	if used.Len() < 2 {
		return nil
	}
	names := strings.Join(sets.List(used), ", ")
	return field.ErrorList{refuse(ruleAgree, at, fmt.Sprintf("takes keys from several Secrets (%s): one pod uses one", names))}
}
