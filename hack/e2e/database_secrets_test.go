//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// components are those that the operator runs.
var components = []string{todov1.ComponentFrontend, todov1.ComponentBackend}

// databasePassword gives an app in use another login of its database, as Vault does, and takes the old one away once it has no
// connection. Users notice nothing. An app that ignores changes keeps its pods, and a restart of the operator replaces none.
func (e *environment) databasePassword() {
	roles := e.loginRoles()
	e.secret("login", "url", roles.url("app_1", "tasks"))
	must(e, e.setEntry("login", "calm", roles.url("app_1", "calm")))
	const database = `urlSecretRef: {name: login, key: `
	app := e.apply("password", `{auth: {tokens: {maxLifetime: 1m, leeway: 0s, issuer: nextjs-frontend, audience: fastapi-backend}},
		frontend: {image: "`+probeImage+`", replicas: 2, database: {`+database+`url}}},
		backend: {replicas: 2, storage: {postgres: {`+database+`url}}}}}`)
	calm := e.apply("calm", `{backend: {storage: {postgres: {`+database+`calm}, onChange: Ignore}}}}`)
	e.awaitReady(app)
	e.awaitReady(calm)
	users, calmly := []*user{e.startUser(app)}, e.podUIDs(calm, todov1.ComponentBackend)

	e.takesUpLogin(app, func() {
		must(e, e.setEntry("login", "calm", roles.url("app_2", "calm")))
		must(e, e.setEntry("login", "url", roles.url("app_2", "tasks")))
	})
	roles.retire("app_1", "tasks")
	frontends, backends := e.podUIDs(app, todov1.ComponentFrontend), e.podUIDs(app, todov1.ComponentBackend)
	e.restartOperator(app)
	must(e, e.same(app, todov1.ComponentFrontend, frontends))
	must(e, e.same(app, todov1.ComponentBackend, backends))
	must(e, e.same(calm, todov1.ComponentBackend, calmly))
	var d appsv1.Deployment
	e.get(&d, desired.Backend(calm))
	if d.Generation != 1 {
		e.Errorf("the Deployment of an app that ignores changes has generation %d", d.Generation)
	}
	e.judge(users)
}

// takesUpLogin changes the login of an app's database and waits until all of its pods are replaced and Events tell of it. Two pods
// of each component must be available at all times.
func (e *environment) takesUpLogin(app *todov1.TodoApp, change func()) {
	e.Helper()
	before, least := map[string]map[string]bool{}, map[string]func() int32{}
	for _, component := range components {
		before[component] = e.podUIDs(app, component)
		least[component] = e.leastAvailable(app.Name + "-" + component)
	}
	change()
	for _, component := range components {
		e.awaitReplaced(app, component, before[component])
		e.tells(app, "DatabaseChanged", "Deployment "+app.Name+"-"+component+
			" replaces its pods, because entry url of Secret login has changed")
	}
	e.awaitReady(app)
	for component, stop := range least {
		if n := stop(); n < 2 {
			e.Errorf("%d pods of the %s were available for a moment, of 2", n, component)
		}
	}
}

// setEntry sets an entry of a Secret.
func (e *environment) setEntry(secret, entry, value string) error {
	patch := fmt.Sprintf(`{"stringData":{%q:%q}}`, entry, value)
	return cluster.Patch(e.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: secret}},
		client.RawPatch("application/merge-patch+json", []byte(patch)))
}

// tells waits for an Event about an app.
func (e *environment) tells(app *todov1.TodoApp, reason, note string) {
	e.Helper()
	e.await("the Event "+reason, startWithin, func() error {
		list, err := cluster.api.EventsV1().Events(e.namespace).List(e.Context(), metav1.ListOptions{
			FieldSelector: "reason=" + reason + ",regarding.name=" + app.Name})
		if err != nil {
			return err
		}
		var notes []string
		for _, event := range list.Items {
			if event.Note == note {
				return nil
			}
			notes = append(notes, event.Note)
		}
		return fmt.Errorf("there are %q", notes)
	})
}

// loginRoles is a database server with two logins that share a role, which owns the databases tasks and calm.
type loginRoles struct {
	*environment
	server *pgtest.Server
	gate   *gate
}

func (e *environment) loginRoles() *loginRoles {
	e.Helper()
	server := pgtest.Own(e.T, false)
	must(e, server.RequirePasswords())
	statements := []string{"CREATE ROLE app", "CREATE DATABASE tasks OWNER app", "CREATE DATABASE calm OWNER app"}
	for _, login := range []string{"app_1", "app_2"} {
		statements = append(statements, fmt.Sprintf("CREATE ROLE %[1]s LOGIN PASSWORD 'of-%[1]s' IN ROLE app", login),
			fmt.Sprintf("ALTER ROLE %s SET role = 'app'", login)) // what it creates belongs to the shared role
	}
	for _, sql := range statements {
		must(e, server.Exec(e.Context(), "postgres", sql))
	}
	return &loginRoles{e, server, openGate(e.T, server.URL("postgres"))}
}

