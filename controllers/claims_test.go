package controllers_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

type options = []func(*todov1.TodoApp)

func frontendSecret(name string) func(*todov1.TodoApp) {
	return func(a *todov1.TodoApp) { a.Spec.Frontend.SecretRef = &todov1.SecretReference{Name: name} }
}

func backendSecret(name string) func(*todov1.TodoApp) {
	return func(a *todov1.TodoApp) { a.Spec.Backend.SecretRef = &todov1.SecretReference{Name: name} }
}

func sourceSecret(name string) func(*todov1.TodoApp) {
	return func(a *todov1.TodoApp) {
		a.Spec.Auth.Source = &todov1.AuthSource{SecretRef: todov1.SecretKeyReference{
			SecretReference: todov1.SecretReference{Name: name}, Key: keyring.EntrySecret}}
	}
}

func (e *environment) givesWay(app string) error {
	return e.condition(app, todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonSecretClaimed)
}

// has returns an error unless an app is in sync and a Secret holds its active key.
func (e *environment) has(app, secret string) error {
	key, err := e.active(app)
	if err != nil {
		return err
	}
	return errors.Join(e.holds(secret, string(key.Value)),
		e.condition(app, todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync))
}

// oneProceeds awaits that one of two apps that reference the same Secret has it, and that the other is blocked.
func (e *environment) oneProceeds(one, other, secret string) (winner, loser string) {
	e.t.Helper()
	eventually(e.t, func() error {
		winner, loser = one, other
		first := errors.Join(e.has(winner, secret), e.givesWay(loser))
		if first == nil {
			return nil
		}
		winner, loser = other, one
		if second := errors.Join(e.has(winner, secret), e.givesWay(loser)); second != nil {
			return errors.Join(first, second)
		}
		return nil
	})
	return winner, loser
}

// deleted deletes an app and, until the test ends, its Secret, as the garbage collector does: a manager that has yet to see that
// the app is gone may create the Secret again.
func (e *environment) deleted(app, secret string) {
	e.t.Helper()
	var gone todov1.TodoApp
	must(e.t, e.get(app, &gone))
	must(e.t, e.client.Delete(e.t.Context(), &gone))
	collect := func() error {
		var left corev1.Secret
		if err := e.get(secret, &left); err != nil || !metav1.IsControlledBy(&left, &gone) {
			return client.IgnoreNotFound(err)
		}
		return client.IgnoreNotFound(e.client.Delete(e.t.Context(), &left, client.Preconditions{UID: &left.UID}))
	}
	must(e.t, collect())
	go func() {
		for tick := time.Tick(50 * time.Millisecond); e.t.Context().Err() == nil; <-tick {
			_ = collect() // the next one tries again
		}
	}()
}

func TestTheYoungerOfTwoClaimsGivesWay(t *testing.T) {
	e := newEnvironment(t)
	shared := func(a *todov1.TodoApp) { a.Spec.Frontend.SecretRef = &todov1.SecretReference{Name: "shared"} }
	e.app("first", shared)
	eventually(t, e.aSecondHasPassed("first")) // age is known to the second; within one the UID would decide
	e.app("second", shared)
	e.start()
	eventually(t, func() error {
		return e.condition("second", todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonSecretClaimed)
	})
	eventually(t, func() error {
		key, err := e.active("first")
		if err != nil {
			return err
		}
		return e.holds("shared", string(key.Value))
	})
	if _, err := e.active("second"); err == nil {
		t.Error("the younger app got keys that nothing can use")
	}
	var second todov1.TodoApp
	must(t, e.get("second", &second))
	if second.Status.Keys != nil || second.Status.Rotation != nil {
		t.Errorf("the status of an app without keys tells of %v and %v", second.Status.Keys, second.Status.Rotation)
	}
	must(t, e.client.Delete(t.Context(), &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "first"}}))
}

func (e *environment) aSecondHasPassed(app string) func() error {
	return func() error {
		var live todov1.TodoApp
		if err := e.get(app, &live); err != nil {
			return err
		}
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, GenerateName: "clock-"}}
		must(e.t, e.client.Create(e.t.Context(), probe))
		if !probe.CreationTimestamp.After(live.CreationTimestamp.Time) {
			return fmt.Errorf("it is still the second in which %s was made", app)
		}
		return nil
	}
}

