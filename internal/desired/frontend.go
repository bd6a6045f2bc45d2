package desired

import (
	"fmt"

	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// frontendDeployment returns the Deployment of the app's frontend image. The frontend reads its keys at start, so the pod template
// carries an annotation with the key versions, and a change of the annotation rolls the pods.
func frontendDeployment(app *todov1.TodoApp, versions []int64) *appsv1ac.DeploymentApplyConfiguration {
	spec := app.Spec.Frontend
	c := probed(container(frontendComponent(app), spec.Image, spec.WorkloadSpec), spec.Probes).
		WithEnvFrom(environmentOf(FrontendSecret(app)))
	withVariables(c, variable("API_URL", BackendURL(app)))
	withVariables(c, tokenVariables(app.Spec.Auth.Tokens)...)
	withVariables(c, listenVariables(spec)...)
	if url := FrontendURL(app); url != "" {
		withVariables(c,
			variable("BETTER_AUTH_URL", url),
			variable("NEXT_PUBLIC_APP_URL", url),
			variable("NEXT_PUBLIC_API_URL", url))
	}
	if spec.Database != nil {
		withVariables(c, variableFrom("DATABASE_URL", spec.Database.URLSecretRef))
	}
	pod := corev1ac.PodSpec().WithSecurityContext(securityContext())
	withCA(pod, c, spec.Database, "PGSSLROOTCERT", "NODE_EXTRA_CA_CERTS")
	pod.WithContainers(c)
	keys := map[string]string{todov1.AnnotationKeys: keyring.FormatVersions(versions)}
	d := deployment(app, frontendComponent(app), spec.WorkloadSpec, ptr.Deref(spec.Replicas, 1), pod, keys)
	return autoscaled(d, spec.Autoscaling)
}

// FrontendURL returns the URL at which browsers reach the frontend: the one in the spec, or else that of the Ingress host, or else
// that of the Gateway's first host name. It is empty if the app has none of them.
func FrontendURL(app *todov1.TodoApp) string {
	spec, ingress := app.Spec.Frontend, app.Spec.Ingress
	switch {
	case spec.URL != "" || spec.Image == "" || ingress == nil && app.Spec.Gateway == nil:
		return spec.URL
	case ingress == nil:
		return "https://" + app.Spec.Gateway.Hostnames[0]
	case ingress.TLSSecretName != "":
		return "https://" + ingress.Host
	default:
		return "http://" + ingress.Host
	}
}

// BackendURL returns the URL at which pods of the cluster reach the backend.
func BackendURL(app *todov1.TodoApp) string {
	return fmt.Sprintf("http://%s.%s.svc:%d", Backend(app), app.Namespace, app.Spec.Backend.Port)
}
