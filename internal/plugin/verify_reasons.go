package plugin

import (
	"fmt"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// meaning explains a reason for which the API refuses a token, and says what to do.
func meaning(reason authn.Reason, policy authn.Policy) string {
	switch reason {
	case authn.Lifetime:
		return fmt.Sprintf("it lives longer than %s: issue tokens with a shorter lifetime, or raise spec.auth.tokens.maxLifetime",
			shortDuration(policy.MaxLifetime))
	case authn.Issuer:
		return fmt.Sprintf("its iss is not %q (spec.auth.tokens.issuer): correct the frontend or the spec", policy.Issuer)
	case authn.Audience:
		return fmt.Sprintf("its aud is not %q (spec.auth.tokens.audience): correct the frontend or the spec", policy.Audience)
	default:
		return meanings[reason]
	}
}

// meanings explains the reasons that depend on nothing but the token.
var meanings = map[authn.Reason]string{
	authn.Missing:   "there is no token: the request has no Authorization header with the scheme Bearer",
	authn.Repeated:  "the request has more than one Authorization header: a proxy may add one",
	authn.Oversized: "it has more than 8 KiB: put less into the token",
	authn.Malformed: "it is no JWT of three parts with strict JSON. Better Auth's session token is none either: issue a JWT",
	authn.Algorithm: "its algorithm is not HS256: sign with HS256 and the shared secret",
	authn.Critical:  "its header asks for extensions (crit or b64), which the API does not know: leave them out",
	authn.UnknownKey: "its kid names no key that the backend trusts. It is of a revoked or retired key, or of another app: sign in " +
		"again; if new tokens fail, compare the frontend's environment with its Secret",
	authn.Signature: "its signature was made with another key than its kid says: find out where the frontend reads BETTER_AUTH_SECRET",
	authn.NoExpiry:  "it has no exp: issue tokens that expire",
	authn.Expired:   "it has expired: sign in again. If new tokens are expired, a clock is wrong",
	authn.NotYet:    "its nbf or iat is in the future: the clock of the frontend's node is ahead of the API's",
	authn.Subject:   "it has no sub: the API needs the user's id there",
	authn.Foreign:   "it is valid, and the path of the request names another user than its sub (the answer is 403)",
}
