package authn

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
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

// FuzzAuthenticate holds the two promises that matter whatever arrives: no panic, and nothing is accepted that an
// independent reading of the token does not accept as well.
func FuzzAuthenticate(f *testing.F) {
	keys := trusted(f)
	for _, h := range hostiles() {
		for _, value := range h.header {
			f.Add(value)
		}
	}
	f.Add("Bearer " + good())
	f.Add("bearer  " + forge(`{"alg":"HS256"}`, goodClaims(), retiring))
	f.Fuzz(func(t *testing.T, header string) {
		identity, err := Authenticate([]string{header}, keys, policy, now)
		if again, errAgain := Authenticate([]string{header}, keys, policy, now); again != identity || (err == nil) != (errAgain == nil) {
			t.Fatalf("%q is %+v, %v at first, then %+v, %v", header, identity, err, again, errAgain)
		}
		if err != nil {
			return
		}
		if subject := independently(t, header); subject != identity.Subject || subject == "" {
			t.Fatalf("accepted %q as %+v, which golang-jwt reads as %q", header, identity, subject)
		}
	})
}

// FuzzSigned gets past the signature: whatever the header and the claims are, they are signed with the active key.
func FuzzSigned(f *testing.F) {
	keys := trusted(f)
	for _, h := range hostiles() {
		for _, value := range h.header {
			segments := strings.Split(strings.TrimPrefix(value, "Bearer "), ".")
			if len(segments) != 3 {
				continue
			}
			header, okHeader := decode(segments[0])
			claims, okClaims := decode(segments[1])
			if okHeader && okClaims {
				f.Add(string(header), string(claims))
			}
		}
	}
	f.Add(goodHeader, goodClaims())
	f.Fuzz(func(t *testing.T, header, claims string) {
		value := "Bearer " + forge(header, claims, active)
		identity, err := Authenticate([]string{value}, keys, policy, now)
		if err != nil {
			return
		}
		if subject := independently(t, value); subject != identity.Subject || subject == "" {
			t.Fatalf("accepted %s and %s as %+v, which golang-jwt reads as %q", header, claims, identity, subject)
		}
	})
}

// outOfRange reports whether all that is wrong with a token's header is a number too large for float64.
func outOfRange(parser *jwt.Parser, raw string) bool {
	header, err := parser.DecodeSegment(strings.Split(raw, ".")[0])
	if err != nil {
		return false
	}
	var members map[string]any
	var tooLarge *json.UnmarshalTypeError
	return errors.As(json.Unmarshal(header, &members), &tooLarge) && strings.HasPrefix(tooLarge.Value, "number")
}

// independently reads an accepted token with golang-jwt's own parser.
func independently(t *testing.T, header string) string {
	raw := strings.TrimLeft(header[len("Bearer"):], " ")
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithJSONNumber(), jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithLeeway(31*time.Second),
		jwt.WithTimeFunc(func() time.Time { return now }))
	claims := jwt.MapClaims{}
	all := jwt.VerificationKeySet{Keys: []jwt.VerificationKey{[]byte(active), []byte(published), []byte(retiring)}}
	_, err := parser.ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) { return all, nil })
	// It calls a token malformed for any number of the header that float64 cannot hold, also in members that mean nothing.
	if err != nil && (!errors.Is(err, jwt.ErrTokenMalformed) || !outOfRange(parser, raw)) {
		t.Fatalf("golang-jwt refuses %q: %v", raw, err)
	}
	var members map[string]json.RawMessage
	if payload, err := parser.DecodeSegment(strings.Split(raw, ".")[1]); err != nil || json.Unmarshal(payload, &members) != nil {
		t.Fatalf("claims of %q: %v", raw, err)
	}
	var subject string
	if err := json.Unmarshal(members["sub"], &subject); err != nil {
		t.Fatalf("subject of %q: %v", raw, err)
	}
	return subject
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
