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
	"unicode/utf8"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// maxKeys is far above the three that a rotation needs, and keeps the cost of a token without a kid bounded.
const maxKeys = 8

// Keys are the verification keys trusted at one moment, the active one first. They never change: a reload makes new
// ones, which have verified nothing yet.
type Keys struct {
	keys []key
	// tokens are the verified ones that were seen last. Clients send a token again and again until it expires, and to
	// look it up costs a seventh of verifying it. They are told apart by their SHA-256, so none is kept or compared itself.
	tokens *lru.Cache[digest, verified]
}

// digest is a token's SHA-256.
type digest = [sha256.Size]byte

// maxTokens bounds the memory of one set of keys: some 1.5 MB with tokens as frontends make them, 13 MB with the largest.
const maxTokens = 2048

// recall verifies a token, unless that was done before.
func (k *Keys) recall(token string) (verified, Reason) {
	digest := sha256.Sum256([]byte(token))
	if found, ok := k.tokens.Get(digest); ok {
		return found, ""
	}
	found, reason := verify(token, k)
	if reason == "" {
		k.tokens.Add(digest, found)
	}
	return found, reason
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
	tokens, err := lru.New[digest, verified](maxTokens)
	if err != nil {
		return nil, err
	}
	set := &Keys{tokens: tokens}
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

// named returns the key that a kid stands for as it is written in decimal, or none.
func (k *Keys) named(kid string) []key {
	for i, one := range k.keys {
		if one.kid == kid {
			return k.keys[i : i+1]
		}
	}
	return nil
}
