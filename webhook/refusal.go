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
	Help: "Refusals of the admission webhook, by kind and rule (see docs/admission.md).",
}, []string{"kind", "rule"})

// init starts the counter of each pair of kind and rule at 0, because Prometheus sees no increase in a series that begins at 1.
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

// refuse returns a refusal by a rule. The message says what to change and never contains a secret value.
func refuse(r rule, at *field.Path, message string) *field.Error {
	return field.Forbidden(at, message).WithOrigin(string(r))
}

// invalid counts the refusals and joins them into one error for the client. It returns nil if there are none.
func invalid(kind, name string, refusals field.ErrorList) error {
	if len(refusals) == 0 {
		return nil
	}
	for _, r := range refusals {
		refusalsTotal.WithLabelValues(kind, r.Origin).Inc()
	}
	return apierrors.NewInvalid(schema.GroupKind{Kind: kind}, name, refusals) //nolint:wrapcheck // the error for the client, unwrapped
}

// undecided returns the error for the client if an object that the rules need cannot be read.
func undecided(err error) error {
	return apierrors.NewInternalError(err) //nolint:wrapcheck // the error for the client, unwrapped
}
