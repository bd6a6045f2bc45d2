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
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/load"

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

// rotate replaces the keys of all apps, of the source app by writing a new value to its source. It returns when no pod
// has the old keys. The result is when all own backends had started with the new keys.
func (r *runningApps) rotate(source *todov1.TodoApp) (switched time.Time) {
	r.Helper()
	started := time.Now()
	var versions []int64
	for _, u := range r.users {
		versions = append(versions, r.newest(u.app).Version+1)
		if u.app == source {
			r.supply("store", "key", strings.Repeat("second-", 5)+"0123456789-abcdefghij")
		} else {
			r.change(u.app, func(spec *todov1.RotationSpec) { spec.RotateAfter = new(metav1.Now()) })
		}
	}
	for _, at := range []step{published, promoted, drained, retired} {
		r.reach(at, versions)
		r.Logf("all %s %.0f s after the request", at.name, time.Since(started).Seconds())
		switch at.name {
		case published.name:
			r.warned(r.users[1].app)
		case promoted.name:
			for i, u := range r.users {
				r.awaitKeys(u.app, fmt.Sprintf("to begin with key %d", versions[i]), func(keys string) bool {
					return strings.HasPrefix(keys+",", fmt.Sprintf("%d,", versions[i]))
				})
			}
			switched = time.Now()
		}
	}
	r.complete(versions)
	for i, u := range r.users {
		r.awaitCondition(u.app, todov1.ConditionRotationComplete, metav1.ConditionTrue, todov1.ReasonComplete)
		r.awaitKeys(u.app, "to know one key", func(keys string) bool { return keys == fmt.Sprint(versions[i]) })
	}
	r.Logf("every pod with its last keys %.0f s after the request", time.Since(started).Seconds())
	return switched
}

// supply writes a new value into a Secret, as an external store does.
func (e *environment) supply(name, entry, value string) {
	e.Helper()
	var secret corev1.Secret
	e.get(&secret, name)
	before := secret.DeepCopy()
	secret.Data[entry] = []byte(value)
	must(e, cluster.Patch(e.Context(), &secret, client.MergeFrom(before)))
}

// warned waits until the status warns of failing requests during a rotation, for a backend that reads a single key.
func (r *runningApps) warned(app *todov1.TodoApp) {
	r.Helper()
	r.await("a warning of what the rotation costs", stepWithin, func() error {
		r.get(app, app.Name)
		c := meta.FindStatusCondition(app.Status.Conditions, todov1.ConditionRotationComplete)
		if c == nil || !strings.Contains(c.Message, "reads BETTER_AUTH_SECRET alone, tokens signed with a replaced key fail") {
			return fmt.Errorf("RotationComplete is %+v", c)
		}
		return nil
	})
}

// awaitKeys waits until every pod of an own backend, terminating ones included, has started with the right keys.
func (r *runningApps) awaitKeys(app *todov1.TodoApp, what string, right func(keys string) bool) {
	r.Helper()
	if app.Spec.Backend.Image == "" {
		return
	}
	r.await("the backends of "+app.Name+" "+what, stepWithin, func() error {
		var pods corev1.PodList
		must(r, cluster.List(r.Context(), &pods, client.InNamespace(r.namespace), client.MatchingLabels{
			todov1.LabelApp: app.Name, todov1.LabelComponent: todov1.ComponentBackend}))
		for i := range pods.Items {
			pod := &pods.Items[i]
			if keys := pod.Annotations[todov1.AnnotationKeys]; !right(keys) || !podReady(pod) {
				return fmt.Errorf("%s started with keys %s", pod.Name, keys)
			}
		}
		return nil
	})
}

// price judges the user of a backend that reads a single key. Its pods switch keys one by one while tokens of both keys
// are in use. After the promotion, old tokens may be refused until they have expired, and new tokens until every pod
// has switched. Any other failure fails the test.
func (r *runningApps) price(u *user, switched time.Time) {
	r.Helper()
	ring, err := r.ring(u.app)
	must(r, err)
	version := ring.Keys[len(ring.Keys)-1].Version
	from, expired := find(ring, version).PromotedAt, find(ring, version-1).DemotedAt.Add(validity)
	now, err := u.report(r.environment)
	must(r, err)
	until := map[string]time.Time{fmt.Sprint(version - 1): expired, fmt.Sprint(version): switched}
	refused := func(n load.Note) bool {
		return n.Status == http.StatusUnauthorized && n.At.After(from) && n.At.Before(until[n.KeyID])
	}
	for _, k := range []int64{version - 1, version} {
		r.refusals(now, fmt.Sprint(k), from)
	}
	if len(now.Failures) == len(u.judged.Failures) {
		r.Error("a backend that reads a single key refused nothing: the test does not measure its rotation")
	}
	r.judge([]*user{u}, refused)
	ok := now.Fresh + now.Old
	r.Logf("single: %d of %d requests were refused; old tokens had expired %.0f s after the promotion, pods had switched after %.0f s",
		len(now.Failures), ok+len(now.Failures), expired.Sub(from).Seconds(), switched.Sub(from).Seconds())
}

// refusals prints how many requests with a key were refused, and when.
func (r *runningApps) refusals(report load.Report, key string, promoted time.Time) {
	r.Helper()
	count, first, last := 0, time.Time{}, time.Time{}
	for _, n := range report.Failures {
		if n.KeyID != key {
			continue
		}
		if count++; count == 1 {
			first = n.At
		}
		last = n.At
	}
	if count > 0 {
		r.Logf("key %s: %d requests refused, from %.1f s to %.1f s after the promotion; %d accepted",
			key, count, first.Sub(promoted).Seconds(), last.Sub(promoted).Seconds(), report.ByKey[key])
	}
}
