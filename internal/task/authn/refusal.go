package authn

// Reason says why a token was refused. It is for the operator's audit log and metrics, never for the client.
type Reason string

// The reasons, in the order in which they are found.
const (
	Missing    Reason = "missing"     // no bearer token at all
	Repeated   Reason = "repeated"    // more than one Authorization header
	Oversized  Reason = "oversized"   // over 8 KiB
	Malformed  Reason = "malformed"   // not a compact JWS of two strict JSON objects
	Algorithm  Reason = "algorithm"   // anything but HS256
	Critical   Reason = "critical"    // asks for extensions
	UnknownKey Reason = "unknown_key" // kid is not a trusted version
	Signature  Reason = "signature"
	NoExpiry   Reason = "no_expiry"
	Expired    Reason = "expired"
	NotYet     Reason = "not_yet" // nbf or iat is in the future
	Lifetime   Reason = "lifetime"
	Issuer     Reason = "issuer"
	Audience   Reason = "audience"
	Subject    Reason = "subject"
	// Foreign is the reason of a 403: the token is valid, but the request is for another subject's tasks.
	Foreign Reason = "foreign"
)

// Reasons lists all of them.
func Reasons() []Reason {
	return []Reason{
		Missing, Repeated, Oversized, Malformed, Algorithm, Critical, UnknownKey, Signature,
		NoExpiry, Expired, NotYet, Lifetime, Issuer, Audience, Subject, Foreign,
	}
}

// Refusal is the error of Authenticate.
type Refusal struct {
	Reason Reason
	// KeyVersion is the version of the key that verified the signature, or 0.
	KeyVersion int64
	// Subject is the subject of the token, if its signature was verified.
	Subject string
}

// Error returns the reason. It contains nothing of the token.
func (r *Refusal) Error() string { return "token refused: " + string(r.Reason) }

// Answer returns the text for the client: one of three constants.
func (r *Refusal) Answer() string {
	switch r.Reason {
	case Missing, Repeated:
		return "missing token"
	case Expired:
		return "token expired"
	default:
		return "invalid token"
	}
}

// Presented reports whether the request carried a token. RFC 6750 names an error code only then.
func (r *Refusal) Presented() bool { return r.Reason != Missing && r.Reason != Repeated }
