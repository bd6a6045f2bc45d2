package authn

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// BenchmarkAuthenticate compares the whole step, from the header to verified claims, with golang-jwt's bare parse of
// registered claims, and with the MAC that it contains; and the step where the token was verified before.
func BenchmarkAuthenticate(b *testing.B) {
	keys, raw := trusted(b), good()
	header := []string{"Bearer " + raw}
	b.Run("authenticate", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			keys.tokens.Purge()
			if _, err := Authenticate(header, keys, policy, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Authenticate(header, keys, policy, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("golang-jwt", func(b *testing.B) {
		b.ReportAllocs()
		secret := func(*jwt.Token) (any, error) { return []byte(active), nil }
		parser := jwt.NewParser(jwt.WithTimeFunc(func() time.Time { return now }))
		for b.Loop() {
			if _, err := parser.ParseWithClaims(raw, &jwt.RegisteredClaims{}, secret); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("mac", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = keys.keys[0].signed(raw, nil)
		}
	})
}
