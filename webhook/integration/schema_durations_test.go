package integration_test

import "fmt"

func init() {
	const tenYears = "must be at most 87600h (ten years)"
	for field, bounds := range map[string][]struct{ refused, message, allowed string }{
		`auth: {rotation: {interval: %s}}`: {
			{"59m59s", "must be 0s (never) or at least 1h", "1h"}, {"-1h", "must be 0s (never) or at least 1h", "0s"},
			{"87600h1s", tenYears, "87600h"}, {"monthly", "must be a Go duration such as 720h", "720h"},
			{"30d", "must be a Go duration such as 720h", "1.5h30m"},
		},
		`auth: {tokens: {maxLifetime: %s}}`: {
			{"59s", "must be between 1m and 8760h", "1m"}, {"8760h1s", "must be between 1m and 8760h", "8760h"},
		},
		`auth: {tokens: {leeway: %s}}`: {
			{"-1s", "must be between 0s and 10m", "0s"}, {"10m1s", "must be between 0s and 10m", "10m"},
		},
		`frontend: {sessionLifetime: %s}`: {{"-1s", "must not be negative", "0s"}, {"87600h1s", tenYears, "87600h"}},
		`frontend: {handoverPeriod: %s}`:  {{"-1s", "must not be negative", "0s"}, {"87600h1s", tenYears, "87600h"}},
	} {
		for _, b := range bounds {
			refused := fmt.Sprintf(field, b.refused)
			schemaCases[refused] = schemaCase{refused: refused, message: b.message, allowed: fmt.Sprintf(field, b.allowed)}
		}
	}
}
