package origin_test

import (
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/origin"
)

func TestCheck(t *testing.T) {
	const formless = "is not of the form https://host[:port], with the host in ASCII, or *"
	for o, says := range map[string]string{
		"*": "", "https://a.example": "", "http://localhost:3000": "", "https://[::1]:8": "", "http://10.0.0.1": "", "http://a_b": "",
		"https://a.example:80": "", "http://a.example:443": "",
		"": formless, "null": formless, "a.example": formless, "ftp://a": formless, "https://": formless,
		"https://a.example:abc": formless, "https://a.example:0": formless, "https://a b.example": formless,
		"https://bücher.example": formless, "https://a..example": formless,
		"https://*.example":      "* stands for every origin and cannot be a part of one: name each host",
		"https://a.example/":     "write https://a.example",
		"https://a.example/x?y":  "write https://a.example",
		"https://a.example?x":    "write https://a.example",
		"https://a.example:":     "write https://a.example",
		"https://u@a.example":    "write https://a.example",
		"HTTPS://a.example":      "write https://a.example",
		"https://A.example:8443": "write https://a.example:8443",
		"https://a.example:443":  "write https://a.example",
		"http://[::1]:80":        "write http://[::1]",
	} {
		err := origin.Check(o)
		if (err == nil) != (says == "") || err != nil && !strings.HasSuffix(err.Error(), says) {
			t.Errorf("%q: %v, want %q", o, err, says)
		}
	}
}

// TestOf: what is returned is valid, and the origin of itself.
func TestOf(t *testing.T) {
	for address, want := range map[string]string{
		"https://a.example/path": "https://a.example", "HTTP://A.example:80": "http://a.example", "https://bücher.example": "",
		"https://a.example:443": "https://a.example", "ftp://a.example": "", ":": "", "": "", "*": "",
		"https://[::1]:8": "https://[::1]:8",
	} {
		got := origin.Of(address)
		if got != want || got != "" && (!origin.Valid(got) || origin.Of(got) != got) {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
