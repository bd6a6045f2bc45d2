package authn

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// maxKeys limits the cost of a token without a kid. A rotation needs three keys.
const maxKeys = 8

// Keys are the verification keys trusted at one moment, the active one first. They never change: a reload makes a new
// set, which has accepted no token yet.
type Keys struct {
	keys []key
	// tokens are the accepted tokens that were seen last, by their SHA-256. Clients send a token again and again until it
	// expires, and a lookup costs a tenth of a verification. No token itself is kept or compared.
	tokens *lru.Cache[digest, accepted]
	// headers remembers which keys the headers seen last allow.
	headers *lru.Cache[string, []key]
	// verifiers holds golang-jwt parsers that are not in use.
	verifiers sync.Pool
}

// digest is a token's SHA-256.
type digest = [sha256.Size]byte

// maxTokens limits the memory of one set of keys to about 1 MB; each entry has some 200 bytes and its subject.
const maxTokens = 2048

// recall returns the identity of a token that is remembered as accepted, or verifies it.
func (k *Keys) recall(token string, policy Policy, now time.Time) (Identity, *Refusal) {
	digest := sha256.Sum256([]byte(token))
	if found, ok := k.tokens.Get(digest); ok && found.covers(policy, now) {
		return found.identity, nil
	}
	found, refusal := k.verify(token, policy, now)
	if refusal == nil {
		k.tokens.Add(digest, found)
	}
	return found.identity, refusal
}

// key is one secret under its version.
type key struct {
	version int64
	kid     string
	// length of the secret in characters.
	length int
	secret []byte
}

func newKey(version int64, secret keyring.Value) key {
	return key{
		version: version, kid: strconv.FormatInt(version, 10), length: utf8.RuneCountInString(string(secret)),
		secret: []byte(secret),
	}
}

// NewKeys returns the set of one to eight keys, in order of trust. Values must not be blank and versions must not repeat.
// Errors name versions, never a value.
func NewKeys(entries []keyring.Entry) (*Keys, error) {
	if len(entries) == 0 {
		return nil, errors.New("there is no key")
	}
	if len(entries) > maxKeys {
		return nil, fmt.Errorf("there are %d keys, at most %d are allowed", len(entries), maxKeys)
	}
	tokens, errTokens := lru.New[digest, accepted](maxTokens)
	headers, errHeaders := lru.New[string, []key](maxHeaders)
	if err := errors.Join(errTokens, errHeaders); err != nil {
		return nil, fmt.Errorf("making the memory of tokens: %w", err)
	}
	set := &Keys{tokens: tokens, headers: headers}
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

// shortest is the number of characters below which a secret is easier to guess than HMAC-SHA256 is to forge. Better Auth
// requires the same.
const shortest = 32

// Short lists the versions whose secrets have fewer than 32 characters.
func (k *Keys) Short() []int64 {
	var versions []int64
	for _, one := range k.keys {
		if one.length < shortest {
			versions = append(versions, one.version)
		}
	}
	return versions
}

// named returns the key whose decimal version equals the kid, or none.
func (k *Keys) named(kid string) []key {
	for i, one := range k.keys {
		if one.kid == kid {
			return k.keys[i : i+1]
		}
	}
	return nil
}
