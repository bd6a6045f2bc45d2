package plugin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// judgeNetwork judges if the operator reaches the pods that the API server reaches.
func judgeNetwork(f *facts) []finding {
	var found []finding
	for i := range f.pods {
		pod := &f.pods[i]
		switch silent := f.silentForOperator(pod.Name); {
		case !pod.asked:
		case pod.err != nil:
			found = append(found, skipped(fmt.Errorf("pod %s was not asked: %w", pod.Name, pod.err)))
		case silent:
			found = append(found, fault(f.openPort(pod), "pod %s answers here, and not the operator: the network between closes port %d",
				pod.Name, desired.OperationsPort))
		}
	}
	if len(found) == 0 {
		return []finding{ok("the operator reports no pod that it does not reach")}
	}
	return found
}

// silentForOperator reports whether a condition says that a pod gives the operator no answer.
func (f *facts) silentForOperator(pod string) bool {
	return slices.ContainsFunc(f.app.Status.Conditions, func(c metav1.Condition) bool {
		return strings.Contains(c.Message, "Pod "+pod+" does not answer at ")
	})
}

// openPort returns the advice for a closed port, with the NetworkPolicies that select the pod.
func (f *facts) openPort(pod *podFact) string {
	advice := fmt.Sprintf("let pods of namespace %s reach port %d of the pod (NetworkPolicy, mesh)",
		f.operatorNamespace, desired.OperationsPort)
	if f.policies.object == nil {
		return advice
	}
	var names []string
	for i := range f.policies.object.Items {
		policy := &f.policies.object.Items[i]
		selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) && !desired.Managed(policy) {
			names = append(names, policy.Name)
		}
	}
	if len(names) > 0 {
		advice += "; these NetworkPolicies select it: " + few(names)
	}
	return advice
}

// judgeDatabase judges if the store of each pod serves.
func judgeDatabase(f *facts) []finding {
	var found []finding
	serving := 0
	for i := range f.pods {
		pod := &f.pods[i]
		logs := "kubectl -n " + pod.Namespace + " logs " + pod.Name + " has one line with the cause"
		switch {
		case !pod.asked || pod.err != nil:
		case pod.answer.Store == "failing":
			found = append(found, fault(logs+"; then repair the database or its URL", "the database of pod %s does not serve", pod.Name))
		case pod.answer.Store == "full":
			found = append(found, fault("enlarge spec.backend.storage.sqlite.size or the database's disk, or delete tasks",
				"the database of pod %s is full: tasks can be read and deleted only", pod.Name))
		default:
			serving++
		}
	}
	if len(found) == 0 && serving == 0 {
		return []finding{{Result: resultSkipped, Text: "no pod of the embedded API answered"}}
	}
	if len(found) == 0 {
		return []finding{ok("the database of each pod serves")}
	}
	return found
}

// judgeToken judges the answers to a token that was signed with the active key.
func judgeToken(f *facts) []finding {
	var found []finding
	accepted := 0
	for i := range f.pods {
		pod := &f.pods[i]
		switch {
		case !pod.asked || pod.err != nil:
		case pod.tokenErr != nil:
			found = append(found, skipped(pod.tokenErr))
		case pod.status == http.StatusOK:
			accepted++
		case pod.status == http.StatusUnauthorized:
			found = append(found, fault("see the checks \"pods\" and \"clocks\"; kubectl todoapp token "+f.app.Name+
				" --subject x | kubectl todoapp verify "+f.app.Name, "pod %s refuses a token of the active key", pod.Name))
		default:
			found = append(found, fault("see the check \"database\"", "pod %s answers %d to a good token", pod.Name, pod.status))
		}
	}
	if len(found) == 0 && accepted == 0 {
		return []finding{{Result: resultSkipped, Text: "no pod of the embedded API answered"}}
	}
	if len(found) == 0 {
		return []finding{ok("a token of the active key is accepted by each pod")}
	}
	return found
}
