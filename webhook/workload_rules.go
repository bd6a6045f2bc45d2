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

// lookupResults holds the objects that the rules about a workload need. It has names only, no values.
type lookupResults struct {
	// app is the TodoApp that the labels name, or nil if it does not exist.
	app *todov1.TodoApp
	// keyrings holds the names of the keyrings among the Secrets that the pod refers to.
	keyrings sets.Set[string]
	// secrets and configMaps hold the names of entries of the Secrets that the pod refers to, and of the ConfigMaps that it takes
	// whole. An object that does not exist is missing.
	secrets, configMaps map[string][]string
}

// entries returns the entries of the object that a reference takes whole, and whether the object exists.
func (s lookupResults) entries(d podReference) ([]string, bool) {
	from := s.secrets
	if d.from == fromConfigMap {
		from = s.configMaps
	}
	entries, known := from[d.name]
	return entries, known
}

// checkWorkload applies the rules to a workload's labels and to its pod template at a path.
func checkWorkload(labels map[string]string, template *corev1.PodTemplateSpec, at *field.Path, results lookupResults,
) (field.ErrorList, []string) {
	p, refusal := membershipOf(labels, results.app)
	if refusal != nil {
		return field.ErrorList{refusal}, nil
	}
	refusals, warnings := checkPod(p, &template.Spec, at.Child("spec"), results)
	refusals = append(refusals, checkTemplateLabels(labels, template.Labels, at)...)
	if len(refusals) == 0 {
		warnings = append(warnings, warnUnlabelled(labels, template.Labels, at)...)
	}
	return refusals, warnings
}

// checkPod applies the rules to a pod's spec.
func checkPod(p membership, pod *corev1.PodSpec, at *field.Path, results lookupResults) (field.ErrorList, []string) {
	v := podCheck{used: sets.New[string]()}
	if !p.certain {
		v.warn("TodoApp %q does not exist yet: the Secret that this workload uses is not checked", p.app)
	}
	for _, d := range podReferences(pod, at) {
		v.check(p, d, results)
	}
	if len(v.refusals) == 0 {
		v.refusals = checkAgreement(v.used, at)
	}
	if len(v.refusals) == 0 && v.used.Len() == 0 {
		v.warn("%s: takes no key: without Secret %q it can neither sign nor verify", at, p.own)
	}
	return v.refusals, v.warnings
}

// podCheck collects refusals and warnings while it checks the references of a pod.
type podCheck struct {
	refusals field.ErrorList
	warnings []string
	// used are the Secrets from which the pod takes shared keys.
	used sets.Set[string]
}

func (v *podCheck) warn(format string, args ...any) {
	v.warnings = append(v.warnings, fmt.Sprintf(format, args...))
}

func (v *podCheck) check(p membership, d podReference, results lookupResults) {
	entries, known := results.entries(d)
	taken := d.taken(entries)
	ownSecret := d.from == fromSecret && d.name == p.own
	if ownSecret {
		taken = append(taken, d.completed()...) // its entries are not read
	}
	refusal := cmp.Or(p.forbidden(d, results.keyrings), p.mismatched(d, taken), p.unpublished(d))
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

// forbidden applies the rule forbidden-secret. It rejects Secrets that a workload may never read.
func (p membership) forbidden(d podReference, keyrings sets.Set[string]) *field.Error {
	switch {
	case d.from != fromSecret:
		return nil
	case d.name == p.keyring || keyrings.Has(d.name):
		return refuse(ruleForbidden, d.at, fmt.Sprintf("Secret %q is a keyring: use %q", d.name, p.own))
	case d.name == p.other:
		return refuse(ruleForbidden, d.at,
			fmt.Sprintf("Secret %q belongs to the other component: the %s uses %q", d.name, p.component, p.own))
	default:
		return nil
	}
}

// mismatched applies the rule foreign-reference to a reference that adds the taken variables.
func (p membership) mismatched(d podReference, taken []string) *field.Error {
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

// unpublished applies the rule foreign-reference to a reference to the app's source, by its entry or whole.
func (p membership) unpublished(d podReference) *field.Error {
	if p.source == nil || d.from != fromSecret || d.name != p.source.Name || !d.whole && d.entry != p.source.Key {
		return nil
	}
	return refuse(ruleReference, d.at,
		fmt.Sprintf("reads the source; no component trusts a new value there yet: use Secret %q", p.own))
}

// checkAgreement applies the rule mixed-secrets. If the app exists, the rule foreign-reference has named the one Secret to use.
// If it does not, any one Secret may be right, but never two.
func checkAgreement(used sets.Set[string], at *field.Path) field.ErrorList {
	if used.Len() < 2 {
		return nil
	}
	names := strings.Join(sets.List(used), ", ")
	return field.ErrorList{refuse(ruleAgree, at, fmt.Sprintf("takes keys from several Secrets (%s): one pod uses one", names))}
}
