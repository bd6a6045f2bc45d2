package controllers_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
)

// An app with every field of a platform is written once: what the API server adds to those fields is no drift.
func TestAnAppOfAPlatformSettles(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	document, err := os.ReadFile("../config/samples/platform.yaml")
	must(t, err)
	var sample todov1.TodoApp
	must(t, yaml.Unmarshal(document, &sample))
	app := e.app("todo", func(a *todov1.TodoApp) { a.Spec = sample.Spec })
	e.settled("todo")
	e.quiet(p)
	e.touch(app, "again")
	if sent := e.quiet(p); len(sent) > 0 {
		t.Errorf("nothing has changed, and the manager sent %v", sent)
	}
}

// databaseApp is an app whose task API reads a URL from a Secret and an authority from a ConfigMap.
func databaseApp(a *todov1.TodoApp) {
	a.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{
		URLSecretRef: todov1.SecretKeyReference{SecretReference: todov1.SecretReference{Name: "db"}, Key: "url"},
		CARef:        &todov1.CAReference{Kind: todov1.KindConfigMap, Name: "ca", Key: "ca.crt"},
	}
}

// A new password of the database replaces the pods once. Before that, neither the first reconcile nor a restart of the manager
// does, and after it nothing is written.
func TestANewDatabasePasswordReplacesThePods(t *testing.T) {
	e := newEnvironment(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "db"},
		StringData: map[string]string{"url": "postgres://one", "other": "x"}}
	must(t, e.client.Create(t.Context(), secret))
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "ca"},
		Data: map[string]string{"ca.crt": "one"}}
	must(t, e.client.Create(t.Context(), configMap))
	recorder := events.NewFakeRecorder(100)
	p := e.start(func(r *controllers.Reconciler) { r.Events = recorder })
	app := e.app("todo", databaseApp)
	e.settled("todo")
	e.quiet(p)
	var d appsv1.Deployment
	must(t, e.get("todo-backend", &d))
	first := d.Annotations[todov1.AnnotationSources]
	if first == "" || d.Spec.Template.Annotations[todov1.AnnotationSources] != "" || d.Generation != 1 {
		t.Fatalf("recorded %q, and the pods have %v", first, d.Spec.Template.Annotations)
	}
	replaced := func(generation int64) error {
		if err := e.get("todo-backend", &d); err != nil {
			return err
		}
		note := d.Spec.Template.Annotations[todov1.AnnotationSources]
		if d.Generation != generation || note != d.Annotations[todov1.AnnotationSources] || note == first {
			return fmt.Errorf("generation %d, annotations %v, the pods' %v", d.Generation, d.Annotations, d.Spec.Template.Annotations)
		}
		return nil
	}
	e.merge(secret, `{"stringData":{"url":"postgres://two"}}`)
	eventually(t, func() error { return replaced(2) })
	e.merge(configMap, `{"data":{"ca.crt":"two"}}`)
	eventually(t, func() error { return replaced(3) })
	e.merge(secret, `{"stringData":{"other":"y"},"metadata":{"annotations":{"refreshed":"now"}}}`)
	e.quiet(p)
	must(t, replaced(3))
	e.merge(secret, `{"metadata":{"labels":{"todoapp.dev/app":"todo"}}}`) // another cache holds it now
	e.quiet(p)
	must(t, replaced(3))
	e.merge(secret, `{"stringData":{"url":"postgres://labelled"}}`)
	eventually(t, func() error { return replaced(4) })
	for _, request := range e.restartedRequests(p) {
		if !strings.HasPrefix(request, "GET ") {
			t.Errorf("a restart of the manager sends %s", request)
		}
	}
	e.merge(app, `{"spec":{"backend":{"storage":{"postgres":{"onChange":"Ignore"}}}}}`)
	eventually(t, func() error { return e.observed("todo", 2) })
	e.merge(secret, `{"stringData":{"url":"postgres://three"}}`)
	e.touch(app, "ignored")
	must(t, replaced(4))
	if told := changesOf(recorder); told != 3 {
		t.Errorf("%d Events tell that the database has changed, expected one for each of three changes", told)
	}
}

// changesOf counts the Events so far that tell of a changed database.
// TestAChangedDatabaseIsToldBesideAFailure: the pods are replaced although an Ingress cannot be made, and an Event says why.
func TestAChangedDatabaseIsToldBesideAFailure(t *testing.T) {
	e := newEnvironment(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "db"},
		StringData: map[string]string{"url": "postgres://one"}}
	must(t, e.client.Create(t.Context(), secret))
	must(t, e.client.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "ca"},
		Data: map[string]string{"ca.crt": "one"}}))
	p := e.start()
	e.app("todo", databaseApp, func(a *todov1.TodoApp) { a.Spec.Ingress = &todov1.IngressSpec{Host: "todo.example.com"} })
	e.settled("todo")
	e.quiet(p)
	p.stop()
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "todo"}}
	must(t, e.client.Delete(t.Context(), ingress))
	e.merge(secret, `{"stringData":{"url":"postgres://two"}}`)
	recorder := events.NewFakeRecorder(100)
	e.start(func(r *controllers.Reconciler) {
		r.Events, r.Client = recorder, refusing{r.Client, "Ingress", errDisturbed}
	})
	e.told(recorder, "DatabaseChanged")
}

// told waits for an Event with a text.
func (e *environment) told(recorder *events.FakeRecorder, text string) {
	e.t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case event := <-recorder.Events:
			if strings.Contains(event, text) {
				return
			}
		case <-late:
			e.t.Fatalf("no Event says %s", text)
		}
	}
}

func changesOf(recorder *events.FakeRecorder) (told int) {
	for len(recorder.Events) > 0 {
		if strings.Contains(<-recorder.Events, "DatabaseChanged") {
			told++
		}
	}
	return told
}

// Every object of an app inherits labels and annotations, the keyring too, and loses them again. The cache keeps what the
// operator wrote, so that nothing is written twice.
func TestObjectsInheritMetadata(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.InheritedMetadata = &todov1.InheritedMetadata{
			Labels: map[string]string{"team": "shop"}, Annotations: map[string]string{"backup.example.com/include": "true"}}
	})
	e.settled("todo")
	e.quiet(p)
	objects := map[string]client.Object{
		"todo-keyring": &corev1.Secret{}, "todo-frontend-auth": &corev1.Secret{}, "todo-backend": &appsv1.Deployment{},
		"todo-data": &corev1.PersistentVolumeClaim{},
	}
	has := func(team, include string) error {
		for name, object := range objects {
			if err := e.get(name, object); err != nil {
				return err
			}
			if object.GetLabels()["team"] != team || object.GetAnnotations()["backup.example.com/include"] != include ||
				object.GetLabels()[todov1.LabelApp] != "todo" {
				return fmt.Errorf("%s has %v and %v", name, object.GetLabels(), object.GetAnnotations())
			}
		}
		return nil
	}
	must(t, has("shop", "true"))
	e.touch(app, "again")
	for _, request := range append(e.quiet(p), e.restartedRequests(p)...) {
		if !strings.HasPrefix(request, "GET ") || strings.HasSuffix(request, "/pods") {
			t.Errorf("nothing has changed, and the manager sends %s", request)
		}
	}
	e.merge(app, `{"spec":{"inheritedMetadata":{"labels":{"team":"web"},"annotations":null}}}`)
	eventually(t, func() error { return has("web", "") })
	e.merge(app, `{"spec":{"inheritedMetadata":null}}`)
	eventually(t, func() error { return has("", "") })
}
