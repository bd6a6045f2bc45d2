package authn

import (
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// header holds the members of a token's header that decide which key may have signed it. They are raw JSON, because an
// absent member, null and a value of the wrong type have different meanings.
type header struct {
	Algorithm jsontext.Value `json:"alg"`
	KeyID     jsontext.Value `json:"kid"`
	Critical  jsontext.Value `json:"crit"`
	Encoded   jsontext.Value `json:"b64"`
}

// maxHeaders limits the remembered headers. A frontend writes the same header into all of its tokens.
const maxHeaders = 8

// keysFor returns the trusted keys that may have signed the token, by its header. golang-jwt keeps the last of two
// members of the same name and ignores crit, so the header is read here before it parses the token.
func (k *Keys) keysFor(token string) ([]key, Reason) {
	// The base64 decoder skips line breaks, which no token may contain.
	if strings.Count(token, ".") != 2 || strings.ContainsAny(token, "\r\n") {
		return nil, Malformed
	}
	segment, _, _ := strings.Cut(token, ".")
	if candidates, ok := k.headers.Get(segment); ok {
		return candidates, ""
	}
	candidates, reason := k.readHeader(segment)
	if reason == "" {
		k.headers.Add(strings.Clone(segment), candidates) // a clone does not keep the token in memory
	}
	return candidates, reason
}

// readHeader decodes a header and returns the keys that it allows.
func (k *Keys) readHeader(segment string) ([]key, Reason) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	var h header
	if err != nil || json.Unmarshal(raw, &h) != nil {
		return nil, Malformed
	}
	if algorithm, _ := text(h.Algorithm); algorithm != algorithmName {
		return nil, Algorithm
	}
	// RFC 7797 forbids an unencoded payload in a JWT, with crit or without it.
	if h.Critical != nil || h.Encoded != nil && string(h.Encoded) != "true" {
		return nil, Critical
	}
	if h.KeyID == nil {
		return k.keys, ""
	}
	kid, _ := text(h.KeyID)
	if named := k.named(kid); named != nil {
		return named, ""
	}
	return nil, UnknownKey
}