// url returns the URL of a database with a login, as pods reach it.
func (r *loginRoles) url(login, database string) string {
	at := *r.gate.url
	at.User, at.Path = url.UserPassword(login, "of-"+login), database
	return at.String()
}

// retire waits until a login has no connection to a database, and takes its right to log in away.
func (r *loginRoles) retire(login, database string) {
	r.Helper()
	r.await("the end of the connections of "+login, startWithin, func() error {
		n, err := r.connections(r.Context(), login, database)
		if err == nil && n > 0 {
			err = fmt.Errorf("there are %d", n)
		}
		return err
	})
	must(r, r.server.Exec(r.Context(), "postgres", "ALTER ROLE "+login+" NOLOGIN"))
	if _, err := pgx.Connect(r.Context(), r.url(login, database)); err == nil {
		r.Errorf("%s may still log in", login)
	}
}

func (r *loginRoles) connections(ctx context.Context, login, database string) (n int, err error) {
	connection, err := pgx.Connect(ctx, r.server.URL("postgres"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = connection.Close(ctx) }()
	const count = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = $2"
	err = connection.QueryRow(ctx, count, login, database).Scan(&n)
	return n, err
}

// verified starts a database server with a certificate of a private authority for the address that pods use. The Secret "verified"
// has its URL, which asks for a full verification.
func (e *environment) verified(secret string) *pgtest.Authority {
	e.Helper()
	server := pgtest.Own(e.T, false)
	authority, err := pgtest.NewAuthority()
	must(e, err)
	certificate, key, err := authority.Issue(net.ParseIP(addressForPods(e.T)))
	must(e, err)
	must(e, server.ServeTLS(certificate, key))
	at := openGate(e.T, server.URL("postgres")).url.String()
	e.secret(secret, "url", strings.Replace(at, "sslmode=disable", "sslmode=verify-full", 1))
	return authority
}

// authorityApp returns an app whose frontend and backend read the authority of their database from the given objects.
func authorityApp(urlSecret, frontend, backend string) string {
	database := `urlSecretRef: {name: ` + urlSecret + `, key: url}, caRef: `
	return `{frontend: {image: "` + frontendImage + `", probes: {readiness: {path: /readyz}}, database: {` + database + frontend + `}},
		backend: {storage: {postgres: {` + database + backend + `}}}}`
}

// databaseAuthority verifies the certificate of a database by a private authority. An authority that is missing is named with its
// entry and field, and the pods start once it is there.
func (e *environment) databaseAuthority() {
	authority := e.verified("verified")
	must(e, cluster.Create(e.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "pg-ca"},
		Data: map[string]string{"root.pem": string(authority.PEM())}}))
	app := e.apply("authority", authorityApp("verified", `{name: late-ca}`, `{kind: ConfigMap, name: pg-ca}`))
	for condition, message := range map[string]string{
		todov1.ConditionFrontendAvailable: `^Secret late-ca not found: pod authority-frontend-\S+ cannot start without it\. ` +
			`It starts by itself once that exists\. If the name is wrong, correct spec\.frontend\.database\.caRef\.$`,
		todov1.ConditionBackendAvailable: `^ConfigMap pg-ca has no entry ca\.crt: pod authority-backend-\S+ cannot start without it\. ` +
			`It starts by itself once that exists\. If the name is wrong, correct spec\.backend\.storage\.postgres\.caRef\.$`,
	} {
		e.matches(condition, e.awaitCondition(app, condition, metav1.ConditionFalse, todov1.ReasonSecretMissing).Message, message)
	}
	e.awaitCondition(app, todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonSecretMissing)
	e.secret("late-ca", "ca.crt", string(authority.PEM()))
	e.merge(app, `{"spec":{"backend":{"storage":{"postgres":{"caRef":{"key":"root.pem"}}}}}}`)
	e.awaitReady(app)
	e.expect(adding(tasks(app, "alice", e.token(app, "alice")), "Over TLS"), http.StatusCreated)
	e.expect(e.page(app, "/readyz"), http.StatusOK)
}

// untrustedDatabase gives both components the authority of another server. Neither becomes ready, and the logs say why.
func (e *environment) untrustedDatabase() {
	e.verified("untrusted")
	other, err := pgtest.NewAuthority()
	must(e, err)
	e.secret("other-ca", "ca.crt", string(other.PEM()))
	app := e.apply("untrusted", authorityApp("untrusted", `{name: other-ca}`, `{name: other-ca}`))
	for component, condition := range map[string]string{
		todov1.ComponentFrontend: todov1.ConditionFrontendAvailable, todov1.ComponentBackend: todov1.ConditionBackendAvailable,
	} {
		found := e.awaitUnready(app, condition)
		e.matches(condition, found.Message, `0 of 1 pods are ready, .*see kubectl logs -n \S+ untrusted-`+component+`-\S+`)
		e.logsOf("deployment/untrusted-"+component, `(?i)certificate`)
	}
}
