package authn

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// header and claims keep their members as raw JSON, so that absent, null and wrongly typed stay distinguishable.
// json.Unmarshal of go-json-experiment is strict where encoding/json is not: names are case-sensitive, a name that
// appears twice, invalid UTF-8, lone surrogates and text after the object are errors.
type header struct {
	Algorithm jsontext.Value `json:"alg"`
	KeyID     jsontext.Value `json:"kid"`
	Critical  jsontext.Value `json:"crit"`
	Encoded   jsontext.Value `json:"b64"`
}

type claims struct {
	Subject   jsontext.Value `json:"sub"`
	Issuer    jsontext.Value `json:"iss"`
	Audience  jsontext.Value `json:"aud"`
	Expires   jsontext.Value `json:"exp"`
	NotBefore jsontext.Value `json:"nbf"`
	IssuedAt  jsontext.Value `json:"iat"`
}

func parseHeader(segment string) (h header, ok bool) {
	raw, ok := decode(segment)
	ok = ok && json.Unmarshal(raw, &h) == nil
	return h, ok
}

// parseClaims lets half a surrogate pair pass, though not in the claims that count (see text): a JavaScript signer writes
// one where a user's name was cut in the middle of an emoji. A name that appears twice is refused at any depth: no signer
// writes that, and readers disagree on what it means.
func parseClaims(payload []byte) (c claims, ok bool) {
	ok = utf8.Valid(payload) && json.Unmarshal(payload, &c, jsontext.AllowInvalidUTF8(true)) == nil
	return c, ok
}

// keys chooses which keys may have signed a token with this header: the one that kid names, or all without a kid.
func (h header) keys(trusted *Keys) ([]key, Reason) {
	if algorithm, _ := text(h.Algorithm); algorithm != "HS256" {
		return nil, Algorithm
	}
	// RFC 7797 forbids an unencoded payload in a JWT, with crit or without.
	if h.Critical != nil || h.Encoded != nil && string(h.Encoded) != "true" {
		return nil, Critical
	}
	if h.KeyID == nil {
		return trusted.keys, ""
	}
	kid, _ := text(h.KeyID)
	named := trusted.named(kid)
	if named == nil {
		return nil, UnknownKey
	}
	return named, ""
}

// judge applies the policy to claims whose signature is verified.
func (p Policy) judge(c claims, now time.Time) Reason {
	if reason := p.judgeTimes(c, now); reason != "" {
		return reason
	}
	if issuer, _ := text(c.Issuer); p.Issuer != "" && issuer != p.Issuer {
		return Issuer
	}
	if p.Audience != "" && !addressed(c.Audience, p.Audience) {
		return Audience
	}
	if subject, _ := text(c.Subject); subject == "" {
		return Subject
	}
	return ""
}

func (p Policy) judgeTimes(c claims, now time.Time) Reason {
	if c.Expires == nil {
		return NoExpiry
	}
	expires, okExpires := seconds(c.Expires)
	notBefore, okNotBefore := moment(c.NotBefore)
	issuedAt, okIssuedAt := moment(c.IssuedAt)
	if !okExpires || !okNotBefore || !okIssuedAt {
		return Malformed
	}
	clock, leeway := float64(now.UnixMicro())/1e6, p.Leeway.Seconds()
	switch {
	case clock >= expires+leeway:
		return Expired
	case max(notBefore, issuedAt) > clock+leeway:
		return NotYet
	case expires > clock+p.MaxLifetime.Seconds()+leeway:
		return Lifetime
	}
	return ""
}

// addressed reports whether aud is the audience, or an array of strings that holds it.
func addressed(aud jsontext.Value, audience string) bool {
	if aud.Kind() != '[' {
		one, _ := text(aud)
		return one == audience
	}
	var all []jsontext.Value
	if json.Unmarshal(aud, &all) != nil {
		return false
	}
	found := false
	for _, each := range all {
		one, ok := text(each)
		if !ok {
			return false
		}
		found = found || one == audience
	}
	return found
}

// text reads a JSON string; anything else, also an absent value or half a surrogate pair, is not ok.
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

// seconds reads a NumericDate, which may have a fraction. What float64 cannot hold is not ok.
func seconds(v jsontext.Value) (float64, bool) {
	if v.Kind() != '0' {
		return 0, false
	}
	number, err := strconv.ParseFloat(string(v), 64)
	return number, err == nil
}

// moment reads an optional NumericDate; absent is long past.
func moment(v jsontext.Value) (float64, bool) {
	if v == nil {
		return 0, true
	}
	return seconds(v)
}

// decode reads canonical unpadded base64url. The standard decoder skips line breaks, which no token may hold.
func decode(segment string) ([]byte, bool) {
	if strings.IndexByte(segment, '\n') >= 0 || strings.IndexByte(segment, '\r') >= 0 {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	return raw, err == nil
}
