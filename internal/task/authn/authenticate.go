package authn

import (
	"strings"
	"time"
)

// maxToken is the size in bytes above which a token is refused before it is parsed.
const maxToken = 8 << 10

// Policy holds an installation's requirements on a token beyond its signature.
type Policy struct {
	// Issuer and Audience are checked if they are not empty.
	Issuer, Audience string
	// MaxLifetime limits how far ahead of the clock exp may be.
	MaxLifetime time.Duration
	// Leeway is added to every comparison with the clock.
	Leeway time.Duration
}

// Identity names the subject of an accepted token and the key that signed it.
type Identity struct {
	Subject    string
	KeyVersion int64
}

// Authenticate returns who sent a request, by the values of its Authorization headers. Its error is always a *Refusal.
func Authenticate(authorization []string, keys *Keys, policy Policy, now time.Time) (Identity, error) {
	token, reason := bearer(authorization)
	if reason != "" {
		return Identity{}, &Refusal{Reason: reason}
	}
	identity, refusal := keys.recall(token, policy, now)
	if refusal != nil {
		return Identity{}, refusal
	}
	return identity, nil
}

// bearer returns the token of the only Authorization header.
func bearer(authorization []string) (string, Reason) {
	if len(authorization) > 1 {
		return "", Repeated
	}
	if len(authorization) == 0 {
		return "", Missing
	}
	scheme, rest, _ := strings.Cut(authorization[0], " ")
	token := strings.TrimLeft(rest, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", Missing
	}
	if len(token) > maxToken {
		return "", Oversized
	}
	return token, ""
}
