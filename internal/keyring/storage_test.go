package keyring_test

import (
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestRingComesBackFromStorage(t *testing.T) {
	now := epoch.Add(123456789 * time.Nanosecond)
	ring := keyring.Ring{Keys: []keyring.Key{
		{Version: 1, Value: secretOf("<&>"), Adopted: true, CreatedAt: now, PromotedAt: now, DemotedAt: now, RevokedAt: now},
		{Version: 3, Value: secretOf("ü"), CreatedAt: now, PromotedAt: now, DemotedAt: now},
		{Version: 7, Value: secretOf("\u2028"), CreatedAt: now, PromotedAt: now},
		{Version: 8, Value: secretOf("\""), CreatedAt: now.In(time.FixedZone("", 3600))},
	}}
	stored, err := ring.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := keyring.Unmarshal(stored)
	if err != nil || !back.Equal(ring) {
		t.Errorf("the ring came back as another: %v", err)
	}
	if back.Equal(keyring.Ring{Keys: ring.Keys[1:]}) {
		t.Error("a ring without its first key counts as equal")
	}
}

func TestUnmarshalJunk(t *testing.T) {
	const good = `{"version":1,"value":"` + sentinel + `","createdAt":"2026-01-01T00:00:00Z","promotedAt":"2026-01-01T00:00:00Z"}`
	change := func(old, replacement string) string { return "[" + strings.Replace(good, old, replacement, 1) + "]" }
	published := strings.Replace(good, `,"promotedAt":"2026-01-01T00:00:00Z"`, "", 1)
	second, third := strings.Replace(published, `:1,`, `:2,`, 1), strings.Replace(published, `:1,`, `:3,`, 1)
	tests := map[string]struct{ stored, err string }{
		"good":             {"[" + good + "]", ""},
		"good, published":  {"[" + good + "," + second + "]", ""},
		"nothing":          {"", "entry keyring.json is not a list of keys"},
		"no list":          {good, "entry keyring.json is not a list of keys"},
		"null":             {"null", "entry keyring.json is not a list of keys"},
		"no keys":          {"[]", "entry keyring.json is not a list of keys"},
		"cut off":          {"[" + good, "entry keyring.json is not a list of keys"},
		"the bare secret":  {sentinel, "entry keyring.json is not a list of keys"},
		"text after it":    {"[" + good + "]" + sentinel, "entry keyring.json is not a list of keys"},
		"a bad moment":     {change(`"2026-01-01T00:00:00Z"`, `"`+sentinel+`"`), "entry keyring.json is not a list of keys"},
		"a quoted version": {change(`:1,`, `:"1",`), "entry keyring.json is not a list of keys"},
		"version 0":        {change(`:1,`, `:0,`), "the key after version 0 is incomplete or out of order"},
		"no version":       {change(`"version":1,`, ``), "the key after version 0 is incomplete or out of order"},
		"a huge version":   {change(`:1,`, `:9007199254740991,`), "version 9007199254740991 leaves no room for later ones"},
		"no value":         {change(sentinel, ``), "the key after version 0 is incomplete or out of order"},
		"a comma":          {change(sentinel, sentinel+`,b`), "the key after version 0 is incomplete or out of order"},
		"a line break":     {change(sentinel, sentinel+`\n`), "the key after version 0 is incomplete or out of order"},
		"no creation":      {change(`"createdAt":"2026-01-01T00:00:00Z",`, ``), "the key after version 0 is incomplete or out of order"},
		"a version twice":  {"[" + good + "," + good + "]", "the key after version 1 is incomplete or out of order"},
		"falling versions": {"[" + second + "," + good + "]", "the key after version 2 is incomplete or out of order"},
		"nothing active":   {"[" + published + "]", "no key is active"},
		"active, demoted":  {change(`"}`, `","demotedAt":"2026-01-01T00:00:00Z"}`), "no key is active"},
		"only revoked":     {change(`"}`, `","revokedAt":"2026-01-01T00:00:00Z"}`), "no key is active"},
		"two published":    {"[" + good + "," + second + "," + third + "]", "more than one key is published"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ring, err := keyring.Unmarshal(map[string][]byte{keyring.StorageKey: []byte(test.stored)})
			if text := errorText(err); text != test.err {
				t.Errorf("error %q, want %q", text, test.err)
			}
			if err != nil && !ring.Empty() {
				t.Error("an error comes with keys")
			}
		})
	}
}

