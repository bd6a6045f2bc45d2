package authn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// maxKeys is far above the three that a rotation needs, and keeps the cost of a token without a kid bounded.
const maxKeys = 8

// Keys are the verification keys trusted at one moment, the active one first. They never change: a reload makes new
// ones.
type Keys struct {
	keys  []key
	usual atomic.Pointer[usual]
}

// usual is a token header that was good, and the keys that may have signed under it. A frontend sends the same header
// with every token, so reading it again is a comparison, which halves the cost of a request's authentication.
type usual struct {
	segment    string
	candidates []key
}

// key holds its secret as any because that is how golang-jwt takes it: converting once saves it for every request.
type key struct {
	version int64
	kid     string
	secret  any
}

// NewKeys makes the set of one to eight keys, in order of trust. Values must not be blank, versions not repeat.
// Errors name versions, never a value.
func NewKeys(entries []keyring.Entry) (*Keys, error) {
	if len(entries) == 0 {
		return nil, errors.New("there is no key")
	}
	if len(entries) > maxKeys {
		return nil, fmt.Errorf("there are %d keys, at most %d are allowed", len(entries), maxKeys)
	}
	set := &Keys{}
	for _, e := range entries {
		if strings.TrimSpace(string(e.Value)) == "" {
			return nil, fmt.Errorf("the key of version %d is blank", e.Version)
		}
		kid := strconv.FormatInt(e.Version, 10)
		if len(set.named(kid)) > 0 {
			return nil, fmt.Errorf("version %d appears twice", e.Version)
		}
		set.keys = append(set.keys, key{version: e.Version, kid: kid, secret: []byte(e.Value)})
	}
	return set, nil
}

// Versions lists the trusted versions, the active one first.
func (k *Keys) Versions() []int64 {
	versions := make([]int64, len(k.keys))
	for i, one := range k.keys {
		versions[i] = one.version
	}
	return versions
}

// candidates returns the keys that may have signed a token with this header.
func (k *Keys) candidates(segment string) ([]key, Reason) {
	if usual := k.usual.Load(); usual != nil && usual.segment == segment {
		return usual.candidates, ""
	}
	header, ok := parseHeader(segment)
	if !ok {
		return nil, Malformed
	}
	return header.keys(k)
}

// remember makes a header the usual one. Only a token that was verified may do so.
func (k *Keys) remember(segment string, candidates []key) {
	if now := k.usual.Load(); now == nil || now.segment != segment {
		k.usual.Store(&usual{strings.Clone(segment), candidates})
	}
}

// named returns the key that a kid stands for as it is written in decimal, or none.
func (k *Keys) named(kid string) []key {
	for i, one := range k.keys {
		if one.kid == kid {
			return k.keys[i : i+1]
		}
	}
	return nil
}
