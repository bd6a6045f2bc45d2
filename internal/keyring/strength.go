package keyring

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// minLength is Better Auth's minimum, in UTF-16 units as JavaScript counts them.
	minLength = 32
	// minBits is Better Auth's minimum by its own estimate.
	minBits = 120
	// maxBytes is far above any generated key, and maxListBytes below the 128 KiB that Linux takes in one variable.
	maxBytes, maxListBytes = 1 << 10, 100 << 10
)

// placeholders lists parts of secrets that documentation shows and users copy, in lower case letters and digits.
var placeholders = []string{
	"betterauthsecret", "makeitlongandrandom", "supersecret", "yoursecret", "mysecret", "secretkey", "changeme",
	"changethis", "replaceme", "replacethis", "placeholder", "256bit", "32char", "1234567890123456",
}

// Check reports why a value that a user chose is unfit as an app's secret, or nil if it is fit.
// The error contains neither the value nor its length or strength: its reader need not have the right to read the Secret.
func Check(v Value) error {
	switch length, bits := len(utf16.Encode([]rune(string(v)))), estimate(v); {
	case v == "":
		return errors.New("is empty")
	case !utf8.ValidString(string(v)):
		return errors.New("is not UTF-8 text: Node.js and the API would read different keys")
	case !Portable(v) || strings.ContainsFunc(string(v), unprintable):
		return errors.New("has a comma, line break, control character or outer space, which BETTER_AUTH_SECRETS cannot carry")
	case len(v) > maxBytes:
		return errors.New("is too long: use a generated secret")
	case length < minLength:
		return errors.New("is too short: use a generated secret")
	case isPlaceholder(v):
		return errors.New("is a well-known placeholder")
	case bits < minBits:
		return errors.New("is too regular: use a generated secret")
	default:
		return nil
	}
}

// estimate returns Better Auth's measure of entropy in bits, as if each character were chosen from the characters that occur.
func estimate(v Value) float64 {
	runes := []rune(string(v))
	length := len(utf16.Encode(runes))
	slices.Sort(runes)
	unique := len(slices.Compact(runes))
	if unique == 0 {
		return 0
	}
	return float64(length) * math.Log2(float64(unique))
}

func isPlaceholder(v Value) bool {
	bare := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, string(v))
	return slices.ContainsFunc(placeholders, func(p string) bool { return strings.Contains(bare, p) })
}

// unprintable reports whether a character may be lost or trimmed on the way to a process. JavaScript treats a byte order mark as a
// space.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == '\uFEFF' }

// Oversized returns the name of an entry of a component's Secret that holds a value over 1 KiB; empty if there is none.
func Oversized(data map[string][]byte) string {
	for _, entry := range []string{EntrySecret, EntryLegacySecret} {
		if len(data[entry]) > maxBytes {
			return entry
		}
	}
	if len(data[EntrySecrets]) > maxListBytes {
		return EntrySecrets
	}
	for _, item := range bytes.Split(data[EntrySecrets], []byte(",")) {
		if len(item) > maxBytes+len("9007199254740991:") {
			return EntrySecrets
		}
	}
	return ""
}

// WeakIn returns why the key that a component's Secret signs with is weak; nil if it is not, or if there is none.
func WeakIn(data map[string][]byte) error {
	value := Value(data[EntrySecret])
	if entries, err := ParseList(string(data[EntrySecrets])); err == nil && len(entries) > 0 {
		value = entries[0].Value
	}
	if value == "" {
		return nil
	}
	return Check(value)
}

// WeakKey is a key in use that does not meet Check.
type WeakKey struct {
	Version int64
	// Why continues a sentence about the key.
	Why error
}

// Weak returns the weak keys that tokens or session cookies are still accepted under, the newest first. Only adopted keys can
// be weak, because generated and sourced ones are checked.
func (r Ring) Weak(now time.Time, p Policy) []WeakKey {
	accepted := r.cookieVersions(now, p.SessionLifetime)
	for _, k := range r.Trusted(now, p.Validity()) {
		accepted = append(accepted, k.Version)
	}
	var weak []WeakKey
	for _, k := range slices.Backward(r.Keys) {
		if why := Check(k.Value); why != nil && slices.Contains(accepted, k.Version) {
			weak = append(weak, WeakKey{k.Version, why})
		}
	}
	return weak
}
