package keyring_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestCheck(t *testing.T) {
	const good = "q7Xn2-VfLw0_RzK9eYb4TgHs8mUcJd1A" // 32 characters
	cases := map[string]struct {
		value string
		want  string // a part of the error; empty: accepted
	}{
		"32 different characters":      {good, ""},
		"31 characters":                {good[1:], "is too short"},
		"an inner space and colons":    {good[:16] + " : " + good[16:], ""},
		"14 characters repeated":       {"abcdefghijklmnabcdefghijklmnabcd", ""},
		"13 characters repeated":       {"abcdefghijklmabcdefghijklmabcdef", "is too regular"},
		"one character":                {strings.Repeat("a", 64), "is too regular"},
		"few characters, many times":   {strings.Repeat("ab", 60), ""},
		"empty":                        {"", "is empty"},
		"comma":                        {good + ",x", "cannot carry"},
		"trailing newline":             {good + "\n", "cannot carry"},
		"inner carriage return":        {good + "\rx", "cannot carry"},
		"leading space":                {" " + good, "cannot carry"},
		"trailing tab":                 {good + "\t", "cannot carry"},
		"inner tab":                    {good + "\tx", "cannot carry"},
		"NUL":                          {good + "\x00x", "cannot carry"},
		"byte order mark":              {"\uFEFF" + good, "cannot carry"},
		"not UTF-8":                    {good + "\xff", "not UTF-8"},
		"16 emoji, as JavaScript":      {"😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎😏", ""},
		"15 emoji, as JavaScript":      {"😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎", "is too short"},
		"Better Auth's default":        {"better-auth-secret-12345678901234567890", "placeholder"},
		"the example of many guides":   {"your-super-secret-key-here-make-it-long-and-random", "placeholder"},
		"a placeholder in other dress": {"CHANGE_ME_" + good, "placeholder"},
		"jwt.io's":                     {"a-string-secret-at-least-256-bits-long", "placeholder"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := keyring.Check(keyring.Value(c.value))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want an error with %q", err, c.want)
			case err != nil && strings.ContainsAny(strings.ReplaceAll(err.Error(), "UTF-8", ""), "0123456789"):
				t.Errorf("the error says how long or how strong the value is: %v", err)
			case err != nil && c.value != "" && strings.Contains(err.Error(), c.value):
				t.Errorf("the error shows the value: %v", err)
			}
		})
	}
}

func FuzzCheckAcceptsWhatIsMinted(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuv"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		random := spread(seed)
		if err := keyring.Check(keyring.Mint(random)); err != nil {
			t.Errorf("a minted key %v", err)
		}
	})
}

// spread makes 32 bytes of a seed as random bytes would be: a seed of equal bytes is no key that is ever minted.
func spread(seed []byte) [32]byte {
	return sha256.Sum256(seed)
}
