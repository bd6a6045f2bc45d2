package authn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestNewKeysRefuses(t *testing.T) {
	nine := make([]keyring.Entry, 9)
	for i := range nine {
		nine[i] = keyring.Entry{Version: int64(i + 1), Value: "key"}
	}
	for name, entries := range map[string][]keyring.Entry{
		"none": nil, "nine": nine, "blank": {{Version: 1, Value: "\t\n"}},
		"a version twice": {{Version: 1, Value: "a"}, {Version: 1, Value: "b"}},
	} {
		if keys, err := NewKeys(entries); err == nil {
			t.Errorf("%s: got %v", name, keys.Versions())
		}
	}
	if keys, err := NewKeys(nine[:8]); err != nil || len(keys.Versions()) != 8 {
		t.Errorf("eight keys: %v", err)
	}
}

func TestShortSecretsAreNamed(t *testing.T) {
	keys, err := NewKeys([]keyring.Entry{
		{Version: 4, Value: keyring.Value(strings.Repeat("é", 31))}, {Version: 3, Value: keyring.Value(strings.Repeat("é", 32))},
		{Version: 2, Value: "secret"}, {Version: 1, Value: active},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := keys.Short(); !slices.Equal(got, []int64{4, 2}) {
		t.Errorf("short are %v", got)
	}
}

func TestARememberedTokenIsJudgedAnew(t *testing.T) {
	claims := claimsWith(`"sub":"alice"`, exp(900), `"nbf":1800000000`)
	keys, raw := trusted(t), forge(goodHeader, claims, active)
	replaced, err := NewKeys([]keyring.Entry{{Version: 3, Value: published}})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := policy
	elsewhere.Issuer = "somebody else"
	for i, attempt := range []struct {
		token  string
		keys   *Keys
		policy Policy
		now    time.Time
		want   Reason
	}{
		{raw, keys, policy, now, ""},
		{raw, keys, policy, now, ""},
		{raw, keys, policy, now.Add(time.Hour), Expired},
		{raw, keys, policy, now.Add(-time.Hour), NotYet},
		{raw, keys, elsewhere, now, Issuer},
		{raw, replaced, policy, now, UnknownKey},
		{raw, keys, policy, now, ""},
		{raw[:len(raw)-4] + "AAAA", keys, policy, now, Signature},
		{raw + "A", keys, policy, now, Signature},
		{forge(goodHeader, goodClaims(), retiring), keys, policy, now, Signature},
		{b64(`{"alg":"none","kid":"2"}`) + "." + b64(claims) + ".", keys, policy, now, Algorithm},
	} {
		identity, err := Authenticate([]string{"Bearer " + attempt.token}, attempt.keys, attempt.policy, attempt.now)
		var refusal *Refusal
		if attempt.want == "" {
			if want := (Identity{"alice", 2}); err != nil || identity != want {
				t.Errorf("attempt %d: %+v, %v, want %+v", i, identity, err, want)
			}
		} else if !errors.As(err, &refusal) || refusal.Reason != attempt.want {
			t.Errorf("attempt %d: %v, want %s", i, err, attempt.want)
		}
	}
}

func TestOnlyVerifiedTokensAreRememberedAndNotTooMany(t *testing.T) {
	keys := trusted(t)
	for _, h := range hostileSignatures() {
		_, _ = Authenticate(h.header, keys, policy, now)
	}
	if held := keys.tokens.Len(); held != 0 {
		t.Errorf("%d tokens that no key signed are remembered", held)
	}
	for i := range maxTokens + 10 {
		subject := fmt.Sprint("user-", i)
		raw := forge(goodHeader, claimsWith(`"sub":"`+subject+`"`, exp(900)), active)
		if got, err := Authenticate([]string{"Bearer " + raw}, keys, policy, now); err != nil || got.Subject != subject {
			t.Fatalf("token %d: %+v, %v", i, got, err)
		}
	}
	if held := keys.tokens.Len(); held != maxTokens {
		t.Errorf("%d tokens are remembered, want the last %d", held, maxTokens)
	}
}

func TestAGoodHeaderVouchesForNothing(t *testing.T) {
	keys := trusted(t)
	attempts := []struct {
		token  string
		reason Reason
	}{
		{good(), ""},
		{forge(goodHeader, goodClaims(), "mine"), Signature},
		{forge(goodHeader, goodClaims(), retiring), Signature},
		{forge(`{"alg":"HS256"}`, goodClaims(), retiring), ""},
		{forge(`{"alg":"HS256"}`, goodClaims(), "mine"), Signature},
		{good(), ""},
		{b64(`{"alg":"none","kid":"2"}`) + "." + b64(goodClaims()) + ".", Algorithm},
		{good(), ""},
	}
	for i, attempt := range attempts {
		_, err := Authenticate([]string{"Bearer " + attempt.token}, keys, policy, now)
		var refusal *Refusal
		if errors.As(err, &refusal); (err == nil) != (attempt.reason == "") || err != nil && refusal.Reason != attempt.reason {
			t.Errorf("attempt %d: %v, want %q", i, err, attempt.reason)
		}
	}
}
