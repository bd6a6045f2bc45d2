package authn

import (
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// BenchmarkFirstSight reports what the whole step costs for a token that was not seen before, from the header to verified
// claims, as a ratio to golang-jwt's own parse of registered claims. The two take turns of one token, and medians count,
// so that other load on the machine hits both.
func BenchmarkFirstSight(b *testing.B) {
	keys, raw := trusted(b), good()
	header := []string{"Bearer " + raw}
	secret := func(*jwt.Token) (any, error) { return []byte(active), nil }
	parser := jwt.NewParser(jwt.WithTimeFunc(func() time.Time { return now }))
	var ours, theirs []time.Duration
	for b.Loop() {
		keys.tokens.Purge()
		begin := time.Now()
		_, err := Authenticate(header, keys, policy, now)
		middle := time.Now()
		_, errTheirs := parser.ParseWithClaims(raw, &jwt.RegisteredClaims{}, secret)
		end := time.Now()
		if err != nil || errTheirs != nil {
			b.Fatal(err, errTheirs)
		}
		ours, theirs = append(ours, middle.Sub(begin)), append(theirs, end.Sub(middle))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	median, medianTheirs := ours[len(ours)/2], theirs[len(theirs)/2]
	b.ReportMetric(float64(median.Nanoseconds()), "ns/token")
	b.ReportMetric(float64(medianTheirs.Nanoseconds()), "ns/golang-jwt")
	b.ReportMetric(float64(median)/float64(medianTheirs), "ratio")
}

// BenchmarkRemembered measures the step for a token that was accepted before.
func BenchmarkRemembered(b *testing.B) {
	keys, header := trusted(b), []string{"Bearer " + good()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Authenticate(header, keys, policy, now); err != nil {
			b.Fatal(err)
		}
	}
}
