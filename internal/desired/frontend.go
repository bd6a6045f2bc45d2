package desired

import (
	"fmt"

	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// frontendDeployment runs the app's frontend image. It reads its keys when it starts: the annotation names those that
// a pod started with, and a change of it rolls the pods.
func frontendDeployment(app *todov1.TodoApp, versions []int64) *appsv1ac.DeploymentApplyConfiguration {
	spec := app.Spec.Frontend
	c := listening(container(frontendSide(app), spec.Image, spec.WorkloadSpec)).
		WithEnvFrom(environmentOf(FrontendSecret(app)))
	withVariables(c, variable("API_URL", BackendURL(app)))
	withVariables(c, tokenVariables(app.Spec.Auth.Tokens)...)
	if url := FrontendURL(app); url != "" {
		withVariables(c,
			variable("BETTER_AUTH_URL", url),
			variable("NEXT_PUBLIC_APP_URL", url),
			variable("NEXT_PUBLIC_API_URL", url))
	}
	if spec.Database != nil {
		withVariables(c, variableFrom("DATABASE_URL", spec.Database.URLSecretRef))
	}
	pod := corev1ac.PodSpec().WithSecurityContext(securityContext()).WithContainers(c)
	keys := map[string]string{todov1.AnnotationKeys: keyring.FormatVersions(versions)}
	return deployment(app, frontendSide(app), spec.WorkloadSpec, replicas(spec.Replicas), pod, keys)
}

// FrontendURL is where browsers reach the frontend: as the app says, else by its Ingress; empty when there is neither.
func FrontendURL(app *todov1.TodoApp) string {
	spec, ingress := app.Spec.Frontend, app.Spec.Ingress
	switch {
	case spec.URL != "" || spec.Image == "" || ingress == nil:
		return spec.URL
	case ingress.TLSSecretName != "":
		return "https://" + ingress.Host
	default:
		return "http://" + ingress.Host
	}
}

// BackendURL is where pods of the cluster reach the backend.
func BackendURL(app *todov1.TodoApp) string {
	return fmt.Sprintf("http://%s.%s.svc:%d", Backend(app), app.Namespace, app.Spec.Backend.Port)
}
