package desired

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func frontendSecret(app *todov1.TodoApp, keys keyring.Projection) *corev1ac.SecretApplyConfiguration {
	return secret(app, todov1.ComponentFrontend, FrontendSecret(app), keys)
}

func backendSecret(app *todov1.TodoApp, keys keyring.Projection) *corev1ac.SecretApplyConfiguration {
	return secret(app, todov1.ComponentBackend, BackendSecret(app), keys)
}

func secret(app *todov1.TodoApp, component, name string, keys keyring.Projection) *corev1ac.SecretApplyConfiguration {
	data := make(map[string][]byte, len(keys.Data))
	for entry, value := range keys.Data {
		data[entry] = []byte(value)
	}
	annotations := map[string]string{todov1.AnnotationKeys: keyring.FormatVersions(keys.Versions)}
	if !keys.RevokedBefore.IsZero() {
		annotations[todov1.AnnotationRevokedBefore] = keys.RevokedBefore.UTC().Format(time.RFC3339Nano)
	}
	return corev1ac.Secret(name, app.Namespace).
		WithLabels(Labels(app, component)).
		WithAnnotations(annotations).
		WithOwnerReferences(OwnerReference(app)).
		WithType(corev1.SecretTypeOpaque).
		WithData(data)
}
