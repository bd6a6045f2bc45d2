package controllers_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

func (b *bench) givesWay(app string) error {
	return b.condition(app, todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonSecretClaimed)
}

// has returns an error unless an app is in sync and a Secret holds its active key.
func (b *bench) has(app, secret string) error {
	key, err := b.active(app)
	if err != nil {
		return err
	}
	return errors.Join(b.holds(secret, string(key.Value)),
		b.condition(app, todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync))
}

// oneProceeds awaits that one of two apps that reference the same Secret has it, and that the other is blocked.
func (b *bench) oneProceeds(one, other, secret string) (winner, loser string) {
	b.t.Helper()
	eventually(b.t, func() error {
		winner, loser = one, other
		first := errors.Join(b.has(winner, secret), b.givesWay(loser))
		if first == nil {
			return nil
		}
		winner, loser = other, one
		if second := errors.Join(b.has(winner, secret), b.givesWay(loser)); second != nil {
			return errors.Join(first, second)
		}
		return nil
	})
	return winner, loser
}

// deleted deletes an app and, as the garbage collector would, its Secret.
func (b *bench) deleted(app, secret string) {
	b.t.Helper()
	meta := metav1.ObjectMeta{Namespace: b.namespace, Name: app}
	must(b.t, b.client.Delete(b.t.Context(), &todov1.TodoApp{ObjectMeta: meta}))
	meta.Name = secret
	must(b.t, b.client.Delete(b.t.Context(), &corev1.Secret{ObjectMeta: meta}))
}

func TestTheYoungerOfTwoClaimsGivesWay(t *testing.T) {
	b := newBench(t)
	shared := func(a *todov1.TodoApp) { a.Spec.Frontend.SecretRef = &todov1.SecretReference{Name: "shared"} }
	b.app("first", shared)
	eventually(t, b.aSecondHasPassed("first")) // age is known to the second; within one the UID would decide
	b.app("second", shared)
	b.start()
	eventually(t, func() error {
		return b.condition("second", todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonSecretClaimed)
	})
	eventually(t, func() error {
		key, err := b.active("first")
		if err != nil {
			return err
		}
		return b.holds("shared", string(key.Value))
	})
	if _, err := b.active("second"); err == nil {
		t.Error("the younger app got keys that nothing can use")
	}
	var second todov1.TodoApp
	must(t, b.get("second", &second))
	if second.Status.Keys != nil || second.Status.Rotation != nil {
		t.Errorf("the status of an app without keys tells of %v and %v", second.Status.Keys, second.Status.Rotation)
	}
	must(t, b.client.Delete(t.Context(), &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "first"}}))
}

func (b *bench) aSecondHasPassed(app string) func() error {
	return func() error {
		var live todov1.TodoApp
		if err := b.get(app, &live); err != nil {
			return err
		}
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, GenerateName: "clock-"}}
		must(b.t, b.client.Create(b.t.Context(), probe))
		if !probe.CreationTimestamp.After(live.CreationTimestamp.Time) {
			return fmt.Errorf("it is still the second in which %s was made", app)
		}
		return nil
	}
}

// The owner of a Secret keeps it, even if an older app starts to reference it.
func TestAnOlderAppDoesNotTakeWhatAYoungerOneOwns(t *testing.T) {
	b := newBench(t)
	b.start()
	elder := b.app("elder")
	key := b.settled("elder")
	eventually(t, b.aSecondHasPassed("elder"))
	b.app("younger", frontendSecret("shared"))
	eventually(t, func() error { return b.has("younger", "shared") })
	b.merge(elder, `{"spec":{"frontend":{"secretRef":{"name":"shared"}}}}`)
	eventually(t, func() error { return b.givesWay("elder") })
	b.merge(&todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "younger"}},
		`{"spec":{"backend":{"port":8001}}}`)
	eventually(t, func() error { return b.observed("younger", 2) })
	must(t, b.has("younger", "shared"))

	b.deleted("younger", "shared")
	within(t, 15*time.Second, func() error { return b.holds("shared", string(key.Value)) })
}

