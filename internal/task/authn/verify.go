package authn

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const algorithmName = "HS256"

var errNoSigner = errors.New("no trusted key has signed the token")

// accepted is a token that was accepted under a policy. It stays accepted under the same policy and keys while the
// clock reads at least from and less than until.
type accepted struct {
	identity    Identity
	policy      Policy
	from, until time.Time
}

// covers reports whether the token is still accepted under the policy at this time.
func (a accepted) covers(policy Policy, now time.Time) bool {
	return a.policy == policy && !now.Before(a.from) && now.Before(a.until)
}

// verify parses and validates a token with golang-jwt. The header rules, the choice of the key and the maximum lifetime
// are this package's own.
func (k *Keys) verify(token string, policy Policy, now time.Time) (accepted, *Refusal) {
	candidates, reason := k.keysFor(token)
	if reason != "" {
		return accepted{}, &Refusal{Reason: reason}
	}
	v := k.verifierFor(policy)
	defer k.verifiers.Put(v)
	v.now = now
	var signer key
	found := &claims{}
	_, err := v.parser.ParseWithClaims(token, found, func(t *jwt.Token) (any, error) {
		var err error
		signer, err = candidate(t, candidates)
		return signer.secret, err
	})
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return accepted{}, malformed(token, candidates)
	case err != nil && !errors.Is(err, jwt.ErrTokenInvalidClaims):
		return accepted{}, &Refusal{Reason: Signature}
	}
	subject, _ := text(found.Subject)
	if reason := policy.refuses(found, err, now); reason != "" {
		return accepted{}, &Refusal{Reason: reason, KeyVersion: signer.version, Subject: subject}
	}
	from, until := policy.window(found)
	return accepted{Identity{subject, signer.version}, policy, from, until}, nil
}

// malformed refuses a token that golang-jwt cannot parse. golang-jwt parses the claims before it verifies the signature;
// only a key that signed malformed claims is named.
func malformed(token string, candidates []key) *Refusal {
	last := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.Strict().DecodeString(token[last+1:])
	if err != nil {
		return &Refusal{Reason: Malformed}
	}
	signer, err := signerOf(token[:last], signature, candidates)
	if err != nil {
		return &Refusal{Reason: Signature}
	}
	return &Refusal{Reason: Malformed, KeyVersion: signer.version}
}

// candidate returns the only candidate, or the key that signed the token. The parser then verifies the signature.
func candidate(t *jwt.Token, candidates []key) (key, error) {
	if len(candidates) == 1 {
		return candidates[0], nil
	}
	return signerOf(t.Raw[:strings.LastIndexByte(t.Raw, '.')], t.Signature, candidates)
}

// signerOf returns the key that made the signature of the text.
func signerOf(signed string, signature []byte, candidates []key) (key, error) {
	for _, one := range candidates {
		if jwt.SigningMethodHS256.Verify(signed, signature, one.secret) == nil {
			return one, nil
		}
	}
	return key{}, errNoSigner
}

// verifier is golang-jwt's parser for one policy, with the time at which it validates.
type verifier struct {
	policy Policy
	now    time.Time
	parser *jwt.Parser
}

// verifierFor returns a verifier that nothing else uses. Building a parser costs a fifth of a verification.
func (k *Keys) verifierFor(p Policy) *verifier {
	if v, ok := k.verifiers.Get().(*verifier); ok && v.policy == p {
		return v
	}
	v := &verifier{policy: p}
	options := []jwt.ParserOption{
		jwt.WithValidMethods([]string{algorithmName}), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithLeeway(p.Leeway), jwt.WithTimeFunc(func() time.Time { return v.now }),
		jwt.WithIssuer(p.Issuer), // empty: not checked
	}
	if p.Audience != "" {
		options = append(options, jwt.WithAudience(p.Audience))
	}
	v.parser = jwt.NewParser(options...)
	return v
}

// refuses returns the first reason to refuse claims, given the validator's error, or "" if there is none.
func (p Policy) refuses(c *claims, err error, now time.Time) Reason {
	from, _ := p.window(c)
	switch {
	case c.Expires == nil:
		return NoExpiry
	case errors.Is(err, errNotDate):
		return Malformed
	case errors.Is(err, jwt.ErrTokenExpired):
		return Expired
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return NotYet
	case now.Before(from):
		return Lifetime
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return Issuer
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return Audience
	case errors.Is(err, jwt.ErrTokenInvalidSubject):
		return Subject
	case err != nil:
		return Malformed
	}
	return ""
}

// window returns the time in which a token with these claims is neither too early, too long-lived nor expired.
func (p Policy) window(c *claims) (from, until time.Time) {
	for _, get := range []func() (*jwt.NumericDate, error){c.GetNotBefore, c.GetIssuedAt} {
		if at, err := get(); err == nil && at != nil && at.After(from) {
			from = at.Time
		}
	}
	if at, err := c.GetExpirationTime(); err == nil && at != nil {
		until = at.Add(p.Leeway)
		if earliest := at.Add(-p.MaxLifetime); earliest.After(from) {
			from = earliest
		}
	}
	return from.Add(-p.Leeway), until
}
