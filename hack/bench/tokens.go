package main

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// reportTokens compares the authentication step, for new and for remembered tokens, with golang-jwt's own parse of
// registered claims. The three take turns of one token, and medians count.
func reportTokens() error {
	keys, err := authn.NewKeys([]keyring.Entry{{Version: 2, Value: secret}, {Version: 1, Value: "older-" + secret}})
	if err != nil {
		return fmt.Errorf("making keys: %w", err)
	}
	policy := authn.Policy{Issuer: issuer, Audience: audience, MaxLifetime: 168 * time.Hour, Leeway: 30 * time.Second}
	parser := jwt.NewParser()
	var first, again, theirs []float64
	for i := range 20_000 {
		raw := tokenOf(fmt.Sprintf("user_%06d", i))
		header, now := []string{"Bearer " + raw}, time.Now()
		authenticate := func() error { _, err := authn.Authenticate(header, keys, policy, now); return err }
		parse := func() error {
			_, err := parser.ParseWithClaims(raw, &jwt.RegisteredClaims{}, func(*jwt.Token) (any, error) { return []byte(secret), nil })
			return err
		}
		for _, step := range []struct {
			run  func() error
			took *[]float64
		}{{authenticate, &first}, {authenticate, &again}, {parse, &theirs}} {
			begin := time.Now()
			if err := step.run(); err != nil {
				return fmt.Errorf("verifying a token: %w", err)
			}
			*step.took = append(*step.took, float64(time.Since(begin).Nanoseconds()))
		}
	}
	fmt.Printf("token, first sight: %.1f µs, to golang-jwt's parse %.2f; remembered: %.2f µs; golang-jwt's parse: %.1f µs\n",
		median(first)/1e3, median(first)/median(theirs), median(again)/1e3, median(theirs)/1e3)
	return nil
}
