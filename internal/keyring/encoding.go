package keyring

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxVersion is the largest integer that JavaScript reads exactly.
const maxVersion = 1<<53 - 1

// Value is a secret string. Its UTF-8 bytes are the HMAC key; it is never base64-decoded.
// Printing, logging or marshalling a Value shows a placeholder; string(v) is the only way to the secret.
type Value string

const redacted = "[redacted]"

// String implements fmt.Stringer without the secret.
func (Value) String() string { return redacted }

// Format implements fmt.Formatter without the secret: for a verb that does not fit, such as %d, fmt would otherwise
// show the bare string.
func (Value) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalText implements encoding.TextMarshaler without the secret.
func (Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Entry is one key of a BETTER_AUTH_SECRETS list.
type Entry struct {
	Version int64
	Value   Value
}

// FormatList encodes entries as Better Auth's BETTER_AUTH_SECRETS: "version:value,…". The first entry signs.
func FormatList(entries []Entry) string {
	parts := make([]string, len(entries))
	for i, e := range entries {
		parts[i] = strconv.FormatInt(e.Version, 10) + ":" + string(e.Value)
	}
	return strings.Join(parts, ",")
}

// ParseList decodes BETTER_AUTH_SECRETS by the rules of Better Auth. Values are trimmed and may contain colons. It rejects empty
// items, missing or non-decimal versions, empty values, repeated versions, and values that an environment variable would change.
// Errors contain the position and the version, never a value.
func ParseList(list string) ([]Entry, error) {
	items := strings.Split(list, ",")
	entries := make([]Entry, 0, len(items))
	seen := make(map[int64]bool, len(items))
	for i, item := range items {
		entry, err := parseItem(trim(item))
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		if seen[entry.Version] {
			return nil, fmt.Errorf("entry %d: version %d appears twice", i+1, entry.Version)
		}
		seen[entry.Version] = true
		entries = append(entries, entry)
	}
	return entries, nil
}

func parseItem(item string) (Entry, error) {
	number, value, found := strings.Cut(item, ":")
	if !found {
		return Entry{}, errors.New("is not of the form version:value")
	}
	version, err := ParseVersion(number)
	if err != nil {
		return Entry{}, err
	}
	switch value = trim(value); {
	case value == "":
		return Entry{}, fmt.Errorf("version %d has an empty value", version)
	case !printable(value):
		return Entry{}, fmt.Errorf("version %d has a value that is not text", version)
	}
	return Entry{Version: version, Value: Value(value)}, nil
}

// Portable reports whether a value is the same key in BETTER_AUTH_SECRET and in BETTER_AUTH_SECRETS. Lists are split at commas,
// and their items are trimmed.
func Portable(v Value) bool {
	s := string(v)
	return s != "" && !strings.ContainsAny(s, ",\r\n") && trim(s) == s && printable(s)
}

// printable reports whether JavaScript, environment variables and JSON preserve the bytes of a value.
func printable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// trim removes the same characters as JavaScript's trim. Go counts U+0085 as space and JavaScript does not; for U+FEFF it is the
// reverse.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r == '\uFEFF' || r != '\u0085' && unicode.IsSpace(r) })
}

// ParseVersion reads a key version from a list or from a token's kid header. A version has decimal digits without sign or leading
// zero, from 1 to 2^53-1, which JavaScript reads exactly.
func ParseVersion(s string) (int64, error) {
	version, err := strconv.ParseInt(s, 10, 64)
	if err != nil || version < 1 || version > maxVersion || strconv.FormatInt(version, 10) != s {
		return 0, errors.New("the version is not a positive decimal number")
	}
	return version, nil
}
