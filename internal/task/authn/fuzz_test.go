package authn

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// FuzzAuthenticate checks two promises for any input: no panic, and a token is accepted only if an independent reading of
// it accepts it as well.
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

// FuzzSigned gets past the signature: any header and any claims are signed with the active key.
func FuzzSigned(f *testing.F) {
	keys := trusted(f)
	for _, h := range hostiles() {
		for _, value := range h.header {
			segments := strings.Split(strings.TrimPrefix(value, "Bearer "), ".")
			if len(segments) != 3 {
				continue
			}
			header, errHeader := base64.RawURLEncoding.DecodeString(segments[0])
			claims, errClaims := base64.RawURLEncoding.DecodeString(segments[1])
			if errHeader == nil && errClaims == nil {
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
