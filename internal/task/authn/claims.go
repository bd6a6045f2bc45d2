package authn

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// claims are the registered claims of a token for golang-jwt's validator. They are raw JSON until a getter is called, so
// that a claim which the policy does not check may have any type.
type claims struct {
	Subject   jsontext.Value `json:"sub"`
	Issuer    jsontext.Value `json:"iss"`
	Audience  jsontext.Value `json:"aud"`
	Expires   jsontext.Value `json:"exp"`
	NotBefore jsontext.Value `json:"nbf"`
	IssuedAt  jsontext.Value `json:"iat"`
}

var _ jwt.ClaimsValidator = (*claims)(nil)

var (
	errNotUTF8 = errors.New("claims are not UTF-8")
	errNotDate = errors.New("claim is not a numeric date")
)

// UnmarshalJSON reads the claims strictly: names are case-sensitive, and a name that appears twice is an error at any
// depth, because readers disagree on its meaning. Half a surrogate pair passes, though not in the claims that count (see
// text): a JavaScript signer writes one if it cuts a user's name in the middle of an emoji.
func (c *claims) UnmarshalJSON(payload []byte) error {
	if !utf8.Valid(payload) {
		return errNotUTF8
	}
	type members claims // without this method
	if err := json.Unmarshal(payload, (*members)(c), jsontext.AllowInvalidUTF8(true)); err != nil {
		return fmt.Errorf("reading claims: %w", err)
	}
	return nil
}

// GetExpirationTime implements jwt.Claims.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return date(c.Expires) }

// GetNotBefore implements jwt.Claims.
func (c *claims) GetNotBefore() (*jwt.NumericDate, error) { return date(c.NotBefore) }

// GetIssuedAt implements jwt.Claims.
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) { return date(c.IssuedAt) }

// GetIssuer implements jwt.Claims. The validator asks for it only if the policy names an issuer.
func (c *claims) GetIssuer() (string, error) {
	issuer, _ := text(c.Issuer)
	if issuer == "" {
		return "", jwt.ErrTokenInvalidIssuer
	}
	return issuer, nil
}

// GetSubject implements jwt.Claims. It is empty if the claim is absent or not a string.
func (c *claims) GetSubject() (string, error) {
	subject, _ := text(c.Subject)
	return subject, nil
}

// GetAudience implements jwt.Claims. The validator asks for it only if the policy names an audience.
func (c *claims) GetAudience() (jwt.ClaimStrings, error) {
	if c.Audience.Kind() != '[' {
		audience, _ := text(c.Audience)
		return audiences(audience)
	}
	var members []jsontext.Value
	if err := json.Unmarshal(c.Audience, &members, jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, jwt.ErrTokenInvalidAudience
	}
	all := make([]string, len(members))
	for i, member := range members {
		audience, ok := text(member)
		if !ok {
			return nil, jwt.ErrTokenInvalidAudience
		}
		all[i] = audience
	}
	return audiences(all...)
}

// audiences returns the list, or an error if the validator would call the claim missing.
func audiences(all ...string) (jwt.ClaimStrings, error) {
	if len(all) == 0 || len(all) == 1 && all[0] == "" {
		return nil, jwt.ErrTokenInvalidAudience
	}
	return all, nil
}

// Validate implements jwt.ClaimsValidator: a token needs a subject, and no other claim may replace it.
func (c *claims) Validate() error {
	if subject, _ := text(c.Subject); subject == "" {
		return jwt.ErrTokenInvalidSubject
	}
	return nil
}

// text returns the value of a JSON string. Anything else, also an absent value or half a surrogate pair, is not ok.
func text(v jsontext.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1]), true
	}
	unquoted, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", false
	}
	return string(unquoted), true
}

// farthest bounds dates in seconds, so that any number converts to a time without overflow.
const farthest = 1e12

// date returns a NumericDate with its fraction in microseconds, or nil for an absent claim.
func date(v jsontext.Value) (*jwt.NumericDate, error) {
	if v == nil {
		return nil, nil
	}
	if v.Kind() != '0' {
		return nil, errNotDate
	}
	seconds, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return nil, errNotDate
	}
	seconds = min(max(seconds, -farthest), farthest)
	return &jwt.NumericDate{Time: time.UnixMicro(int64(math.Round(seconds * 1e6)))}, nil
}
