package keyring_test

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestCheck(t *testing.T) {
	const good = "q7Xn2-VfLw0_RzK9eYb4TgHs8mUcJd1A" // 32 characters
	cases := map[string]struct {
		value string
		want  string // a part of the error; empty: accepted
	}{
		"32 different characters":      {good, ""},
		"31 characters":                {good[1:], "is too short"},
		"an inner space and colons":    {good[:16] + " : " + good[16:], ""},
		"1 KiB":                        {strings.Repeat(good, 32), ""},
		"over 1 KiB":                   {strings.Repeat(good, 32) + "x", "is too long"},
		"14 characters repeated":       {"abcdefghijklmnabcdefghijklmnabcd", ""},
		"13 characters repeated":       {"abcdefghijklmabcdefghijklmabcdef", "is too regular"},
		"one character":                {strings.Repeat("a", 64), "is too regular"},
		"few characters, many times":   {strings.Repeat("ab", 60), ""},
		"empty":                        {"", "is empty"},
		"comma":                        {good + ",x", "cannot carry"},
		"trailing newline":             {good + "\n", "cannot carry"},
		"inner carriage return":        {good + "\rx", "cannot carry"},
		"leading space":                {" " + good, "cannot carry"},
		"trailing tab":                 {good + "\t", "cannot carry"},
		"inner tab":                    {good + "\tx", "cannot carry"},
		"NUL":                          {good + "\x00x", "cannot carry"},
		"byte order mark":              {"\uFEFF" + good, "cannot carry"},
		"not UTF-8":                    {good + "\xff", "not UTF-8"},
		"16 emoji, as JavaScript":      {"😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎😏", ""},
		"15 emoji, as JavaScript":      {"😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎", "is too short"},
		"Better Auth's default":        {"better-auth-secret-12345678901234567890", "placeholder"},
		"the example of many guides":   {"your-super-secret-key-here-make-it-long-and-random", "placeholder"},
		"a placeholder in other dress": {"CHANGE_ME_" + good, "placeholder"},
		"jwt.io's":                     {"a-string-secret-at-least-256-bits-long", "placeholder"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := keyring.Check(keyring.Value(c.value))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want an error with %q", err, c.want)
			case err != nil && strings.ContainsAny(strings.ReplaceAll(err.Error(), "UTF-8", ""), "0123456789"):
				t.Errorf("the error says how long or how strong the value is: %v", err)
			case err != nil && c.value != "" && strings.Contains(err.Error(), c.value):
				t.Errorf("the error shows the value: %v", err)
			}
		})
	}
}

func FuzzCheckAcceptsWhatIsMinted(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuv"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		random := spread(seed)
		if err := keyring.Check(keyring.Generate(random)); err != nil {
			t.Errorf("a minted key %v", err)
		}
	})
}

// spread makes 32 bytes of a seed as random bytes would be: a seed of equal bytes is no key that is ever minted.
func spread(seed []byte) [32]byte {
	return sha256.Sum256(seed)
}

func TestOversized(t *testing.T) {
	long, longer := strings.Repeat("x", 1024), strings.Repeat("x", 1025)
	for name, c := range map[string]struct{ entry, value, want string }{
		"nothing":                 {"", "", ""},
		"a long key":              {keyring.EntrySecret, long, ""},
		"a longer key":            {keyring.EntrySecret, longer, keyring.EntrySecret},
		"a longer legacy key":     {keyring.EntryLegacySecret, longer, keyring.EntryLegacySecret},
		"a list of long keys":     {keyring.EntrySecrets, "9007199254740991:" + long + ",1:" + long, ""},
		"a list with a longer":    {keyring.EntrySecrets, "2:x,1:" + strings.Repeat("x", 2000), keyring.EntrySecrets},
		"a list that is too long": {keyring.EntrySecrets, strings.Repeat("1:x,", 30000), keyring.EntrySecrets},
		"what is not ours":        {"other", longer, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := keyring.Oversized(map[string][]byte{c.entry: []byte(c.value)}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A weak key counts until neither tokens nor session cookies are accepted under it.
func TestWeak(t *testing.T) {
	now := time.Unix(1e9, 0)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	policy := keyring.Policy{MaxLifetime: time.Hour, SessionLifetime: 24 * time.Hour}
	strong := keyring.Key{Version: 2, Value: keyring.Generate(spread([]byte("7"))),
		CreatedAt: ago(48 * time.Hour), PromotedAt: ago(48 * time.Hour)}
	for name, c := range map[string]struct {
		demoted, revoked time.Duration // zero: not
		want             []int64
	}{
		"active beside a published one":     {0, 0, []int64{1}},
		"still verifying tokens":            {time.Minute, 0, []int64{1}},
		"still carrying sessions over":      {23 * time.Hour, 0, []int64{1}},
		"expired":                           {25 * time.Hour, 0, nil},
		"revoked":                           {time.Minute, time.Minute, nil},
		"revoked while it was the only one": {0, time.Minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			weak := keyring.Key{Version: 1, Value: "changeme", CreatedAt: ago(72 * time.Hour), PromotedAt: ago(72 * time.Hour)}
			if c.demoted > 0 {
				weak.DemotedAt = ago(c.demoted)
			}
			if c.revoked > 0 {
				weak.RevokedAt = ago(c.revoked)
			}
			var got []int64
			for _, k := range (keyring.Ring{Keys: []keyring.Key{weak, strong}}).Weak(now, policy) {
				got = append(got, k.Version)
				if k.Why == nil || strings.Contains(k.Why.Error(), "changeme") {
					t.Errorf("key %d: %v", k.Version, k.Why)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("weak are %v, want %v", got, c.want)
			}
		})
	}
}
