package controllers_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// startShard starts a manager for the apps that a selector selects.
func (e *environment) startShard(selector string) *process {
	e.t.Helper()
	var err error
	e.shard, err = labels.Parse(selector)
	must(e.t, err)
	return e.start()
}

// inShard puts an app into a shard; the empty name takes it out of all.
func (e *environment) inShard(app *todov1.TodoApp, shard string) {
	e.t.Helper()
	value := "null"
	if shard != "" {
		value = fmt.Sprintf("%q", shard)
	}
	e.merge(app, fmt.Sprintf(`{"metadata":{"labels":{%q:%s}}}`, todov1.LabelShard, value))
}

// shardsOf awaits that every object of an app carries the label of a shard, or none.
func (e *environment) shardsOf(app, shard string) {
	e.t.Helper()
	eventually(e.t, func() error {
		for _, object := range e.objectsOf(app) {
			if got := object.GetLabels()[todov1.LabelShard]; got != shard {
				return fmt.Errorf("%T %s is in shard %q, not %q", object, object.GetName(), got, shard)
			}
		}
		return nil
	})
}

// objectsOf returns the objects with an app's label of the kinds that the operator makes for every app.
func (e *environment) objectsOf(app string) []client.Object {
	e.t.Helper()
	var secrets corev1.SecretList
	var services corev1.ServiceList
	var claims corev1.PersistentVolumeClaimList
	for _, list := range []client.ObjectList{&secrets, &services, &claims} {
		must(e.t, e.client.List(e.t.Context(), list, client.InNamespace(e.namespace), client.MatchingLabels{todov1.LabelApp: app}))
	}
	var objects []client.Object
	for i := range secrets.Items {
		objects = append(objects, &secrets.Items[i])
	}
	for i := range services.Items {
		objects = append(objects, &services.Items[i])
	}
	for i := range claims.Items {
		objects = append(objects, &claims.Items[i])
	}
	if len(objects) < 5 {
		e.t.Fatalf("app %s has %d objects", app, len(objects))
	}
	return objects
}

// onlyAbout fails if a manager has written an object of another app than the given one since the last time, or nothing at all.
func (e *environment) onlyAbout(p *process, app string) {
	e.t.Helper()
	writes := 0
	for _, request := range e.quiet(p) {
		method, path, _ := strings.Cut(request, " ")
		if method == http.MethodGet || strings.HasSuffix(path, "/namespaces/"+e.namespace+"/pods") {
			continue
		}
		writes++
		_, object, _ := strings.Cut(path, "/namespaces/"+e.namespace+"/")
		_, name, named := strings.Cut(object, "/")
		if named && !strings.HasPrefix(name, app) {
			e.t.Errorf("the manager of app %s sends %s", app, request)
		}
	}
	if writes == 0 {
		e.t.Errorf("the manager of app %s wrote nothing", app)
	}
}

// TestShardsLeaveEachOtherAlone runs two managers with a selector each. Neither writes an object of the other's app, in a creation
// and in a rotation. An app that moves keeps its keys, and its objects get the label of the new shard.
func TestShardsLeaveEachOtherAlone(t *testing.T) {
	e := newEnvironment(t)
	one := e.startShard(todov1.LabelShard + "=one")
	rest := e.startShard(todov1.LabelShard + "!=one")
	left := e.app("left", func(a *todov1.TodoApp) { a.Labels = map[string]string{todov1.LabelShard: "one"} })
	right := e.app("right")
	e.settled("left")
	e.settled("right")
	e.onlyAbout(one, "left")
	e.onlyAbout(rest, "right")
	e.shardsOf("left", "one")
	e.shardsOf("right", "")

	for _, app := range []*todov1.TodoApp{left, right} {
		e.ask(app, "rotateAfter")
		eventually(t, func() error {
			if active, err := e.active(app.Name); err != nil || active.Version != 2 {
				return fmt.Errorf("app %s has key %d (%w)", app.Name, active.Version, err)
			}
			return nil
		})
	}
	e.onlyAbout(one, "left")
	e.onlyAbout(rest, "right")

	key, err := e.active("left")
	must(t, err)
	e.inShard(left, "")
	e.shardsOf("left", "")
	e.quiet(rest)
	e.inShard(right, "one")
	e.shardsOf("right", "one")
	e.onlyAbout(one, "right")
	if after, err := e.active("left"); err != nil || after.Version != key.Version || after.Value != key.Value {
		t.Errorf("app left had key %d before it moved and has key %d (%v)", key.Version, after.Version, err)
	}
}

// TestAnAppMovesDuringARotation moves an app while a backend that lacks the label of the new shard has not confirmed the new key.
// The manager of the new shard waits for it, and ends the rotation with the keys that the other manager made.
func TestAnAppMovesDuringARotation(t *testing.T) {
	e := newEnvironment(t)
	rest := e.startShard(todov1.LabelShard + "!=one")
	one := e.startShard(todov1.LabelShard + "=one")
	app := e.app("moved", func(a *todov1.TodoApp) { a.Spec.Frontend.HandoverPeriod = &metav1.Duration{Duration: time.Second} })
	e.settled("moved")
	backend := e.verifier(app, "moved-backend-a")
	e.phase("moved", "Stable", "")
	backend.hangs.Store(true)
	e.ask(app, "rotateAfter")
	e.phase("moved", "Publishing", "moved-backend-a")
	before := e.ring("moved")
	e.onlyAbout(rest, "moved")

	e.inShard(app, "one")
	e.shardsOf("moved", "one")
	e.phase("moved", "Publishing", "moved-backend-a")
	e.onlyAbout(one, "moved")
	if during := e.ring("moved"); !during.Equal(before) {
		t.Errorf("the move changed the keyring from versions %v to %v", versionsOf(before), versionsOf(during))
	}
	backend.hangs.Store(false)
	e.phase("moved", "Draining", "")
	for _, request := range e.quiet(rest) {
		if method, _, _ := strings.Cut(request, " "); method != http.MethodGet {
			t.Errorf("the manager of the other shard sends %s", request)
		}
	}
	after := e.ring("moved")
	if active, _ := after.Active(); active.Version != 2 || len(after.Keys) != 2 {
		t.Errorf("version %d of %v is active", active.Version, versionsOf(after))
	}
	for i, key := range before.Keys {
		if after.Keys[i].Value != key.Value {
			t.Errorf("version %d has another value after the move", key.Version)
		}
	}
}

func versionsOf(ring keyring.Ring) []int64 {
	var versions []int64
	for _, key := range ring.Keys {
		versions = append(versions, key.Version)
	}
	return versions
}