func TestAppWithoutKeysHasNoProjection(t *testing.T) {
	var ring keyring.Ring
	if p := ring.Frontend(epoch, keyring.Policy{}); p.Data != nil || p.Versions != nil {
		t.Errorf("the frontend is given %v", p.Versions)
	}
	if p := ring.Backend(epoch, keyring.Policy{}); p.Data != nil || p.Versions != nil {
		t.Errorf("the backend is given %v", p.Versions)
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`[{"version":1,"value":"a","createdAt":"2026-01-01T00:00:00Z","promotedAt":"2026-01-01T00:00:00Z"}]`))
	f.Add([]byte(`[{"version":1,"value":"a","createdAt":"2026-01-01T00:00:00Z","promotedAt":"2026-01-01T00:00:00Z",` +
		`"demotedAt":"2026-01-01T00:00:00Z","adopted":true},` +
		`{"version":2,"value":"b","createdAt":"2026-01-01T00:00:00Z","promotedAt":"2026-01-01T00:00:00Z"}]`))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		ring, err := keyring.Unmarshal(map[string][]byte{keyring.StorageKey: stored})
		if err != nil {
			return
		}
		again, err := ring.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := keyring.Unmarshal(again); err != nil || !back.Equal(ring) {
			t.Fatalf("%q does not come back as it was: %v", stored, err)
		}
		checkRing(t, ring, epoch, keyring.Policy{MaxLifetime: days(7)})
	})
}

// checkRing takes a ring through two rotations, and reads its projections as pods do.
func checkRing(t *testing.T, ring keyring.Ring, now time.Time, policy keyring.Policy) {
	t.Helper()
	before, _ := ring.Active()
	last := int64(0)
	for _, k := range ring.Keys {
		last = max(last, k.Version)
	}
	policy.ExternallySourced = true
	in := keyring.Inputs{Now: now, Policy: policy, Fresh: func() keyring.Value { return secretOf("fresh") }}
	for i, offered := range []keyring.Value{"", secretOf("one"), secretOf("two")} {
		in.Source = offered
		for range 8 {
			step, err := keyring.Next(ring, in)
			if err != nil {
				t.Fatalf("a ring is refused: %v", err)
			}
			ring = step.Ring
			in.Recovery = projected(t, ring, in)
			if step.Action == keyring.ActionPublish && step.Versions[0] <= last {
				t.Fatalf("version %d was given out before", step.Versions[0])
			}
		}
		if active, _ := ring.Active(); i == 0 && active.Version < before.Version {
			t.Fatalf("the active key went from %d to %d", before.Version, active.Version)
		}
		in.Now = in.Now.Add(policy.Validity())
	}
}

// projected returns the data of both Secrets, after checking that pods can read it.
func projected(t *testing.T, ring keyring.Ring, in keyring.Inputs) keyring.Recovery {
	t.Helper()
	read := func(p keyring.Projection) map[string][]byte {
		list, err := keyring.ParseList(p.Data[keyring.EntrySecrets])
		if err != nil || string(list[0].Value) != p.Data[keyring.EntrySecret] {
			t.Fatalf("a projection cannot be read, or signs with another key than it says: %v", err)
		}
		data := map[string][]byte{}
		for entry, value := range p.Data {
			data[entry] = []byte(value)
		}
		return data
	}
	recovery := keyring.Recovery{
		Frontend: read(ring.Frontend(in.Now, in.Policy)), Backend: read(ring.Backend(in.Now, in.Policy)),
	}
	if list, _ := keyring.ParseList(string(recovery.Backend[keyring.EntrySecrets])); len(list) > 3 {
		t.Fatalf("the API trusts %d keys", len(list))
	}
	return recovery
}
