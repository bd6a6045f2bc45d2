package manager

import (
	"flag"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// networkFlags adds the flags about NetworkPolicies of apps.
func networkFlags(flags *flag.FlagSet, n *desired.Network) {
	flags.BoolVar(&n.Policies, "app-network-policies", false,
		"make NetworkPolicies for apps: the port for the operator and metrics is closed to all others")
	flags.Func("app-ingress-namespaces",
		"label `selector` of the namespaces of ingress controllers: then only they and the app's frontend reach it (default all)",
		selector(&n.Ingress))
	flags.Func("app-metrics-namespaces", "label `selector` of the namespaces that may read the metrics of apps (default none)",
		selector(&n.Metrics))
}

// selector parses a label selector such as kubernetes.io/metadata.name=monitoring. An empty text selects nothing.
func selector(into **metav1.LabelSelector) func(string) error {
	return func(text string) error {
		if *into = nil; text == "" {
			return nil
		}
		parsed, err := metav1.ParseToLabelSelector(text)
		if err != nil {
			return fmt.Errorf("reading the label selector: %w", err)
		}
		*into = parsed
		return nil
	}
}
