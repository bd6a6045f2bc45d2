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
	found, reason := keys.recall(token)
	if reason != "" {
		return Identity{}, &Refusal{Reason: reason, KeyVersion: found.version}
	}
	subject, _ := text(found.claims.Subject)
	if reason := policy.judge(found.claims, now); reason != "" {
		return Identity{}, &Refusal{Reason: reason, KeyVersion: found.version, Subject: subject}
	}
	return Identity{Subject: subject, KeyVersion: found.version}, nil
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

// verified is what a token says that one of the keys has signed. It stays so for as long as the key is trusted; whether
// the token is good now is for the policy and the clock.
type verified struct {
	version int64
	claims  claims
}

// verify checks the signature, then reads the claims. A version comes with every signature that is good.
func verify(token string, keys *Keys) (verified, Reason) {
	if strings.Count(token, ".") != 2 {
		return verified{}, Malformed
	}
	head, rest, _ := strings.Cut(token, ".")
	body, signature, _ := strings.Cut(rest, ".")
	header, ok := parseHeader(head)
	if !ok {
		return verified{}, Malformed
	}
	candidates, reason := header.keys(keys)
	if reason != "" {
		return verified{}, reason
	}
	payload, okBody := decode(body)
	mac, okMAC := decode(signature)
	if !okBody || !okMAC {
		return verified{}, Malformed
	}
	signed := token[:len(head)+1+len(body)]
	for _, one := range candidates {
		if !one.signed(signed, mac) {
			continue
		}
		claims, ok := parseClaims(payload)
		if !ok {
			return verified{version: one.version}, Malformed
		}
		return verified{one.version, claims}, ""
	}
	return verified{}, Signature
}
