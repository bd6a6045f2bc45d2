package webhook

import (
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// rule names a refusal in the metric and in docs/admission.md.
type rule string

const (
	ruleMismatch  rule = "secret-mismatch"
	ruleOwner     rule = "foreign-secret"
	ruleReplace   rule = "secret-replacement"
	ruleWritable  rule = "unwritable-secret"
	ruleSource    rule = "weak-source"
	ruleEnv       rule = "reserved-variable"
	ruleSpec      rule = "invalid-spec"
	ruleStorage   rule = "storage-change"
	ruleReference rule = "foreign-reference"
	ruleAgree     rule = "mixed-secrets"
	ruleForbidden rule = "forbidden-secret"
	ruleLabels    rule = "labels"
	ruleRights    rule = "reference-rights"
	ruleToken     rule = "service-account-token"
	ruleNumber    rule = "too-many-references"
)

var refusalsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "todoapp_admission_refusals_total",
	Help: "What the admission webhook refused, by kind and rule; the rules are those of docs/admission.md.",
}, []string{"kind", "rule"})

// Every pair of kind and rule begins at 0: an increase from nothing would not be seen as one.
func init() {
	metrics.Registry.MustRegister(refusalsTotal)
	begin := func(kind string, rules ...rule) {
		for _, r := range rules {
			refusalsTotal.WithLabelValues(kind, string(r))
		}
	}
	begin("TodoApp", ruleMismatch, ruleOwner, ruleReplace, ruleWritable, ruleSource, ruleEnv, ruleSpec, ruleStorage,
		ruleRights, ruleNumber)
	for kind := range kinds {
		begin(kind, ruleReference, ruleAgree, ruleForbidden, ruleLabels, ruleRights, ruleToken, ruleNumber)
	}
}

// refuse makes a refusal of a rule; the message says what to change and never shows a secret.
func refuse(r rule, at *field.Path, message string) *field.Error {
	return field.Forbidden(at, message).WithOrigin(string(r))
}

// invalid counts the refusals and joins them to one answer to the client; nil when there are none.
func invalid(kind, name string, refusals field.ErrorList) error {
	if len(refusals) == 0 {
		return nil
	}
	for _, r := range refusals {
		refusalsTotal.WithLabelValues(kind, r.Origin).Inc()
	}
	return apierrors.NewInvalid(schema.GroupKind{Kind: kind}, name, refusals) //nolint:wrapcheck // the client's answer as it is
}

// undecided is the answer when what a decision needs cannot be read.
func undecided(err error) error {
	return apierrors.NewInternalError(err) //nolint:wrapcheck // the client's answer as it is
}
