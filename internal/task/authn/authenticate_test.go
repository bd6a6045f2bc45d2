package authn

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHostileTokensAreRefused(t *testing.T) {
	keys, all := trusted(t), hostiles()
	if len(all) < 100 {
		t.Fatalf("only %d hostile headers", len(all))
	}
	for _, h := range all {
		t.Run(h.name, func(t *testing.T) {
			_, _ = Authenticate(h.header, keys, policy, now) // the second time is no better than the first
			identity, err := Authenticate(h.header, keys, policy, now)
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Reason != h.reason {
				t.Fatalf("got %+v, %v, want a refusal for %s", identity, err, h.reason)
			}
			if identity != (Identity{}) {
				t.Errorf("a refusal must come without an identity: %+v", identity)
			}
			answers := []string{"missing token", "token expired", "invalid token"}
			if !slices.Contains(answers, refusal.Answer()) {
				t.Errorf("tells the client %q", refusal.Answer())
			}
			if refusal.Answer() == "token expired" && refusal.Reason != Expired {
				t.Errorf("%s tells the client that the token has expired", refusal.Reason)
			}
		})
	}
	t.Logf("%d hostile headers", len(all))
}

func TestGoodTokensAreAccepted(t *testing.T) {
	keys := trusted(t)
	with := func(members ...string) string { return claimsWith(append(members, `"sub":"alice"`)...) }
	parties := bare(`"iss":"` + issuer + `","aud":["x","` + audience + `"]`)
	for name, c := range map[string]struct {
		header string
		want   Identity
	}{
		"plain":                   {"Bearer " + good(), Identity{"alice", 2}},
		"scheme in lower case":    {"bearer " + good(), Identity{"alice", 2}},
		"scheme in capitals":      {"BEARER " + good(), Identity{"alice", 2}},
		"several spaces":          {"Bearer    " + good(), Identity{"alice", 2}},
		"no kid, active":          {"Bearer " + forge(`{"alg":"HS256"}`, goodClaims(), active), Identity{"alice", 2}},
		"no kid, published":       {"Bearer " + forge(`{"alg":"HS256"}`, goodClaims(), published), Identity{"alice", 3}},
		"no kid, retiring":        {"Bearer " + forge(`{"alg":"HS256"}`, goodClaims(), retiring), Identity{"alice", 1}},
		"kid of the retiring key": {"Bearer " + forge(`{"alg":"HS256","kid":"1"}`, goodClaims(), retiring), Identity{"alice", 1}},
		"kid escaped":             {"Bearer " + forge(`{"alg":"HS256","kid":"\u0032"}`, goodClaims(), active), Identity{"alice", 2}},
		"other header members": {"Bearer " + forge(`{"alg":"HS256","jku":"http://x","jwk":{},"x5u":"y","b64":true}`,
			goodClaims(), active), Identity{"alice", 2}},
		"white space in the JSON": {"Bearer " + forge(" {\n\"alg\" : \"HS256\"} ", " "+goodClaims()+"\n", active), Identity{"alice", 2}},
		"audience in an array":    {"Bearer " + forge(goodHeader, parties, active), Identity{"alice", 2}},
		"fractional exp":          {"Bearer " + forge(goodHeader, with(`"exp":1800000900.5`), active), Identity{"alice", 2}},
		"exp with an exponent":    {"Bearer " + forge(goodHeader, with(`"exp":1.8000009e9`), active), Identity{"alice", 2}},
		"expired within leeway":   {"Bearer " + forge(goodHeader, with(exp(-29)), active), Identity{"alice", 2}},
		"expired by less":         {"Bearer " + forge(goodHeader, with(`"exp":1799999970.001`), active), Identity{"alice", 2}},
		"the longest life":        {"Bearer " + forge(goodHeader, with(exp(168*3600+30)), active), Identity{"alice", 2}},
		"nbf and iat now": {"Bearer " + forge(goodHeader, with(exp(900), `"nbf":1800000030`, `"iat":1800000030`), active),
			Identity{"alice", 2}},
		"nbf long ago": {"Bearer " + forge(goodHeader, with(exp(900), `"nbf":-1`, `"iat":0`), active), Identity{"alice", 2}},
		"subject of all kinds": {"Bearer " + forge(goodHeader, claimsWith(`"sub":"a/b \u00e9\ud83d\ude00"`, exp(900)), active),
			Identity{"a/b é😀", 2}},
		"subject with a NUL": {"Bearer " + forge(goodHeader, claimsWith(`"sub":"a\u0000"`, exp(900)), active), Identity{"a\x00", 2}},
		"a name cut in the middle of an emoji": {"Bearer " + forge(goodHeader,
			with(exp(900), `"name":"Al\ud83d","\udc00":[{"x":"\ud83d"}]`), active), Identity{"alice", 2}},
		"unknown claims": {"Bearer " + forge(goodHeader, with(exp(900), `"email":"a@b.c","nested":{"exp":1}`), active),
			Identity{"alice", 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Authenticate([]string{c.header}, keys, policy, now)
			if err != nil || got != c.want {
				t.Fatalf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestTheLongestToken(t *testing.T) {
	keys := trusted(t)
	for size := 6000; ; size++ {
		long := forge(goodHeader, claimsWith(`"sub":"alice"`, exp(900), `"pad":"`+strings.Repeat("x", size)+`"`), active)
		_, err := Authenticate([]string{"Bearer " + long}, keys, policy, now)
		if accepted := err == nil; accepted != (len(long) <= 8192) {
			t.Fatalf("a token of %d bytes: %v", len(long), err)
		}
		if len(long) > 8192 {
			return
		}
	}
}

func TestWithoutIssuerAndAudienceNeitherIsChecked(t *testing.T) {
	open := Policy{MaxLifetime: time.Hour, Leeway: time.Second}
	for _, members := range []string{`"x":1`, `"iss":"anyone","aud":"anything"`, `"iss":7,"aud":[7]`} {
		header := []string{"Bearer " + forge(goodHeader, bare(members), active)}
		if _, err := Authenticate(header, trusted(t), open, now); err != nil {
			t.Errorf("claims with %s: %v", members, err)
		}
	}
}

func TestWhatARefusalTellsTheAudit(t *testing.T) {
	for name, c := range map[string]struct {
		token string
		want  Refusal
	}{
		"unverified": {forge(goodHeader, goodClaims(), "mine"), Refusal{Signature, 0, ""}},
		"expired":    {forge(goodHeader, claimsWith(`"sub":"alice"`, exp(-99)), active), Refusal{Expired, 2, "alice"}},
		"issuer":     {forge(`{"alg":"HS256"}`, bare(`"iss":"x"`), retiring), Refusal{Issuer, 1, "alice"}},
		"subject":    {forge(goodHeader, claimsWith(exp(9)), active), Refusal{Subject, 2, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Authenticate([]string{"Bearer " + c.token}, trusted(t), policy, now)
			var refusal *Refusal
			if !errors.As(err, &refusal) || *refusal != c.want {
				t.Fatalf("got %+v, want %+v", refusal, c.want)
			}
			if strings.Contains(err.Error(), "alice") || strings.Contains(err.Error(), c.token) {
				t.Errorf("the error holds what the token says: %v", err)
			}
		})
	}
}
