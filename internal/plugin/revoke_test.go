package plugin

import (
	"testing"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func TestRevokeShowsWhoIsSignedOut(t *testing.T) {
	app := appOf(t, withFrontend, drainingStatus)
	moment, err := momentAfterKey(app, 2)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "revoke-all", "revoke shop --dry-run", revocationOf(app, noon).describe(app, noon, false))
	golden(t, "revoke-key", "revoke shop --key 2 --dry-run --keep-for-decryption",
		revocationOf(app, moment).describe(app, noon, true))
	for version, text := range map[int64]string{
		1: "key 1 of TodoApp shop was revoked before", 7: "TodoApp shop has no key 7; it has keys 3, 2 and 1",
	} {
		if _, err := momentAfterKey(app, version); err == nil || err.Error() != text {
			t.Errorf("key %d: %v, expected %q", version, err, text)
		}
	}
}

func TestRevokeAsks(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", withFrontend, stableStatus)
	unchanged := func() {
		t.Helper()
		if set := stored(t, app).Spec.Auth.Rotation.RevokeBefore; set != nil {
			t.Fatalf("revokeBefore is %s", set)
		}
	}
	run(t, namespace, "", "revoke", "shop").want(t, exitFailed,
		"All users of TodoApp shop are signed out", "nothing was changed", "--yes")
	unchanged()
	run(t, namespace, "yes\n", "revoke", "shop").want(t, exitFailed, "nothing was changed: the answer is not the name")
	unchanged()
	run(t, namespace, "", "revoke", "shop", "--yes", "--dry-run").want(t, 0, "2 Active")
	unchanged()
	run(t, namespace, "", "revoke", "shop", "--yes", "--before", "2020-01-01T00:00:00Z").want(t, 0, "nothing to revoke")
	unchanged()
	run(t, namespace, "", "revoke", "shop", "--key", "2", "--before", "2020-01-01T00:00:00Z").want(t, exitUsage, "not both")
	run(t, namespace, "shop\n", "revoke", "shop", "--key", "1").want(t, 0,
		"made with key 1", "Those of key 2 stay signed in", "status shop")
	if set := stored(t, app).Spec.Auth.Rotation.RevokeBefore; set == nil || clock(set.Time) != "2026-10-14T12:00:01Z" {
		t.Errorf("revokeBefore is %v", set)
	}
	run(t, namespace, "", "revoke", "shop", "--yes", "--keep-for-decryption").want(t, 0)
	if kept := stored(t, app).Spec.Auth.Rotation.RevokedKeys; kept != todov1.RevokedKeysKeepForDecryption {
		t.Errorf("revokedKeys is %s", kept)
	}
	run(t, namespace, "", "revoke", "shop", "--yes", "--wait", "--timeout", "2s").want(t, exitWaiting,
		"waiting for the operator to act")
}
