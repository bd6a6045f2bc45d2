package keyring_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestParseList(t *testing.T) {
	entries := func(e ...keyring.Entry) []keyring.Entry { return e }
	const notANumber = "the version is not a positive decimal number"
	tests := map[string]struct {
		list string
		want []keyring.Entry
		err  string
	}{
		"one":                          {list: "1:a", want: entries(keyring.Entry{1, "a"})},
		"the first signs, any number":  {list: "1:a,2:b", want: entries(keyring.Entry{1, "a"}, keyring.Entry{2, "b"})},
		"falling":                      {list: "2:b,1:a", want: entries(keyring.Entry{2, "b"}, keyring.Entry{1, "a"})},
		"a value with colons":          {list: "1:a:b:", want: entries(keyring.Entry{1, "a:b:"})},
		"trimmed":                      {list: " 1: a \n, 2:b\n", want: entries(keyring.Entry{1, "a"}, keyring.Entry{2, "b"})},
		"trimmed as JavaScript does":   {list: "1:\uFEFFa\uFEFF", want: entries(keyring.Entry{1, "a"})},
		"not what JavaScript keeps":    {list: "1:a\u0085", want: entries(keyring.Entry{1, "a\u0085"})},
		"base64":                       {list: "1:a+/=", want: entries(keyring.Entry{1, "a+/="})},
		"the same value twice":         {list: "1:a,2:a", want: entries(keyring.Entry{1, "a"}, keyring.Entry{2, "a"})},
		"the largest version":          {list: "9007199254740991:a", want: entries(keyring.Entry{1<<53 - 1, "a"})},
		"empty":                        {list: "", err: "entry 1: is not of the form version:value"},
		"a trailing comma":             {list: "1:" + sentinel + ",", err: "entry 2: is not of the form version:value"},
		"a comma in a value":           {list: "1:a," + sentinel, err: "entry 2: is not of the form version:value"},
		"a comma and a colon in it":    {list: "1:a," + sentinel + ":b", err: "entry 2: " + notANumber},
		"no version":                   {list: sentinel, err: "entry 1: is not of the form version:value"},
		"an empty version":             {list: ":" + sentinel, err: "entry 1: " + notANumber},
		"a version that is no number":  {list: sentinel + ":a", err: "entry 1: " + notANumber},
		"version 0":                    {list: "0:" + sentinel, err: "entry 1: " + notANumber},
		"a signed version":             {list: "+1:" + sentinel, err: "entry 1: " + notANumber},
		"a negative version":           {list: "-1:" + sentinel, err: "entry 1: " + notANumber},
		"a leading zero":               {list: "01:" + sentinel, err: "entry 1: " + notANumber},
		"a version too large":          {list: "9007199254740992:" + sentinel, err: "entry 1: " + notANumber},
		"an empty value":               {list: "1: ", err: "entry 1: version 1 has an empty value"},
		"a version twice":              {list: "1:" + sentinel + ",1:b", err: "entry 2: version 1 appears twice"},
		"a value that is not UTF-8":    {list: "1:" + sentinel + "\xff", err: "entry 1: version 1 has a value that is not text"},
		"a value no variable can hold": {list: "1:" + sentinel + "\x00b", err: "entry 1: version 1 has a value that is not text"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := keyring.ParseList(test.list)
			if !slices.Equal(got, test.want) {
				t.Errorf("got %d entries, want %d, or others", len(got), len(test.want))
			}
			if text := errorText(err); text != test.err {
				t.Errorf("error %q, want %q", text, test.err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFormatList(t *testing.T) {
	got := keyring.FormatList([]keyring.Entry{{2, "b"}, {10, "c:d"}, {1, "a"}})
	if want := "2:b,10:c:d,1:a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string][]int64{"1": {1}, "2,1": {2, 1}, "2,3,1": {2, 3, 1}, "12,-3,-1": {12, -3, -1}} {
		got, err := keyring.ParseVersions(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("ParseVersions(%q) = %v, %v, want %v", text, got, err, want)
		}
		if back := keyring.FormatVersions(want); back != text {
			t.Errorf("FormatVersions(%v) = %q, want %q", want, back, text)
		}
	}
	for _, junk := range []string{"", ",", "1,", "0", "-0", "--1", "-", "+1", "01", "1, 2", "a", "1;2", "9007199254740992"} {
		if got, err := keyring.ParseVersions(junk); err == nil {
			t.Errorf("ParseVersions(%q) = %v, want an error", junk, got)
		}
	}
}

func TestPortable(t *testing.T) {
	for value, want := range map[keyring.Value]bool{
		"a": true, "a:b": true, "a b": true, "ü": true, "+/=": true, "": false, "a,b": false, "a\n": false, "a\nb": false,
		" a": false, "a ": false, "a\u00a0": false, "\uFEFFa": false, "a\xff": false, "a\x00b": false,
	} {
		if got := keyring.Portable(value); got != want {
			t.Errorf("Portable(%q) = %t, want %t", string(value), got, want)
		}
		list, err := keyring.ParseList("1:" + string(value))
		kept := err == nil && len(list) == 1 && list[0].Value == value
		if want && !kept {
			t.Errorf("%q does not come back from a list", string(value))
		}
	}
}

// TestValueIsRedacted prints a secret in every way that a program may print it, except with %p and %w, which vet rejects for
// anything but a pointer and an error.
func TestValueIsRedacted(t *testing.T) {
	secret := keyring.Value(sentinel)
	key := keyring.Key{Version: 1, Value: secret}
	shown := map[string]any{
		"value": secret, "pointer": &secret, "key": key, "entry": keyring.Entry{1, secret}, "slice": []keyring.Value{secret},
		"map": map[string]keyring.Value{"a": secret}, "ring": keyring.Ring{Keys: []keyring.Key{key}},
		"step": keyring.Step{Ring: keyring.Ring{Keys: []keyring.Key{key}}}, "inputs": keyring.Inputs{Source: secret},
	}
	for name, operand := range shown {
		for _, verb := range "vTtbcdoOqxXUeEfFgGs" {
			for _, flag := range []string{"", "+", "#", "-20", "020", ".3", " "} {
				show(t, name, fmt.Sprintf("%"+flag+string(verb), operand))
			}
		}
		show(t, name, fmt.Sprint(operand), fmt.Sprintln(operand), errors.Join(fmt.Errorf("wrapped: %v", operand)).Error())
		if encoded, err := json.Marshal(withoutFunctions(operand)); err == nil {
			show(t, name, string(encoded))
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "operand", operand)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "operand", operand)
		show(t, name, log.String())
	}
	if string(secret) != sentinel {
		t.Error("string(v) is not the secret")
	}
}

func withoutFunctions(operand any) any {
	if in, ok := operand.(keyring.Inputs); ok {
		return in.Source
	}
	return operand
}

func show(t *testing.T, name string, shown ...string) {
	t.Helper()
	for _, text := range shown {
		// The hexadecimal form of %x must not appear either.
		if strings.Contains(text, sentinel) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", sentinel)) {
			t.Errorf("%s shows the secret: %s", name, text)
		}
	}
}

func TestMint(t *testing.T) {
	var random [32]byte
	for i := range random {
		random[i] = byte(255 - i)
	}
	if value := keyring.Generate(random); len(value) != 43 || !keyring.Portable(value) {
		t.Errorf("a generated key has %d characters, want 43 portable ones", len(value))
	}
}

func FuzzParseList(f *testing.F) {
	for _, seed := range []string{"1:a", "2:b,1:a", " 1: a:b ,2:c", "1:,", "0:a", "1:a,1:b", "1:\uFEFF", "1:\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		entries, err := keyring.ParseList(list)
		if err != nil {
			return
		}
		again, err := keyring.ParseList(keyring.FormatList(entries))
		if err != nil || !slices.Equal(again, entries) {
			t.Fatalf("%q does not come back as it was: %v", list, err)
		}
		for _, e := range entries {
			if e.Version < 1 || e.Value == "" || !utf8.ValidString(string(e.Value)) {
				t.Fatalf("%q has an impossible entry of version %d", list, e.Version)
			}
		}
	})
}
