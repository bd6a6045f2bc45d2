// Package authn decides who sent a request: it turns the Authorization header into the verified subject of an HS256
// token, or into a refusal with its reason.
//
// Authenticate depends only on the header, the trusted keys, the policy and the clock. It checks in the order of the
// contract: scheme, size, algorithm, key, signature, times, issuer, audience, subject. golang-jwt parses and verifies.
package authn
