//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	corev1 "k8s.io/api/core/v1"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const fastapiImage = "todoapp-fastapi:dev"

// TestOwnBackends rotates the keys of three apps in use. Two must not lose a request: one whose own backend reads all
// keys, and one whose keys come from an external source. The third has a backend that reads a single key, so it loses
// some.
func TestOwnBackends(t *testing.T) {
	if output, err := exec.Command("./image.sh", fastapiImage, "examples/fastapi/image.yaml").CombinedOutput(); err != nil {
		t.Fatalf("building the image of the FastAPI backend: %v\n%s", err, output)
	}
	r := &runningApps{environment: newEnvironment(t)}
	r.keys = r.witness()
	r.secret("db", "url", databaseURL(t))
	r.secret("store", "key", strings.Repeat("first-", 5)+"0123456789-abcdefghij")
	const (
		tokens   = `tokens: {maxLifetime: 1m, leeway: 0s, issuer: nextjs-frontend, audience: fastapi-backend}`
		frontend = `frontend: {image: "` + probeImage + `", replicas: 2}`
		database = `replicas: 2, storage: {postgres: {urlSecretRef: {name: db, key: url}}}`
		own      = database + `, image: "` + fastapiImage + `"`
	)
	list := r.apply("list", `{auth: {`+tokens+`}, `+frontend+`, backend: {`+own+`, env: [{name: TOKEN_KEYS, value: all}]}}`)
	single := r.apply("single", `{auth: {`+tokens+`}, `+frontend+`, backend: {`+own+`}}`)
	source := r.apply("source", `{auth: {source: {secretRef: {name: store, key: key}}, `+tokens+`}, `+frontend+
		`, backend: {`+database+`}}`)
	apps := []*todov1.TodoApp{list, single, source}
	for _, app := range apps {
		r.awaitReady(app)
	}
	for _, app := range apps {
		r.users = append(r.users, r.startUser(app))
	}
	for _, app := range apps {
		r.refusesForgeries(app)
		r.answersEveryRoute(app)
	}
	switched := r.rotate(source)
	r.judge([]*user{r.users[0], r.users[2]})
	r.price(r.users[1], switched)
	r.keys.check(r.environment)
	r.sum(r.users)
}

// refusesForgeries checks that a backend accepts the app's tokens, and rejects tokens with any part missing or wrong.
func (r *runningApps) refusesForgeries(app *todov1.TodoApp) {
	r.Helper()
	var secret corev1.Secret
	r.get(&secret, desired.FrontendSecret(app))
	key := secret.Data[keyring.EntrySecret]
	with := func(change func(*jwt.Token, jwt.MapClaims)) string {
		claims := jwt.MapClaims{"sub": "alice", "iss": app.Spec.Auth.Tokens.Issuer, "aud": app.Spec.Auth.Tokens.Audience,
			"iat": time.Now().Unix(), "exp": time.Now().Add(validity).Unix()}
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
		token.Header["kid"] = string(secret.Data[keyring.EntryKeyVersion])
		change(token, claims)
		signed, err := token.SignedString(key)
		must(r, err)
		return signed
	}
	good := with(func(*jwt.Token, jwt.MapClaims) {})
	r.expect(tasks(app, "alice", good), http.StatusOK)
	forgeries := map[string]string{
		"changed":  good[:len(good)-4] + "AAAA",
		"expired":  with(func(_ *jwt.Token, c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Minute).Unix() }),
		"issuer":   with(func(_ *jwt.Token, c jwt.MapClaims) { c["iss"] = "somebody" }),
		"audience": with(func(_ *jwt.Token, c jwt.MapClaims) { c["aud"] = "somebody" }),
		"method":   with(func(t *jwt.Token, _ jwt.MapClaims) { t.Method, t.Header["alg"] = jwt.SigningMethodHS512, "HS512" }),
	}
	for _, name := range []string{"sub", "iss", "aud", "exp"} {
		forgeries["no "+name] = with(func(_ *jwt.Token, c jwt.MapClaims) { delete(c, name) })
	}
	for name, forgery := range forgeries {
		if reply := request(r.T, tasks(app, "alice", forgery)); reply.Status != http.StatusUnauthorized {
			r.Errorf("%s: a forgery (%s) is answered with %d %s", app.Name, name, reply.Status, reply.Body)
		}
	}
}

// answersEveryRoute calls every route for a user's task once, and for the task of another user. Both backends must
// answer alike.
func (r *runningApps) answersEveryRoute(app *todov1.TodoApp) {
	r.Helper()
	user := "routes-of-" + app.Name
	list := tasks(app, user, r.token(app, user))
	list.Header["Content-Type"] = "application/json"
	made := request(r.T, adding(list, "Water the plants"))
	if made.Status != http.StatusOK && made.Status != http.StatusCreated { // FastAPI's default, and the embedded API's
		r.Fatalf("%s: adding a task: %d %s", app.Name, made.Status, made.Body)
	}
	one := list
	one.URL += fmt.Sprintf("/%d", taskOf(r.T, made.Body).ID)
	with := func(c agent.Call, method, suffix, body string) agent.Call {
		c.Method, c.URL, c.Body = method, c.URL+suffix, body
		return c
	}
	for _, step := range []struct {
		method, suffix, body string
		want                 answeredTask
	}{
		{http.MethodGet, "", "", answeredTask{Title: "Water the plants"}},
		{http.MethodPut, "", `{"title":"Water the fern"}`, answeredTask{Title: "Water the fern"}},
		{http.MethodPatch, "", `{"completed":true}`, answeredTask{Title: "Water the fern", Completed: true}},
		{http.MethodPatch, "/complete", "", answeredTask{Title: "Water the fern"}},
	} {
		step.want.ID = taskOf(r.T, made.Body).ID
		if got := taskOf(r.T, r.expect(with(one, step.method, step.suffix, step.body), http.StatusOK)); got != step.want {
			r.Errorf("%s: %s%s answers %+v, expected %+v", app.Name, step.method, step.suffix, got, step.want)
		}
	}
	r.expect(with(one, http.MethodPut, "", `{"title":null}`), http.StatusUnprocessableEntity)
	foreign := one
	foreign.URL = strings.Replace(one.URL, user, "alice", 1)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		r.expect(with(foreign, method, "", `{"title":"Mine"}`), http.StatusForbidden)
	}
	r.expect(with(one, http.MethodDelete, "", ""), http.StatusOK)
	r.expect(one, http.StatusNotFound)
}

type answeredTask struct {
	ID        int64
	Title     string
	Completed bool
}

func taskOf(t *testing.T, body string) (found answeredTask) {
	t.Helper()
	must(t, json.Unmarshal([]byte(body), &found))
	return found
}