// observed returns an error unless the status of an app is about the given generation.
func (b *bench) observed(app string, generation int64) error {
	var live todov1.TodoApp
	if err := b.get(app, &live); err != nil {
		return err
	}
	if live.Status.ObservedGeneration < generation {
		return fmt.Errorf("the status of %s is about generation %d", app, live.Status.ObservedGeneration)
	}
	return nil
}

func TestOfTwoAppsMadeAtOnceOneProceeds(t *testing.T) {
	b := newBench(t)
	b.start()
	for round := range 8 {
		one, other, secret := fmt.Sprintf("one-%d", round), fmt.Sprintf("other-%d", round), fmt.Sprintf("shared-%d", round)
		var made sync.WaitGroup
		made.Go(func() { b.app(one, frontendSecret(secret)) })
		made.Go(func() { b.app(other, backendSecret(secret)) })
		made.Wait()
		winner, loser := b.oneProceeds(one, other, secret)
		if round > 1 {
			continue
		}
		b.deleted(winner, secret)
		within(t, 15*time.Second, func() error { return b.has(loser, secret) })
	}
}

// Two apps reference a Secret that is in use. It keeps its value.
func TestAClaimedSecretKeepsItsValue(t *testing.T) {
	b := newBench(t)
	b.handedOver("shared", byHand, "first")
	b.app("first", frontendSecret("shared"))
	eventually(t, b.aSecondHasPassed("first"))
	b.app("second", frontendSecret("shared"))
	b.start()
	eventually(t, func() error { return errors.Join(b.has("first", "shared"), b.givesWay("second")) })
	must(t, b.holds("shared", byHand))
}

// Two apps that reference the same Secrets in swapped roles must not wait for each other.
func TestOfTwoAppsThatOwnWhatTheOtherNamesOneProceeds(t *testing.T) {
	b := newBench(t)
	b.app("first", frontendSecret("x"), backendSecret("y"))
	b.app("second", frontendSecret("y"), backendSecret("x"))
	b.start()
	b.oneProceeds("first", "second", "x")
}

func TestASecretOfAnotherAppIsNoSource(t *testing.T) {
	b := newBench(t)
	b.start()
	b.app("sourced", sourceSecret("todo-frontend-auth"))
	eventually(t, func() error {
		return b.condition("sourced", todov1.ConditionSourceValid, metav1.ConditionFalse, todov1.ReasonSourceMissing)
	})
	eventually(t, b.aSecondHasPassed("sourced"))
	b.app("todo")
	b.settled("todo")
	eventually(t, func() error {
		return errors.Join(b.givesWay("sourced"),
			b.condition("sourced", todov1.ConditionSourceValid, metav1.ConditionFalse, todov1.ReasonSecretClaimed))
	})
	if _, err := b.active("sourced"); err == nil {
		t.Error("the key of another app was taken up")
	}
}

// The age of the apps does not matter: the operator never writes a source.
func TestASourceOfAnotherAppIsNotOverwritten(t *testing.T) {
	for name, apps := range map[string][2]string{
		"the source's app first": {"sourced", "todo"}, "the other first": {"todo", "sourced"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.secret("vault", byHand)
			spec := map[string]func(*todov1.TodoApp){"sourced": sourceSecret("vault"), "todo": backendSecret("vault")}
			b.app(apps[0], spec[apps[0]])
			eventually(t, b.aSecondHasPassed(apps[0]))
			b.app(apps[1], spec[apps[1]])
			b.start()
			eventually(t, func() error { return b.givesWay("todo") })
			if key := b.settled("sourced"); string(key.Value) != byHand {
				t.Error("the source's value is not the key")
			}
			must(t, b.holds("vault", byHand))
		})
	}
}
