//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// startWithin bounds how long an app may take to become ready on a busy machine.
const startWithin = 2 * time.Minute

// newApp returns a TodoApp with a spec in YAML. It does not create it.
func (e *environment) newApp(name, spec string) *todov1.TodoApp {
	e.Helper()
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}}
	must(e, yaml.UnmarshalStrict([]byte(spec), &app.Spec))
	return app
}

// apply creates a TodoApp with a spec in YAML.
func (e *environment) apply(name, spec string) *todov1.TodoApp {
	e.Helper()
	app := e.newApp(name, spec)
	must(e, cluster.Create(e.Context(), app))
	return app
}

func (e *environment) get(object client.Object, name string) {
	e.Helper()
	must(e, cluster.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: name}, object))
}

// awaitCondition waits for a condition of the app's current generation.
func (e *environment) awaitCondition(
	app *todov1.TodoApp, kind string, status metav1.ConditionStatus, reason string,
) metav1.Condition {
	e.Helper()
	return e.awaitConditionWithin(startWithin, app, kind, status, reason)
}

// awaitUnready waits until the app says that pods run and do not become ready, which it does a minute after they have started.
func (e *environment) awaitUnready(app *todov1.TodoApp, kind string) metav1.Condition {
	e.Helper()
	return e.awaitConditionWithin(time.Minute+startWithin, app, kind, metav1.ConditionFalse, todov1.ReasonNotReady)
}

func (e *environment) awaitConditionWithin(
	within time.Duration, app *todov1.TodoApp, kind string, status metav1.ConditionStatus, reason string,
) metav1.Condition {
	e.Helper()
	var found metav1.Condition
	e.await(fmt.Sprintf("%s: %s %s (%s)", app.Name, kind, status, reason), within, func() error {
		if err := cluster.Get(e.Context(), client.ObjectKeyFromObject(app), app); err != nil {
			return err
		}
		c := meta.FindStatusCondition(app.Status.Conditions, kind)
		if c == nil || c.Status != status || c.ObservedGeneration != app.Generation || reason != "" && c.Reason != reason {
			return fmt.Errorf("it is %+v", c)
		}
		found = *c
		return nil
	})
	return found
}

func (e *environment) awaitReady(app *todov1.TodoApp) {
	e.Helper()
	e.awaitCondition(app, todov1.ConditionReady, metav1.ConditionTrue, "")
}

// token signs a token with the app's active key, as its frontend does.
func (e *environment) token(app *todov1.TodoApp, subject string) string {
	e.Helper()
	var secret corev1.Secret
	e.get(&secret, desired.FrontendSecret(app))
	claims := jwt.RegisteredClaims{
		Subject: subject, Issuer: app.Spec.Auth.Tokens.Issuer,
		IssuedAt: jwt.NewNumericDate(time.Now()), ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Minute)),
	}
	if audience := app.Spec.Auth.Tokens.Audience; audience != "" {
		claims.Audience = jwt.ClaimStrings{audience}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["kid"] = string(secret.Data[keyring.EntryKeyVersion])
	signed, err := token.SignedString(secret.Data[keyring.EntrySecret])
	must(e, err)
	return signed
}

// tasks returns a call that lists the tasks of a user. Without a token it sends no Authorization header.
func tasks(app *todov1.TodoApp, user, token string) agent.Call {
	c := agent.Call{Method: http.MethodGet, URL: desired.BackendURL(app) + "/api/" + user + "/tasks", Header: map[string]string{}}
	if token != "" {
		c.Header["Authorization"] = "Bearer " + token
	}
	return c
}

// adding turns a call that lists tasks into one that adds a task.
func adding(c agent.Call, title string) agent.Call {
	c.Method, c.Header["Content-Type"], c.Body = http.MethodPost, "application/json", fmt.Sprintf(`{"title":%q}`, title)
	return c
}

// expect makes a call and returns the body of its answer. It repeats the call if the connection is refused: a node
// routes a Service only some time after its first pod is ready, and no status shows when. Tests under load check that a
// Service keeps answering.
func (e *environment) expect(c agent.Call, status int) string {
	e.Helper()
	var reply agent.Reply
	e.await("an answer of "+c.URL, startWithin, func() (err error) {
		reply, err = ask[agent.Reply](e.Context(), "call", c)
		if err != nil && !strings.Contains(err.Error(), "connection refused") {
			e.Fatal(err)
		}
		return err
	})
	if reply.Status != status {
		e.Fatalf("%s %s: %d %s, expected %d", c.Method, c.URL, reply.Status, reply.Body, status)
	}
	return reply.Body
}

// titles returns the titles of a user's tasks, read through the app's Service.
func (e *environment) titles(app *todov1.TodoApp, user string) string {
	e.Helper()
	var list []struct{ Title string }
	must(e, json.Unmarshal([]byte(e.expect(tasks(app, user, e.token(app, user)), http.StatusOK)), &list))
	titles := make([]string, len(list))
	for i, task := range list {
		titles[i] = task.Title
	}
	return strings.Join(titles, ", ")
}

// pods returns the pods of a component that are not terminating.
func (e *environment) pods(app *todov1.TodoApp, component string) []corev1.Pod {
	e.Helper()
	var list corev1.PodList
	must(e, cluster.List(e.Context(), &list, client.InNamespace(e.namespace), client.MatchingLabels(desired.Selector(app, component))))
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// active returns the version of the active key in the status.
func active(app *todov1.TodoApp) string {
	for _, k := range app.Status.Keys {
		if k.State == todov1.KeyActive {
			return strconv.FormatInt(k.Version, 10)
		}
	}
	return "none"
}
