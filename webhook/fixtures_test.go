package webhook

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	secretA = "aFh3-kQ9zX_7Lw2mRt5YvB8nCj4PsD6e"
	secretB = "bGj4-mS8yW_6Kv1nQu3XzA9pHf5TrE7d"
	secretC = "cHk5-nT7xV_8Lw3pRs6YqB2mJd9GuF4z"
)

// todoApp makes an app named team-a.
func todoApp(with ...func(*todov1.TodoApp)) *todov1.TodoApp {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "team-a", Namespace: "team-a"}}
	for _, f := range with {
		f(app)
	}
	return app
}

func frontendRef(name string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Frontend.SecretRef = &todov1.SecretReference{Name: name} }
}

func backendRef(name string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Backend.SecretRef = &todov1.SecretReference{Name: name} }
}

func sourceRef(name, key string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		app.Spec.Auth.Source = &todov1.AuthSource{SecretRef: secretKey(name, key)}
	}
}

func annotated(key, value string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { metav1.SetMetaDataAnnotation(&app.ObjectMeta, key, value) }
}

func frontendEnv(e ...corev1.EnvVar) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Frontend.Env = e }
}

func backendEnv(e ...corev1.EnvVar) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Backend.Env = e }
}

func secretKey(name, key string) todov1.SecretKeyReference {
	return todov1.SecretKeyReference{SecretReference: todov1.SecretReference{Name: name}, Key: key}
}

func frontendDatabase(name, key string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		app.Spec.Frontend.Database = &todov1.DatabaseSpec{URLSecretRef: secretKey(name, key)}
	}
}

func backendDatabase(name, key string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		app.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: secretKey(name, key)}
	}
}

func ingressTLS(name string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Ingress = &todov1.IngressSpec{TLSSecretName: name} }
}

func sqlite(app *todov1.TodoApp) { app.Spec.Backend.Storage.SQLite = &todov1.SQLiteSpec{} }

func postgres(app *todov1.TodoApp) { app.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{} }

func ownImage(app *todov1.TodoApp) { app.Spec.Backend.Image = "registry.example.com/api:1" }

func frontendURL(url string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Frontend.URL = url }
}

// holding makes Secrets that are handed over to team-a; entries are "name entry value".
func holding(entries ...string) secrets {
	found := secrets{}
	for _, e := range entries {
		name, rest, _ := strings.Cut(e, " ")
		entry, value, _ := strings.Cut(rest, " ")
		if found[name] == nil {
			found[name] = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string][]byte{}}
			metav1.SetMetaDataAnnotation(&found[name].ObjectMeta, todov1.AnnotationAdopt, "team-a")
		}
		if entry != "" {
			found[name].Data[entry] = []byte(value)
		}
	}
	return found
}

// ring adds the app's keyring with values, the last of which is active.
func (s secrets) ring(values ...keyring.Value) secrets {
	var ring keyring.Ring
	for i, v := range values {
		at := time.Unix(int64(i+1), 0)
		ring.Keys = append(ring.Keys, keyring.Key{Version: int64(i + 1), Value: v, CreatedAt: at, PromotedAt: at})
	}
	data, err := ring.Marshal()
	if err != nil {
		panic(err)
	}
	s["team-a-keyring"] = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "team-a-keyring"}, Data: data}
	return s.owned("team-a-keyring", "team-a")
}

// notHandedOver takes the mark off a Secret.
func (s secrets) notHandedOver(name string) secrets {
	s[name].Annotations = nil
	return s
}

// owned makes a Secret an app's.
func (s secrets) owned(name, app string) secrets {
	s[name].Annotations = nil
	s[name].Labels = map[string]string{desired.LabelManagedBy: desired.ManagedBy, todov1.LabelApp: app,
		todov1.LabelComponent: todov1.ComponentFrontend}
	s[name].OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "todoapp.dev/v1alpha1", Kind: "TodoApp", Name: app, Controller: new(true)}}
	return s
}

func (s secrets) changed(name string, change func(*corev1.Secret)) secrets {
	change(s[name])
	return s
}

func fromSecretKey(name, secret, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key}}}
}

func fromConfigMapKey(name, configMap, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: configMap}, Key: key}}}
}
