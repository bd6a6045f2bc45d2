package servingcert

import (
	"bytes"
	"crypto/x509"
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// names of the server in all tests.
var names = []string{"hook.system.svc", "hook.system.svc.cluster.local"}

func minted(t *testing.T, now time.Time, lifetime time.Duration) keyPair {
	t.Helper()
	return mintedFor(t, names, now, lifetime)
}

func mintedFor(t *testing.T, names []string, now time.Time, lifetime time.Duration) keyPair {
	t.Helper()
	p, err := generate(names, now, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMint(t *testing.T) {
	p := minted(t, start, time.Hour)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.authority)
	for name, c := range map[string]struct {
		at     time.Time
		server string
		good   bool
	}{
		"now":                {start, "hook.system.svc", true},
		"the long name":      {start, "hook.system.svc.cluster.local", true},
		"a clock behind":     {start.Add(-59 * time.Minute), "hook.system.svc", true},
		"a clock far behind": {start.Add(-61 * time.Minute), "hook.system.svc", false},
		"just before expiry": {start.Add(time.Hour - time.Second), "hook.system.svc", true},
		"after expiry":       {start.Add(time.Hour + time.Second), "hook.system.svc", false},
		"another server":     {start, "other.system.svc", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.serving.Leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.at, DNSName: c.server})
			if (err == nil) != c.good {
				t.Errorf("verified with %v", err)
			}
		})
	}
	if p.serving.Leaf.IsCA {
		t.Error("the server's certificate can sign others")
	}
}

func TestLoad(t *testing.T) {
	newer, older := minted(t, start, 2*time.Hour), minted(t, start, time.Hour)
	both := keyPairs{newer, older}
	without := func(entry string) map[string][]byte {
		data := both.data()
		delete(data, entry)
		return data
	}
	mixed := both.data()
	mixed["tls.key"] = mixed["previous-tls.key"]
	elsewhere := mintedFor(t, []string{"hook.other.svc", "hook.other.svc.cluster.local"}, start, 2*time.Hour)
	short := mintedFor(t, names[:1], start, 2*time.Hour)
	ahead := minted(t, start.Add(3*time.Hour), 90*24*time.Hour)
	behind := minted(t, start.Add(-30*time.Minute), time.Hour)
	foreign := both.data()
	foreign["ca.crt"] = foreign["previous-ca.crt"]
	for name, c := range map[string]struct {
		data map[string][]byte
		now  time.Time
		want keyPairs
	}{
		"both":                          {both.data(), start, both},
		"nothing":                       {nil, start, nil},
		"one expired":                   {both.data(), start.Add(time.Hour + time.Second), keyPairs{newer}},
		"both expired":                  {both.data(), start.Add(2*time.Hour + time.Second), nil},
		"no newer key":                  {without("tls.key"), start, keyPairs{older}},
		"no older authority":            {without("previous-ca.crt"), start, keyPairs{newer}},
		"another's key":                 {mixed, start, keyPairs{older}},
		"another authority":             {foreign, start, keyPairs{older}},
		"another namespace's":           {keyPairs{elsewhere}.data(), start, nil},
		"another namespace's and ours":  {keyPairs{elsewhere, older}.data(), start, keyPairs{older}},
		"one name of two":               {keyPairs{short}.data(), start, nil},
		"by a clock hours ahead":        {keyPairs{ahead}.data(), start, nil},
		"by a clock ahead, and ours":    {keyPairs{ahead, older}.data(), start, keyPairs{older}},
		"by it, when its time has come": {keyPairs{ahead}.data(), start.Add(2*time.Hour + time.Second), keyPairs{ahead}},
		"by a clock just behind":        {keyPairs{behind}.data(), start, keyPairs{behind}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := load(c.data, names, c.now); !got.equal(c.want) {
				t.Errorf("got %d keyPairs, want %d", len(got), len(c.want))
			}
		})
	}
}

func TestDue(t *testing.T) {
	const lifetime = 90 * time.Minute
	ps := keyPairs{minted(t, start, lifetime)}
	if !(keyPairs{}).due(start, lifetime) {
		t.Error("nothing is not due")
	}
	if ps.due(start.Add(60*time.Minute), lifetime) {
		t.Error("due with a third left")
	}
	if !ps.due(start.Add(60*time.Minute+time.Second), lifetime) {
		t.Error("not due with less than a third left")
	}
}

func TestWithKeepsTwo(t *testing.T) {
	a, b, c := minted(t, start, time.Hour), minted(t, start, time.Hour), minted(t, start, time.Hour)
	ps := keyPairs{}.with(a).with(b).with(c)
	if !ps.equal(keyPairs{c, b}) {
		t.Errorf("kept %d keyPairs", len(ps))
	}
	if !c.in(ps.bundle()) || !b.in(ps.bundle()) || a.in(ps.bundle()) {
		t.Error("the bundle does not have the authorities of just these two")
	}
	if bytes.Contains(ps.bundle(), []byte("PRIVATE KEY")) {
		t.Error("the bundle has a key")
	}
}

func TestChoose(t *testing.T) {
	older, newer := minted(t, start, time.Hour), minted(t, start, 2*time.Hour)
	for name, c := range map[string]struct {
		ps      keyPairs
		trusted keyPairs
		until   time.Duration
		want    keyPair
	}{
		"the only one":                          {keyPairs{newer}, nil, 0, newer},
		"the newer is trusted":                  {keyPairs{newer, older}, keyPairs{newer, older}, 0, newer},
		"only the older is":                     {keyPairs{newer, older}, keyPairs{older}, 0, older},
		"none is known to be":                   {keyPairs{newer, older}, nil, 0, older},
		"none is, and the older ends":           {keyPairs{newer, older}, nil, time.Hour, newer},
		"the older ends and only it is trusted": {keyPairs{newer, older}, keyPairs{older}, time.Hour, older},
	} {
		t.Run(name, func(t *testing.T) {
			trusted := func(p keyPair) bool { return slices.ContainsFunc(c.trusted, p.equal) }
			if got := c.ps.choose(trusted, start.Add(c.until)); !got.equal(c.want) {
				t.Error("chose the other")
			}
		})
	}
}

func TestNewWantsNames(t *testing.T) {
	if _, err := New(nil, nil, Options{Namespace: "a", SecretName: "b", ServiceName: "c"}); err == nil {
		t.Error("no configuration was named and none missed")
	}
	k, err := New(nil, nil, Options{Namespace: "a", SecretName: "b", ServiceName: "c", WebhookConfigurationName: "d"})
	if err != nil {
		t.Fatal(err)
	}
	if k.Ready(nil) == nil {
		t.Error("ready without a certificate")
	}
}
