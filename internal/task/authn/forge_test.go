package authn

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// Every test has three keys in the middle of a rotation, the production policy and a fixed clock.
const (
	active    = "active-key-of-version-2-0123456789012345678"
	published = "published-key-of-version-3-0123456789012345"
	retiring  = "retiring-key-of-version-1-01234567890123456"
	issuer    = "nextjs-frontend"
	audience  = "fastapi-backend"
)

var (
	now    = time.Unix(1_800_000_000, 0)
	policy = Policy{Issuer: issuer, Audience: audience, MaxLifetime: 168 * time.Hour, Leeway: 30 * time.Second}
)

func trusted(t testing.TB) *Keys {
	t.Helper()
	keys, err := NewKeys([]keyring.Entry{{Version: 2, Value: active}, {Version: 3, Value: published}, {Version: 1, Value: retiring}})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

const goodHeader = `{"alg":"HS256","typ":"JWT","kid":"2"}`

// goodClaims are what the frontend mints: 15 minutes for the production pattern's issuer and audience.
func goodClaims() string { return claimsWith(`"sub":"alice"`, exp(900)) }

// claimsWith puts members next to the issuer and the audience.
func claimsWith(members ...string) string {
	all := fmt.Sprintf(`"iss":%q,"aud":%q`, issuer, audience)
	for _, m := range members {
		all += "," + m
	}
	return "{" + all + "}"
}

func exp(seconds int64) string { return fmt.Sprintf(`"exp":%d`, now.Unix()+seconds) }

// bare has no issuer and no audience of its own.
func bare(members string) string { return fmt.Sprintf(`{"sub":"alice",%s,%s}`, exp(900), members) }

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs any header and payload with HMAC-SHA256, however little sense they make.
func forge(header, payload, secret string) string {
	return forgeWith(sha256.New, header, payload, secret)
}

func forgeWith(algorithm func() hash.Hash, header, payload, secret string) string {
	return seal(algorithm, b64(header)+"."+b64(payload), secret)
}

// seal signs segments unchanged.
func seal(algorithm func() hash.Hash, segments, secret string) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write([]byte(segments))
	return segments + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func good() string { return forge(goodHeader, goodClaims(), active) }

var sha384, sha512hash = sha512.New384, sha512.New
