package desired_test

import (
	"encoding/json"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// closed admits only the peers that it names.
var closed = desired.Network{
	Policies: true, OperatorNamespace: "todoapp-system",
	Ingress: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "ingress-nginx"}},
	Metrics: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpIn, Values: []string{"monitoring"}}}},
}

// peer is a pod that sends requests.
type peer struct {
	namespace string
	labels    map[string]string
}

// admits reports whether policies let a peer reach a pod. If a policy selects the pod, one of its rules must admit the peer.
func admits(t *testing.T, policies []networkingv1.NetworkPolicy, to map[string]string, port int, from peer) bool {
	t.Helper()
	selected := false
	for _, policy := range policies {
		if !selects(t, &policy.Spec.PodSelector, to) {
			continue
		}
		selected = true
		for _, rule := range policy.Spec.Ingress {
			if rule.Ports[0].Port.IntValue() == port && admitted(t, rule.From, policy.Namespace, from) {
				return true
			}
		}
	}
	return !selected
}

func admitted(t *testing.T, peers []networkingv1.NetworkPolicyPeer, home string, from peer) bool {
	t.Helper()
	for _, p := range peers {
		space := from.namespace == home
		if p.NamespaceSelector != nil {
			space = selects(t, p.NamespaceSelector, map[string]string{"kubernetes.io/metadata.name": from.namespace})
		}
		if space && (p.PodSelector == nil || selects(t, p.PodSelector, from.labels)) {
			return true
		}
	}
	return len(peers) == 0
}

func selects(t *testing.T, selector *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(labels.Set(set))
}

// policiesOf returns the NetworkPolicies among an app's objects.
func policiesOf(t *testing.T, a *todov1.TodoApp, network desired.Network) []networkingv1.NetworkPolicy {
	t.Helper()
	var policies []networkingv1.NetworkPolicy
	for _, object := range desired.Objects(a, keys, desired.Images{TaskAPI: "operator:1"}, network) {
		data, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		var policy networkingv1.NetworkPolicy
		if err := json.Unmarshal(data, &policy); err == nil && policy.Kind == "NetworkPolicy" {
			policies = append(policies, policy)
		}
	}
	return policies
}

func TestPolicies(t *testing.T) {
	pod := func(app, component string) map[string]string {
		return map[string]string{todov1.LabelApp: app, todov1.LabelComponent: component}
	}
	var (
		controller   = peer{"ingress-nginx", nil}
		prometheus   = peer{"monitoring", nil}
		operator     = peer{"todoapp-system", nil}
		stranger     = peer{"team-b", pod("todo", todov1.ComponentFrontend)}
		neighbour    = peer{"team-a", pod("other", todov1.ComponentFrontend)}
		ownFrontend  = peer{"team-a", pod("todo", todov1.ComponentFrontend)}
		open         = desired.Network{Policies: true, OperatorNamespace: "todoapp-system"}
		withFrontend = func(a *todov1.TodoApp) { a.Spec.Frontend.Image = "web:1" }
		alone        = func(*todov1.TodoApp) {}
		ownImage     = func(a *todov1.TodoApp) { a.Spec.Backend.Image = "fastapi:1"; withFrontend(a) }
	)
	const backend, frontend = todov1.ComponentBackend, todov1.ComponentFrontend
	for name, c := range map[string]struct {
		network desired.Network
		change  func(*todov1.TodoApp)
		to      string
		port    int
		in, out []peer
	}{
		"the frontend is for users": {closed, withFrontend, frontend, 3000,
			[]peer{controller}, []peer{stranger, neighbour, prometheus}},
		"the API is for users and the app's frontend": {closed, withFrontend, backend, 8000,
			[]peer{controller, ownFrontend}, []peer{stranger, neighbour, prometheus}},
		"the operations port is for the operator and monitoring": {closed, withFrontend, backend, desired.OperationsPort,
			[]peer{operator, prometheus}, []peer{controller, ownFrontend, stranger, neighbour}},
		"no other port is open": {closed, withFrontend, backend, 22,
			nil, []peer{controller, ownFrontend, operator, prometheus}},
		"a frontend that someone else runs may be any pod of the namespace": {closed, alone, backend, 8000,
			[]peer{controller, ownFrontend, neighbour}, []peer{stranger}},
		"a backend of one's own has no operations port": {closed, ownImage, backend, desired.OperationsPort,
			nil, []peer{operator, prometheus, ownFrontend}},
		"without known controllers the frontend is open": {open, withFrontend, frontend, 3000,
			[]peer{controller, stranger, neighbour}, nil},
		"without known controllers the API is open": {open, withFrontend, backend, 8000,
			[]peer{controller, ownFrontend, stranger, neighbour}, nil},
		"the operations port is closed all the same": {open, withFrontend, backend, desired.OperationsPort,
			[]peer{operator}, []peer{controller, ownFrontend, stranger, prometheus}},
		"without policies nothing is closed": {desired.Network{}, withFrontend, backend, desired.OperationsPort,
			[]peer{stranger}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := app(c.change)
			policies := policiesOf(t, a, c.network)
			to := desired.Labels(a, c.to)
			for _, from := range c.in {
				if !admits(t, policies, to, c.port, from) {
					t.Errorf("a pod of %s %v is kept out", from.namespace, from.labels)
				}
			}
			for _, from := range c.out {
				if admits(t, policies, to, c.port, from) {
					t.Errorf("a pod of %s %v is let in", from.namespace, from.labels)
				}
			}
		})
	}
}

// Policies do not select the pods of another app in the namespace.
func TestPoliciesAreAboutTheirOwnApp(t *testing.T) {
	other := app(func(a *todov1.TodoApp) { a.Name = "other" })
	for _, policy := range policiesOf(t, app(func(a *todov1.TodoApp) { a.Spec.Frontend.Image = "web:1" }), closed) {
		for _, component := range []string{todov1.ComponentFrontend, todov1.ComponentBackend} {
			if selects(t, &policy.Spec.PodSelector, desired.Labels(other, component)) {
				t.Errorf("policy %s selects the %s of another app", policy.Name, component)
			}
		}
	}
}
