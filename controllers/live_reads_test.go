package controllers

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// A manager is killed after it has stored a revocation and before the status tells of it. The status still says that nothing
// waits, which was written before the revocation, and must not spare the next manager the live reads.
func TestARevocationThatTheStatusDoesNotListNeedsLiveReads(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo"}, Status: todov1.TodoAppStatus{
		Keys:       []todov1.KeyStatus{{Version: 1}},
		Conditions: []metav1.Condition{{Type: todov1.ConditionRotationComplete, Reason: todov1.ReasonComplete}},
	}}
	p := &plan{observed: &snapshot{now: now, keyring: &corev1.Secret{}}, keyring: &corev1.Secret{}, step: keyring.Step{
		Phase: keyring.PhaseStable, Ring: keyring.Ring{Keys: []keyring.Key{
			{Version: 1, Value: "1", CreatedAt: now, PromotedAt: now, RevokedAt: now},
			{Version: 2, Value: "2", CreatedAt: now, PromotedAt: now}}},
	}}
	if !p.needsLiveReads(app) {
		t.Error("the end of a revocation is told of without live reads")
	}
	app.Status.Keys = []todov1.KeyStatus{{Version: 2}, {Version: 1, RevokedAt: new(metav1.NewTime(now))}}
	if p.needsLiveReads(app) {
		t.Error("live reads for what the status has told of")
	}
}

// A keyring that was restored from a backup may be older than the keys of pods. Then a Secret is newer or lost as well.
func TestAKeyIsPublishedOnTheCacheOnlyIfTheSecretsMatch(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo"}}
	value := keyring.Value("0123456789abcdef0123456789abcdef0123456789abcdef")
	ring := keyring.Ring{Keys: []keyring.Key{{Version: 1, Value: value, CreatedAt: now, PromotedAt: now}}}
	stored, err := ring.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	holding := func(p keyring.Projection) *corev1.Secret {
		secret := &corev1.Secret{Data: map[string][]byte{}}
		for entry, value := range p.Data {
			secret.Data[entry] = []byte(value)
		}
		return secret
	}
	secrets := map[string]*corev1.Secret{
		todov1.ComponentFrontend: holding(ring.Frontend(now, policyOf(app))),
		todov1.ComponentBackend:  holding(ring.Backend(now, policyOf(app))),
	}
	observed := &snapshot{now: now, keyring: &corev1.Secret{Data: stored}, secrets: secrets}
	p := &plan{observed: observed, keyring: observed.keyring, step: keyring.Step{Action: keyring.ActionPublish}}
	if p.needsLiveReads(app) {
		t.Error("live reads for Secrets that match the keyring")
	}
	secrets[todov1.ComponentBackend].Data[keyring.EntrySecret] = []byte("another")
	if !p.needsLiveReads(app) {
		t.Error("no live reads though the backend's Secret differs")
	}
	delete(secrets, todov1.ComponentBackend)
	if !p.needsLiveReads(app) {
		t.Error("no live reads though the backend's Secret is lost")
	}
}

// advancing is a cache that takes in a write of a Secret right after the first read of the keyring.
type advancing struct {
	client.Client
	keyring string
	write   func(client.Client)
}

func (a *advancing) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	if key.Name == a.keyring && a.write != nil {
		a.write(a.Client)
		a.write = nil
	}
	return a.Client.Get(ctx, key, into, options...)
}

// TestSecretsAreReadAtOneMomentOfTheirCache: otherwise a restored keyring could be read beside a projection from before it.
func TestSecretsAreReadAtOneMomentOfTheirCache(t *testing.T) {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "todo"}}
	var secrets []client.Object
	for _, name := range []string{desired.Keyring(app), desired.FrontendSecret(app), desired.BackendSecret(app)} {
		secrets = append(secrets, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}})
	}
	cache := &advancing{Client: fake.NewClientBuilder().WithObjects(secrets...).Build(), keyring: desired.Keyring(app)}
	cache.write = func(c client.Client) {
		for _, name := range []string{desired.BackendSecret(app), desired.Keyring(app)} {
			var secret corev1.Secret
			if err := c.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: name}, &secret); err != nil {
				t.Fatal(err)
			}
			secret.Data = map[string][]byte{"later": {1}}
			if err := c.Update(t.Context(), &secret); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := &snapshot{secrets: map[string]*corev1.Secret{}}
	if err := (&Reconciler{Client: cache, Live: cache.Client}).observeSecrets(t.Context(), cache, w, app); err != nil {
		t.Fatal(err)
	}
	if w.keyring.Data["later"] == nil || w.secrets[todov1.ComponentBackend].Data["later"] == nil {
		t.Errorf("read a keyring of %v beside a projection of %v", w.keyring.Data, w.secrets[todov1.ComponentBackend].Data)
	}
}
