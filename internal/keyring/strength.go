package keyring

import (
	"errors"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// minLength is Better Auth's, in UTF-16 units as JavaScript counts them.
	minLength = 32
	// minBits is Better Auth's, by its own estimate.
	minBits = 120
)

// placeholders are stretches of the secrets that documentation shows and people copy, in lower case letters and digits.
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

// estimate is Better Auth's measure of entropy in bits: as if each character were drawn from those that occur.
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

// unprintable characters are lost or trimmed on one of the ways to a process; a byte order mark is a space to JavaScript.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == '\uFEFF' }
