package sqlstore

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

const (
	// longestOwner is in bytes; PostgreSQL cannot index values of more than a few thousand.
	longestOwner = 512
	// digestMark begins every owner that is stored as a digest, and no other.
	digestMark = "sha256:"
)

// ownerKey returns the value under which an owner is stored: the owner itself, or its digest if it is long or cannot be
// stored as text. Different owners never share a key.
func ownerKey(owner string) string {
	plain := len(owner) <= longestOwner && utf8.ValidString(owner) &&
		strings.IndexByte(owner, 0) < 0 && !strings.HasPrefix(owner, digestMark)
	if plain {
		return owner
	}
	digest := sha256.Sum256([]byte(owner))
	return digestMark + hex.EncodeToString(digest[:])
}
