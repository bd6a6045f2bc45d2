package controllers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/testenv"
)

// withGateway makes an app with a frontend that a Gateway serves.
func withGateway(a *todov1.TodoApp) {
	a.Spec.Frontend.Image = "web:1"
	a.Spec.Gateway = &todov1.GatewaySpec{
		ParentRefs: []todov1.GatewayReference{{Name: "public", Namespace: "infra", SectionName: "https"}},
		Hostnames:  []string{"todo.example.com"}, Labels: map[string]string{"team": "a"},
		Annotations: map[string]string{"a": "b"},
	}
}

// installGatewayAPI creates the CRDs of HTTPRoutes as the Gateway API releases them.
func installGatewayAPI(t *testing.T) {
	t.Helper()
	files, err := testenv.GatewayAPI(t.Context())
	must(t, err)
	_, err = envtest.InstallCRDs(apiServer, envtest.CRDInstallOptions{Paths: files, ErrorIfPathMissing: true})
	must(t, err)
}

// removeGatewayAPI deletes the CRDs, and awaits the end of them and of their objects.
func (e *environment) removeGatewayAPI() {
	e.t.Helper()
	files, err := testenv.GatewayAPI(e.t.Context())
	must(e.t, err)
	must(e.t, envtest.UninstallCRDs(apiServer, envtest.CRDInstallOptions{Paths: files}))
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	for _, name := range []string{"httproutes", "gateways", "gatewayclasses"} {
		eventually(e.t, func() error {
			err := e.client.Get(e.t.Context(), client.ObjectKey{Name: name + ".gateway.networking.k8s.io"}, crd)
			if !apierrors.IsNotFound(err) {
				return fmt.Errorf("the CRD of %s is still there (%w)", name, err)
			}
			return nil
		})
	}
}

// httpRoute holds the fields of an HTTPRoute that the tests read.
type httpRoute struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ParentRefs []todov1.GatewayReference
		Hostnames  []string
		Rules      []struct {
			Matches     []struct{ Path struct{ Type, Value string } }
			BackendRefs []struct {
				Name string
				Port int
			}
		}
	}
}

// route reads the app's HTTPRoute.
func (e *environment) route() (*unstructured.Unstructured, httpRoute, error) {
	live, typed := &unstructured.Unstructured{}, httpRoute{}
	live.SetGroupVersionKind(schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"})
	if err := e.get("todo", live); err != nil {
		return live, typed, err
	}
	text, err := live.MarshalJSON()
	if err != nil {
		return live, typed, err
	}
	return live, typed, json.Unmarshal(text, &typed)
}

// answer writes what the controller of the Gateway says of the route.
func (e *environment) answer(status metav1.ConditionStatus, reason string) {
	e.t.Helper()
	live, _, err := e.route()
	must(e.t, err)
	live.Object["status"] = map[string]any{"parents": []any{map[string]any{
		"controllerName": "example.com/gateway",
		"parentRef":      map[string]any{"name": "public", "namespace": "infra", "sectionName": "https"},
		"conditions": []any{map[string]any{
			"type": "Accepted", "status": string(status), "reason": reason, "message": "told by the Gateway",
			"observedGeneration": live.GetGeneration(), "lastTransitionTime": "2026-01-02T03:04:05Z"}},
	}}}
	must(e.t, e.client.Status().Update(e.t.Context(), live))
}

// TestAGatewayServesAnApp begins without the Gateway API, which must not keep the app from its pods, and installs it later. Then
// the Gateway API is removed for a time.
func TestAGatewayServesAnApp(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo", withGateway)
	e.settled("todo")
	accepted := func(status metav1.ConditionStatus, reason string) {
		t.Helper()
		eventually(t, func() error { return e.condition("todo", todov1.ConditionRouteAccepted, status, reason) })
	}
	accepted(metav1.ConditionFalse, todov1.ReasonGatewayAPIMissing)
	e.url("todo", "https://todo.example.com")

	installGatewayAPI(t)
	accepted(metav1.ConditionFalse, todov1.ReasonGatewayPending)
	live, route, err := e.route()
	must(t, err)
	var rules []string
	for _, rule := range route.Spec.Rules {
		to := rule.BackendRefs[0]
		rules = append(rules, fmt.Sprintf("%s %s %s:%d", rule.Matches[0].Path.Type, rule.Matches[0].Path.Value, to.Name, to.Port))
	}
	want := "[PathPrefix /api/auth todo-frontend:3000 PathPrefix /api todo-backend:8000 PathPrefix / todo-frontend:3000]"
	if got := fmt.Sprint(rules); got != want {
		t.Errorf("the rules are %s, want %s", got, want)
	}
	parent := route.Spec.ParentRefs[0]
	if parent.Name != "public" || parent.Namespace != "infra" || parent.SectionName != "https" || route.Labels["team"] != "a" {
		t.Errorf("the route is %+v %+v", route.ObjectMeta, route.Spec.ParentRefs)
	}
	e.answer(metav1.ConditionFalse, "NotAllowedByListeners")
	accepted(metav1.ConditionFalse, todov1.ReasonRouteRefused)
	e.answer(metav1.ConditionTrue, "Accepted")
	accepted(metav1.ConditionTrue, todov1.ReasonAccepted)

	e.quiet(p)
	for _, request := range e.quiet(p) {
		t.Errorf("in the steady state the operator sends %s", request)
	}
	e.merge(live, `{"spec":{"hostnames":["elsewhere.example.com"]}}`)
	e.merge(app, `{"spec":{"gateway":{"annotations":null}}}`)
	eventually(t, func() error {
		_, route, err := e.route()
		if err != nil || route.Spec.Hostnames[0] != "todo.example.com" || len(route.Annotations) > 0 {
			return fmt.Errorf("the route is %+v %v (%w)", route.ObjectMeta, route.Spec.Hostnames, err)
		}
		return nil
	})

	e.removeGatewayAPI()
	accepted(metav1.ConditionFalse, todov1.ReasonGatewayAPIMissing)
	must(t, e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync))
	e.quiet(p)
	for _, request := range e.quiet(p) {
		if strings.Contains(request, "httproutes") || !strings.HasPrefix(request, "GET ") {
			t.Errorf("without the Gateway API the operator sends %s", request)
		}
	}
	installGatewayAPI(t)
	accepted(metav1.ConditionFalse, todov1.ReasonGatewayPending)
	eventually(t, func() error {
		_, _, err := e.route()
		return err
	})
	e.quiet(p)
	e.merge(app, `{"spec":{"gateway":null}}`)
	e.gone("todo", live)
	e.removeGatewayAPI()
}
