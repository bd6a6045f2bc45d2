// Package authn decides who sent a request: it turns the Authorization header into the verified subject of an HS256
// token, or into a refusal that says why.
//
// Authenticate is a pure function of the header, the trusted keys, the policy and the clock. Its steps stand in the
// order of the contract: scheme, size, algorithm, key, signature, times, issuer, audience, subject.
package authn
