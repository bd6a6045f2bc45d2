package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const present = types.UID("present")

// owner is a controller reference to a TodoApp called todo.
func owner(uid types.UID) metav1.OwnerReference {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo", UID: uid}}
	return *metav1.NewControllerRef(app, todov1.GroupVersion.WithKind("TodoApp"))
}

// storedKeyring is a keyring as it is found.
func storedKeyring(annotations map[string]string, owners ...metav1.OwnerReference) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: "todo-keyring", Annotations: annotations, OwnerReferences: owners, ResourceVersion: "7"},
		Data: map[string][]byte{keyring.StorageKey: []byte("kept")}}
}

func recorded(madeFor, foundBy string) map[string]string {
	return map[string]string{todov1.AnnotationMadeFor: madeFor, todov1.AnnotationFoundBy: foundBy}
}

var configMap = metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "todo", UID: "other"}

// keyringCases are stored keyrings, and what becomes of them under either policy.
var keyringCases = map[string]struct {
	stored *corev1.Secret
	// kept are the owners besides the app.
	kept []metav1.OwnerReference
	// found says that the app finds the keyring, told that an Event says so.
	found, told bool
}{
	"none yet":                      {stored: nil},
	"of this app, by release 0.2.0": {stored: storedKeyring(nil, owner(present))},
	"of this app":                   {stored: storedKeyring(recorded("present", ""))},
	"of this app, which owns it":    {stored: storedKeyring(recorded("present", ""), owner(present))},
	"of an earlier app":             {stored: storedKeyring(recorded("earlier", "")), found: true, told: true},
	"found by an earlier app":       {stored: storedKeyring(recorded("first", "earlier")), found: true, told: true},
	"found before":                  {stored: storedKeyring(recorded("earlier", "present")), found: true},
	"restored from release 0.2.0":   {stored: storedKeyring(nil, owner("earlier")), found: true, told: true},
	"orphaned by release 0.2.0":     {stored: storedKeyring(nil), found: true, told: true},
	"restored":                      {stored: storedKeyring(recorded("earlier", ""), owner("earlier")), found: true, told: true},
	"with an owner of another kind": {
		stored: storedKeyring(recorded("present", ""), configMap), kept: []metav1.OwnerReference{configMap}},
}

func TestKeyringSecret(t *testing.T) {
	for name, c := range keyringCases {
		for policy, owners := range map[todov1.ReclaimPolicy][]metav1.OwnerReference{
			"": nil, todov1.ReclaimRetain: nil, todov1.ReclaimDelete: {owner(present)},
		} {
			t.Run(name+" "+string(policy), func(t *testing.T) {
				app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo", UID: present}}
				app.Spec.Auth.ReclaimPolicy = policy
				p := &plan{observed: &snapshot{keyring: c.stored}, step: keyring.Step{Ring: oneKey()}}
				if c.stored == nil {
					p.step.Action = keyring.ActionCreate
				}
				var err error
				if p.keyring, err = p.keyringSecret(app); err != nil {
					t.Fatal(err)
				}
				if want := append(slices.Clone(c.kept), owners...); !equality.Semantic.DeepEqual(p.keyring.OwnerReferences, want) {
					t.Errorf("owners are %v, want %v", p.keyring.OwnerReferences, want)
				}
				if c.stored != nil && string(p.keyring.Data[keyring.StorageKey]) != "kept" {
					t.Error("the keys changed")
				}
				checkFound(t, app, p, c.found, c.told)
			})
		}
	}
}

// checkFound compares what the condition and the Events say of a keyring, now and once it is stored.
func checkFound(t *testing.T, app *todov1.TodoApp, p *plan, found, told bool) {
	t.Helper()
	message := keysInSync(app, p, nil).message
	if strings.Contains(message, "The keyring was found") != found {
		t.Errorf("the condition says %q", message)
	}
	if event := keyringEvent(app, p); strings.HasPrefix(event, "Normal KeyringFound Found Secret todo-keyring") != told {
		t.Errorf("the event is %q", event)
	}
	again := &plan{observed: &snapshot{keyring: p.keyring}, step: keyring.Step{Ring: p.step.Ring}}
	var err error
	if again.keyring, err = again.keyringSecret(app); err != nil {
		t.Fatal(err)
	}
	if !again.stored() || keyringEvent(app, again) != "" {
		t.Errorf("it is written or told of again: %v", again.keyring)
	}
}

func keyringEvent(app *todov1.TodoApp, p *plan) string {
	recorder := events.NewFakeRecorder(1)
	(&Reconciler{Events: recorder}).reportKeyring(app, p)
	close(recorder.Events)
	return <-recorder.Events
}

func oneKey() keyring.Ring {
	at := time.Unix(1, 0)
	return keyring.Ring{Keys: []keyring.Key{{Version: 1, Value: "aFh3-kQ9zX_7Lw2mRt5YvB8nCj4PsD6e", CreatedAt: at, PromotedAt: at}}}
}

// A keyring belongs to the app that it is labelled for while no TodoApp of that name exists either: nothing else reads or
// writes it.
func TestARetainedKeyringBelongsToItsApp(t *testing.T) {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo", UID: present}}
	p := &plan{observed: &snapshot{}, step: keyring.Step{Ring: oneKey(), Action: keyring.ActionCreate}}
	secret, err := p.keyringSecret(app)
	if err != nil {
		t.Fatal(err)
	}
	if got := desired.Owner(secret); got != "todo" {
		t.Errorf("belongs to %q", got)
	}
	other := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "other", UID: "other"}}
	if !desired.OwnershipOf(secret, other).Foreign() {
		t.Error("another app may write it")
	}
	if again := (&todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo", UID: "later"}}); !desired.MadeFor(secret, again) {
		t.Error("the next app of the name may not write it")
	}
}

func TestKeysStrong(t *testing.T) {
	weak := oneKey()
	weak.Keys[0].Value = "changeme"
	for name, c := range map[string]struct {
		ring   keyring.Ring
		source bool
		before metav1.ConditionStatus
		want   string
		told   bool
	}{
		"strong":              {ring: oneKey(), want: "No key in use is weak."},
		"weak":                {ring: weak, want: "A key can be guessed: key version 1 is too short", told: true},
		"weak, known before":  {ring: weak, before: metav1.ConditionFalse, want: "Set spec.auth.rotation.rotateAfter"},
		"weak, with a source": {ring: weak, source: true, want: "Write a generated value to the source", told: true},
		"weak, strong before": {ring: weak, before: metav1.ConditionTrue, want: "key version 1 is too short", told: true},
	} {
		t.Run(name, func(t *testing.T) {
			app := &todov1.TodoApp{}
			if c.source {
				app.Spec.Auth.Source = &todov1.AuthSource{}
			}
			if c.before != "" {
				app.Status.Conditions = []metav1.Condition{{Type: todov1.ConditionKeysStrong, Status: c.before}}
			}
			p := &plan{observed: &snapshot{now: time.Unix(2, 0)}, step: keyring.Step{Ring: c.ring}}
			if got := keysStrong(app, p); !strings.Contains(got.message, c.want) || strings.Contains(got.message, "changeme") {
				t.Errorf("says %q, want %q", got.message, c.want)
			}
			recorder := events.NewFakeRecorder(1)
			(&Reconciler{Events: recorder}).warn(app, p)
			close(recorder.Events)
			if event := <-recorder.Events; strings.HasPrefix(event, "Warning WeakKey A key can be guessed") != c.told {
				t.Errorf("the event is %q", event)
			}
		})
	}
}
