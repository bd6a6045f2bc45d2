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

func minted(t *testing.T, now time.Time, lifetime time.Duration) pair {
	t.Helper()
	return mintedFor(t, names, now, lifetime)
}

func mintedFor(t *testing.T, names []string, now time.Time, lifetime time.Duration) pair {
	t.Helper()
	p, err := mint(names, now, lifetime)
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
	both := pairs{newer, older}
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
		want pairs
	}{
		"both":                          {both.data(), start, both},
		"nothing":                       {nil, start, nil},
		"one expired":                   {both.data(), start.Add(time.Hour + time.Second), pairs{newer}},
		"both expired":                  {both.data(), start.Add(2*time.Hour + time.Second), nil},
		"no newer key":                  {without("tls.key"), start, pairs{older}},
		"no older authority":            {without("previous-ca.crt"), start, pairs{newer}},
		"another's key":                 {mixed, start, pairs{older}},
		"another authority":             {foreign, start, pairs{older}},
		"another namespace's":           {pairs{elsewhere}.data(), start, nil},
		"another namespace's and ours":  {pairs{elsewhere, older}.data(), start, pairs{older}},
		"one name of two":               {pairs{short}.data(), start, nil},
		"by a clock hours ahead":        {pairs{ahead}.data(), start, nil},
		"by a clock ahead, and ours":    {pairs{ahead, older}.data(), start, pairs{older}},
		"by it, when its time has come": {pairs{ahead}.data(), start.Add(2*time.Hour + time.Second), pairs{ahead}},
		"by a clock just behind":        {pairs{behind}.data(), start, pairs{behind}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := load(c.data, names, c.now); !got.equal(c.want) {
				t.Errorf("got %d pairs, want %d", len(got), len(c.want))
			}
		})
	}
}

func TestDue(t *testing.T) {
	const lifetime = 90 * time.Minute
	ps := pairs{minted(t, start, lifetime)}
	if !(pairs{}).due(start, lifetime) {
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
	ps := pairs{}.with(a).with(b).with(c)
	if !ps.equal(pairs{c, b}) {
		t.Errorf("kept %d pairs", len(ps))
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
		ps       pairs
		believed pairs
		until    time.Duration
		want     pair
	}{
		"the only one":                           {pairs{newer}, nil, 0, newer},
		"the newer is believed":                  {pairs{newer, older}, pairs{newer, older}, 0, newer},
		"only the older is":                      {pairs{newer, older}, pairs{older}, 0, older},
		"none is known to be":                    {pairs{newer, older}, nil, 0, older},
		"none is, and the older ends":            {pairs{newer, older}, nil, time.Hour, newer},
		"the older ends and only it is believed": {pairs{newer, older}, pairs{older}, time.Hour, older},
	} {
		t.Run(name, func(t *testing.T) {
			believed := func(p pair) bool { return slices.ContainsFunc(c.believed, p.equal) }
			if got := c.ps.choose(believed, start.Add(c.until)); !got.equal(c.want) {
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
