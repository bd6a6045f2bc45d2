//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	// shardOne is the name of the only shard.
	shardOne = "one"
	// handingOver is how long a manager may still write the objects of an app that has left its shard: it ends a reconcile that it
	// has begun.
	handingOver = 2 * time.Second
)

// TestShards adds a shard to the operator, moves an app in use into it and back, each time in the middle of a rotation, and removes
// the shard. Users notice nothing, no key is lost, and no manager writes an object of an app that is not in its shard.
func TestShards(t *testing.T) {
	r := newShardedApps(t)
	moved := r.users[0].app
	r.judge(r.users)
	into := r.moveDuring(published, shardOne)
	back := r.moveDuring(promoted, "")
	r.wroteOnly([]stay{
		{app: "rest"}, {app: "born", shard: shardOne},
		{app: moved.Name, to: into.Add(handingOver)},
		{app: moved.Name, shard: shardOne, from: into, to: back.Add(handingOver)},
		{app: moved.Name, from: back},
	})
	must(t, withoutShards())
	born := &runningApps{environment: r.environment, users: []*user{{app: r.born}}}
	born.reach(promoted, born.request())
	r.judge(r.users)
	r.keys.check(r.environment)
	r.sum(r.users)
}

// shardedApps is an environment with an app in use, and an app that was created in a shard.
type shardedApps struct {
	*runningApps
	born *todov1.TodoApp
}

// newShardedApps starts the app in use, adds the shard, and creates an app in it and one outside.
func newShardedApps(t *testing.T) *shardedApps {
	t.Helper()
	e := newEnvironment(t)
	r := &runningApps{environment: e, keys: e.witness()}
	r.secret("db", "url", databaseURL(t))
	moved := r.apply("moved", `{auth: {tokens: {maxLifetime: 1m, leeway: 0s, issuer: nextjs-frontend, audience: fastapi-backend}}, `+
		`frontend: {image: "`+probeImage+`", replicas: 2}, `+
		`backend: {replicas: 2, storage: {postgres: {urlSecretRef: {name: db, key: url}}}}}`)
	r.awaitReady(moved)
	r.users = []*user{r.startUser(moved)}
	t.Cleanup(func() { // restores the operator for the tests that follow
		if err := withoutShards(); err != nil {
			t.Error(err)
		}
	})
	r.install(presentChart, "dev", "--set=shards={"+shardOne+"}", "--set=replicas=1")
	const small = `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`
	born := r.newApp("born", small)
	born.Labels = map[string]string{todov1.LabelShard: shardOne}
	must(t, cluster.Create(t.Context(), born))
	r.awaitReady(r.apply("rest", small))
	r.awaitReady(born)
	must(t, r.inShard(born, shardOne))
	r.finds("rest", "operator", "1 of 1 replicas are ready; todoapp-operator-")
	r.finds("born", "operator", "Deployment todoapp-operator-shard-one: 1 of 1 replicas are ready; todoapp-operator-shard-one-")
	return &shardedApps{r, born}
}

// withoutShards installs the operator as it was, and waits until a manager leads.
func withoutShards() error {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	if output, err := command(ctx, "../install.sh"); err != nil {
		return fmt.Errorf("installing the operator without shards: %w\n%s", err, output)
	}
	return poll(ctx, func() error { _, err := leader(ctx); return err })
}

// moveDuring rotates the app in use, and moves it into a shard, or out of all, when the rotation has reached a step. It returns
// the time of the move, and ends when the rotation and the move are complete.
func (r *shardedApps) moveDuring(at step, to string) time.Time {
	r.Helper()
	started := time.Now()
	app := r.users[0].app
	versions := r.request()
	r.reach(at, versions)
	label := "null"
	if to != "" {
		label = `"` + to + `"`
	}
	moved := time.Now()
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%s}}}`, todov1.LabelShard, label)
	must(r, cluster.Patch(r.Context(), app, client.RawPatch(types.MergePatchType, patch)))
	r.await(fmt.Sprintf("the objects of %s in shard %q", app.Name, to), startWithin, func() error { return r.inShard(app, to) })
	r.complete(versions)
	r.judge(r.users)
	r.Logf("moved to shard %q when %s: complete %.1f s after the request", to, at.name, time.Since(started).Seconds())
	return moved
}

// inShard returns an error unless every object of the app carries the label of a shard, or none if the shard is empty.
func (e *environment) inShard(app *todov1.TodoApp, shard string) error {
	for _, list := range []client.ObjectList{
		&corev1.SecretList{}, &corev1.ServiceList{}, &appsv1.DeploymentList{}, &corev1.PodList{},
	} {
		objects, err := e.labelled(list, app.Name)
		if err != nil {
			return err
		}
		if len(objects) == 0 {
			return fmt.Errorf("there is no object in a %T", list)
		}
		for _, object := range objects {
			if got := object.GetLabels()[todov1.LabelShard]; got != shard {
				return fmt.Errorf("%T %s is in shard %q", object, object.GetName(), got)
			}
		}
	}
	return nil
}

// stay records when an app is in a shard, or in none if the shard is empty. A zero time is no bound.
type stay struct {
	app, shard string
	from, to   time.Time
}

// covers reports whether a manager may send a request, because its object belongs to the app and the app is in its shard.
func (s stay) covers(e event) bool {
	return s.app == e.app() && s.shard == e.shard() && !e.At.Before(s.from) && (s.to.IsZero() || e.At.Before(s.to))
}

// app returns the name of the app whose object a request is about: the name of each of its objects begins with it.
func (e event) app() string {
	name, _, _ := strings.Cut(strings.ReplaceAll(e.ObjectRef.Name, ".", "-"), "-")
	return name
}

// shard returns the shard of the manager that sent a request. It is empty for the manager of the other apps.
func (e event) shard() string {
	pod := strings.Join(e.User.Extra["authentication.kubernetes.io/pod-name"], "")
	if strings.HasPrefix(pod, operator+"-shard-"+shardOne+"-") {
		return shardOne
	}
	return ""
}

// wroteOnly compares the managers' writes in the namespace with the stays of its apps. Each stay must have had a write.
func (e *environment) wroteOnly(stays []stay) {
	e.Helper()
	path, kept := auditLog()
	if !kept {
		e.Log("the writes of the shards are not compared, as the cluster keeps no log of the operator's requests")
		return
	}
	writes := make([]int, len(stays))
	must(e, eachRequest(path, func(request event) {
		reads := slices.Contains([]string{"get", "list", "watch"}, request.Verb)
		if reads || request.ObjectRef.Namespace != e.namespace || request.ObjectRef.Name == "" || request.ResponseStatus.Code >= 400 {
			return
		}
		i := slices.IndexFunc(stays, func(s stay) bool { return s.covers(request) })
		if i < 0 {
			e.Errorf("at %s the manager of shard %q sent %s %s %s", request.At.Format(time.StampMilli), request.shard(),
				request.Verb, request.ObjectRef.Resource, request.ObjectRef.Name)
			return
		}
		writes[i]++
	}))
	for i, s := range stays {
		e.Logf("%s in shard %q: %d writes", s.app, s.shard, writes[i])
		if writes[i] == 0 {
			e.Errorf("no manager wrote for %s in shard %q", s.app, s.shard)
		}
	}
}
