package manager

import (
	"io"
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

func TestNetworkFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want desired.Network
		err  string
	}{
		"none by default": {nil, desired.Network{OperatorNamespace: "system"}, ""},
		"without selectors": {[]string{"--app-network-policies", "--app-ingress-namespaces="},
			desired.Network{Policies: true, OperatorNamespace: "system"}, ""},
		"with selectors": {
			[]string{"--app-network-policies", "--app-ingress-namespaces=kubernetes.io/metadata.name=ingress-nginx",
				"--app-metrics-namespaces=team in (a,b)"},
			desired.Network{Policies: true, OperatorNamespace: "system",
				Ingress: &metav1.LabelSelector{
					MatchLabels:      map[string]string{"kubernetes.io/metadata.name": "ingress-nginx"},
					MatchExpressions: []metav1.LabelSelectorRequirement{},
				},
				Metrics: &metav1.LabelSelector{MatchLabels: map[string]string{}, MatchExpressions: []metav1.LabelSelectorRequirement{
					{Key: "team", Operator: metav1.LabelSelectorOpIn, Values: []string{"a", "b"}}}},
			}, ""},
		"nonsense": {[]string{"--app-metrics-namespaces=in in in"}, desired.Network{}, "reading the label selector"},
		"the operator's namespace is not known": {[]string{"--webhook=false", "--namespace=", "--app-network-policies"},
			desired.Network{}, "no namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"--task-api-image=operator:1", "--namespace=system"}, c.args...)
			s, err := parse(args, func(string) string { return "" }, io.Discard)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(s.network, c.want) {
				t.Errorf("got %+v (%v), want %+v", s.network, err, c.want)
			}
		})
	}
}
