package authn

import (
	"strings"
	"time"
)

// maxToken is the size in bytes above which a token is refused unread.
const maxToken = 8 << 10

// Policy is what an installation asks of a token beyond its signature.
type Policy struct {
	// Issuer and Audience are checked exactly when they are not empty.
	Issuer, Audience string
	// MaxLifetime bounds how far ahead exp may lie.
	MaxLifetime time.Duration
	// Leeway is granted to every comparison with the clock.
	Leeway time.Duration
}

// Identity is the outcome of a token that was accepted.
type Identity struct {
	Subject    string
	KeyVersion int64
}

// Authenticate judges the values of a request's Authorization headers. Its error is always a *Refusal.
func Authenticate(authorization []string, keys *Keys, policy Policy, now time.Time) (Identity, error) {
	token, reason := bearer(authorization)
	if reason != "" {
		return Identity{}, &Refusal{Reason: reason}
	}
	payload, version, reason := verify(token, keys)
	if reason != "" {
		return Identity{}, &Refusal{Reason: reason}
	}
	claims, ok := parseClaims(payload)
	if !ok {
		return Identity{}, &Refusal{Reason: Malformed, KeyVersion: version}
	}
	subject, _ := text(claims.Subject)
	if reason := policy.judge(claims, now); reason != "" {
		return Identity{}, &Refusal{Reason: reason, KeyVersion: version, Subject: subject}
	}
	return Identity{Subject: subject, KeyVersion: version}, nil
}

// bearer takes the token out of the one Authorization header there may be.
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

// verify checks the signature and returns the decoded, still unread claims with the version of the key.
func verify(token string, keys *Keys) (payload []byte, version int64, reason Reason) {
	if strings.Count(token, ".") != 2 {
		return nil, 0, Malformed
	}
	head, rest, _ := strings.Cut(token, ".")
	body, signature, _ := strings.Cut(rest, ".")
	candidates, reason := keys.candidates(head)
	if reason != "" {
		return nil, 0, reason
	}
	payload, okBody := decode(body)
	mac, okMAC := decode(signature)
	if !okBody || !okMAC {
		return nil, 0, Malformed
	}
	signed := token[:len(head)+1+len(body)]
	for _, one := range candidates {
		if one.signed(signed, mac) {
			keys.remember(head, candidates)
			return payload, one.version, ""
		}
	}
	return nil, 0, Signature
}
