package authn

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

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

// key is a secret, ready to use.
type key struct {
	version int64
	kid     string
	// length of the secret in characters.
	length int
	// macs holds hashes that have the secret in them: to put it in costs half of what hashing a token does.
	macs *sync.Pool
}

func newKey(version int64, secret keyring.Value) key {
	return key{
		version: version, kid: strconv.FormatInt(version, 10), length: utf8.RuneCountInString(string(secret)),
		macs: &sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(secret)) }},
	}
}

// signed reports whether mac is the HMAC-SHA256 of the text under this key, and takes equally long where it is not.
func (k key) signed(text string, mac []byte) bool {
	h := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	_, _ = h.Write([]byte(text)) // a hash takes everything
	return hmac.Equal(h.Sum(make([]byte, 0, sha256.Size)), mac)
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
		one := newKey(e.Version, e.Value)
		if len(set.named(one.kid)) > 0 {
			return nil, fmt.Errorf("version %d appears twice", e.Version)
		}
		set.keys = append(set.keys, one)
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

// shortest is how many characters a secret has at least that is as hard to guess as HMAC-SHA256 is to forge; Better Auth
// asks for the same.
const shortest = 32

// Short lists the versions whose secrets are shorter than they should be.
func (k *Keys) Short() []int64 {
	var versions []int64
	for _, one := range k.keys {
		if one.length < shortest {
			versions = append(versions, one.version)
		}
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
