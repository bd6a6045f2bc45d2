package integration_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The configuration is installed again and again without a caBundle, as GitOps does, by server-side apply, while TodoApps
// are admitted: the bundle stays, and no admission fails.
func TestBundleStaysWhenApplied(t *testing.T) {
	name, p := namespace(t, "applied"), port(t)
	ready, _ := replica(t, separate(t, name, p), p)
	await(t, "readiness", 10*time.Second, ready)
	before := bundles(t, name)
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	load.Go(func() { admit(t, ctx, name) })
	for range 20 {
		hooks := hooksFor(t, name, p)
		hooks.SetGroupVersionKind(admissionv1.SchemeGroupVersion.WithKind("ValidatingWebhookConfiguration"))
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(hooks)
		if err != nil {
			t.Fatal(err)
		}
		config := client.ApplyConfigurationFromUnstructured(&unstructured.Unstructured{Object: content})
		if err := admin.Apply(t.Context(), config, client.FieldOwner("gitops"), client.ForceOwnership); err != nil {
			t.Fatal(err)
		}
		if now := bundles(t, name); !bytes.Equal(now, before) {
			t.Fatalf("the bundle of %d bytes became one of %d", len(before), len(now))
		}
	}
	stop()
	load.Wait()
}

// The configuration is replaced by one without a caBundle, as kubectl replace does: the manager brings the same one back.
func TestBundleComesBackWhenReplaced(t *testing.T) {
	name, p := namespace(t, "replaced"), port(t)
	options := separate(t, name, p)
	options.Interval = 50 * time.Millisecond
	ready, _ := replica(t, options, p)
	await(t, "readiness", 10*time.Second, ready)
	before := bundles(t, name)
	replaced := hooksFor(t, name, p)
	current := &admissionv1.ValidatingWebhookConfiguration{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: name}, current); err != nil {
		t.Fatal(err)
	}
	replaced.ResourceVersion = current.ResourceVersion
	if err := admin.Update(t.Context(), replaced); err != nil {
		t.Fatal(err)
	}
	await(t, "the bundle", 10*time.Second, func() error {
		if !bytes.Equal(bundles(t, name), before) {
			return errors.New("it is not the one of before")
		}
		return nil
	})
	await(t, "admission", 10*time.Second, func() error {
		object := app("replaced", "{}")
		object.SetNamespace(name)
		return admin.Create(t.Context(), object, client.DryRunAll)
	})
}

// bundles are all that the webhooks of a configuration trust.
func bundles(t *testing.T, name string) []byte {
	t.Helper()
	hooks := &admissionv1.ValidatingWebhookConfiguration{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: name}, hooks); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, hook := range hooks.Webhooks {
		all = append(all, hook.ClientConfig.CABundle...)
	}
	return all
}