// The owner of a Secret keeps it, even if an older app starts to reference it.
func TestAnOlderAppDoesNotTakeWhatAYoungerOneOwns(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	elder := e.app("elder")
	key := e.settled("elder")
	eventually(t, e.aSecondHasPassed("elder"))
	e.app("younger", frontendSecret("shared"))
	eventually(t, func() error { return e.has("younger", "shared") })
	e.merge(elder, `{"spec":{"frontend":{"secretRef":{"name":"shared"}}}}`)
	eventually(t, func() error { return e.givesWay("elder") })
	e.merge(&todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "younger"}},
		`{"spec":{"backend":{"port":8001}}}`)
	eventually(t, func() error { return e.observed("younger", 2) })
	must(t, e.has("younger", "shared"))

	e.deleted("younger", "shared")
	within(t, 15*time.Second, func() error { return e.holds("shared", string(key.Value)) })
}

// observed returns an error unless the status of an app is about the given generation.
func (e *environment) observed(app string, generation int64) error {
	var live todov1.TodoApp
	if err := e.get(app, &live); err != nil {
		return err
	}
	if live.Status.ObservedGeneration < generation {
		return fmt.Errorf("the status of %s is about generation %d", app, live.Status.ObservedGeneration)
	}
	return nil
}

func TestOfTwoAppsMadeAtOnceOneProceeds(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	for round := range 8 {
		one, other, secret := fmt.Sprintf("one-%d", round), fmt.Sprintf("other-%d", round), fmt.Sprintf("shared-%d", round)
		var made sync.WaitGroup
		made.Go(func() { e.app(one, frontendSecret(secret)) })
		made.Go(func() { e.app(other, backendSecret(secret)) })
		made.Wait()
		winner, loser := e.oneProceeds(one, other, secret)
		if round > 1 {
			continue
		}
		e.deleted(winner, secret)
		within(t, 15*time.Second, func() error { return e.has(loser, secret) })
	}
}

// Two apps reference a Secret that is in use. It keeps its value.
func TestAClaimedSecretKeepsItsValue(t *testing.T) {
	e := newEnvironment(t)
	e.handedOver("shared", byHand, "first")
	e.app("first", frontendSecret("shared"))
	eventually(t, e.aSecondHasPassed("first"))
	e.app("second", frontendSecret("shared"))
	e.start()
	eventually(t, func() error { return errors.Join(e.has("first", "shared"), e.givesWay("second")) })
	must(t, e.holds("shared", byHand))
}

// Two apps that reference the same Secrets in swapped roles must not wait for each other.
func TestOfTwoAppsThatOwnWhatTheOtherNamesOneProceeds(t *testing.T) {
	e := newEnvironment(t)
	e.app("first", frontendSecret("x"), backendSecret("y"))
	e.app("second", frontendSecret("y"), backendSecret("x"))
	e.start()
	e.oneProceeds("first", "second", "x")
}

func TestASecretOfAnotherAppIsNoSource(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	e.app("sourced", sourceSecret("todo-frontend-auth"))
	eventually(t, func() error {
		return e.condition("sourced", todov1.ConditionSourceValid, metav1.ConditionFalse, todov1.ReasonSourceMissing)
	})
	eventually(t, e.aSecondHasPassed("sourced"))
	e.app("todo")
	e.settled("todo")
	eventually(t, func() error {
		return errors.Join(e.givesWay("sourced"),
			e.condition("sourced", todov1.ConditionSourceValid, metav1.ConditionFalse, todov1.ReasonSecretClaimed))
	})
	if _, err := e.active("sourced"); err == nil {
		t.Error("the key of another app was taken up")
	}
}

// The age of the apps does not matter: the operator never writes a source.
func TestASourceOfAnotherAppIsNotOverwritten(t *testing.T) {
	for name, apps := range map[string][2]string{
		"the source's app first": {"sourced", "todo"}, "the other first": {"todo", "sourced"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t)
			e.secret("vault", byHand)
			spec := map[string]func(*todov1.TodoApp){"sourced": sourceSecret("vault"), "todo": backendSecret("vault")}
			e.app(apps[0], spec[apps[0]])
			eventually(t, e.aSecondHasPassed(apps[0]))
			e.app(apps[1], spec[apps[1]])
			e.start()
			eventually(t, func() error { return e.givesWay("todo") })
			if key := e.settled("sourced"); string(key.Value) != byHand {
				t.Error("the source's value is not the key")
			}
			must(t, e.holds("vault", byHand))
		})
	}
}
