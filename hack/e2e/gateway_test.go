//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/testenv"
)

// TestAGatewayServesFrontendAndAPI migrates an app from an Ingress to a Gateway. The Gateway refuses the app at first. In a cluster
// without the Gateway API, the test installs it after the app.
func TestAGatewayServesFrontendAndAPI(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	host := e.namespace + ".localhost"
	app := e.apply("todo", `{frontend: {image: "`+probeImage+`"}, ingress: {host: `+host+`},
		gateway: {parentRefs: [{name: public, sectionName: http}], hostnames: [`+host+`, second.`+host+`]},
		backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	e.installGatewayAPI()
	e.awaitCondition(app, todov1.ConditionRouteAccepted, metav1.ConditionFalse, todov1.ReasonGatewayPending)
	address := e.ingress(reachOfThisMachine())
	e.awaitReady(app)
	servesBoth := func(host string) {
		t.Helper()
		e.await("frontend and API at "+host, time.Minute, func() error {
			return errors.Join(e.answers(address, host, "/token?sub=alice", http.StatusOK),
				e.answers(address, host, "/api/alice/tasks", http.StatusUnauthorized))
		})
		// The frontend of these tests lacks this page. Its 404 has another text than the API's.
		if status, body := e.browse(address, host, http.MethodGet, "/api/auth/session", "", ""); body != "404 page not found\n" {
			t.Errorf("%s/api/auth is not the frontend's: %d %s", host, status, body)
		}
	}
	servesBoth(host) // by the Ingress

	gateways := gatewayClient(t)
	gateway := e.refusingGateway(gateways)
	refusal := e.awaitCondition(app, todov1.ConditionRouteAccepted, metav1.ConditionFalse, todov1.ReasonRouteRefused)
	if !strings.Contains(refusal.Message, "NotAllowedByListeners") {
		t.Errorf("the condition does not have the answer of the Gateway: %s", refusal.Message)
	}
	if status, body := e.browse(address, "second."+host, http.MethodGet, "/", "", ""); status != http.StatusNotFound {
		t.Errorf("a refused route is served: %d %s", status, body)
	}
	admit := `[{"op":"remove","path":"/spec/listeners/0/allowedRoutes"}]`
	must(t, gateways.Patch(t.Context(), gateway, client.RawPatch("application/json-patch+json", []byte(admit))))
	e.awaitCondition(app, todov1.ConditionRouteAccepted, metav1.ConditionTrue, todov1.ReasonAccepted)
	servesBoth("second." + host) // a host that only the route has
	must(t, cluster.Patch(t.Context(), app, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"ingress":null}}`))))
	e.awaitReady(app)
	servesBoth(host)

	must(t, cluster.Patch(t.Context(), app, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"gateway":null}}`))))
	e.await("the end of the route", time.Minute, func() error { return e.answers(address, host, "/", http.StatusNotFound) })
}

// installGatewayAPI creates the CRDs of the Gateway API that the cluster lacks. They stay, as other tests and the operator may
// use them.
func (e *environment) installGatewayAPI() {
	e.Helper()
	files, err := testenv.GatewayAPI(e.Context())
	must(e, err)
	scheme := runtime.NewScheme()
	must(e, apiextensionsv1.AddToScheme(scheme))
	admin, err := client.New(cluster.config, client.Options{Scheme: scheme})
	must(e, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(e, err)
		var crd apiextensionsv1.CustomResourceDefinition
		must(e, yaml.Unmarshal(text, &crd))
		if err := admin.Create(e.Context(), &crd); !apierrors.IsAlreadyExists(err) {
			must(e, err)
		}
		e.kubectl("wait", "--for=condition=Established", "--timeout=1m", "crd/"+crd.Name)
	}
}

// gatewayClient returns a client that knows the Gateway API.
func gatewayClient(t *testing.T) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	must(t, gatewayv1.Install(scheme))
	c, err := client.New(cluster.config, client.Options{Scheme: scheme})
	must(t, err)
	return c
}

// refusingGateway creates a Gateway of hack/ingress whose listener takes routes of no namespace of the tests.
func (e *environment) refusingGateway(gateways client.Client) *gatewayv1.Gateway {
	e.Helper()
	class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: e.namespace},
		Spec: gatewayv1.GatewayClassSpec{ControllerName: "todoapp.dev/ingress"}}
	must(e, gateways.Create(e.Context(), class))
	e.Cleanup(func() { _ = gateways.Delete(context.Background(), class) })
	selector := gatewayv1.NamespacesFromSelector
	gateway := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "public"}, Spec: gatewayv1.GatewaySpec{
		GatewayClassName: gatewayv1.ObjectName(class.Name),
		Listeners: []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType,
			AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &selector,
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"todoapp.dev/e2e": "none"}}}}}},
	}}
	must(e, gateways.Create(e.Context(), gateway))
	return gateway
}
