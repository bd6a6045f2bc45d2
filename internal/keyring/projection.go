package keyring

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The entries of the frontend's and the backend's Secret. If Better Auth has a name for one, it is used.
const (
	// EntrySecret is the active key.
	EntrySecret = "BETTER_AUTH_SECRET" //nolint:gosec // a name
	// EntrySecrets is a list of keys. The first one signs.
	EntrySecrets = "BETTER_AUTH_SECRETS" //nolint:gosec // a name
	// EntryKeyVersion is the active version, for the kid header of tokens.
	EntryKeyVersion = "BETTER_AUTH_KEY_VERSION"
	// EntryCookieVersions lists the versions whose session cookies may be carried over.
	EntryCookieVersions = "BETTER_AUTH_COOKIE_VERSIONS"
	// EntryLegacySecret is the value that was in use before there was a list. Only adopted installations have it.
	EntryLegacySecret = "BETTER_AUTH_LEGACY_SECRET" //nolint:gosec // a name
)

// Entries returns the names of all entries that the operator writes or removes.
func Entries() []string {
	return []string{EntrySecret, EntrySecrets, EntryKeyVersion, EntryCookieVersions, EntryLegacySecret}
}

// Projection is the part of a ring that one component receives.
type Projection struct {
	// Data is the content of the component's Secret.
	Data map[string]string
	// Versions lists the versions of BETTER_AUTH_SECRETS in its order, so the first one signs. A revoked key that is kept for
	// decryption has a minus sign: a pod that loaded it before the revocation must restart.
	Versions []int64
	// RevokedBefore is the last moment of revocation that has been carried out; zero for none. A ring that is rebuilt from the
	// Secret would otherwise not know.
	RevokedBefore time.Time
}

// Frontend returns the projection for the component that signs. It is empty for a ring without keys.
func (r Ring) Frontend(now time.Time, p Policy) Projection {
	active, ok := r.Active()
	if !ok {
		return Projection{}
	}
	keys := r.inState(now, p.Validity(), Active, Published, Retiring, Archived)
	for _, k := range r.inState(now, p.Validity(), Revoked) {
		// A key that never signed has never encrypted anything either.
		if p.KeepRevoked && !k.PromotedAt.IsZero() {
			keys = append(keys, k)
		}
	}
	projection := project(keys)
	projection.RevokedBefore = r.revokedBefore(now, p)
	projection.Data[EntryKeyVersion] = strconv.FormatInt(active.Version, 10)
	projection.Data[EntryCookieVersions] = FormatVersions(r.cookieVersions(now, p.SessionLifetime))
	for _, k := range keys {
		if k.Adopted {
			projection.Data[EntryLegacySecret] = string(k.Value)
		}
	}
	return projection
}

// Backend returns the projection for the component that verifies. It is empty for a ring without keys.
func (r Ring) Backend(now time.Time, p Policy) Projection {
	if r.Empty() {
		return Projection{}
	}
	projection := project(r.Trusted(now, p.Validity()))
	projection.RevokedBefore = r.revokedBefore(now, p)
	return projection
}

// project returns the projection of keys, of which the first is the active one.
func project(keys []Key) Projection {
	entries := make([]Entry, len(keys))
	versions := make([]int64, len(keys))
	for i, k := range keys {
		entries[i], versions[i] = Entry{k.Version, k.Value}, k.Version
		if !k.RevokedAt.IsZero() {
			versions[i] = -k.Version
		}
	}
	return Projection{
		Data:     map[string]string{EntrySecret: string(keys[0].Value), EntrySecrets: FormatList(entries)},
		Versions: versions,
	}
}

// Covers reports whether the ring holds every key of a Secret, so that overwriting the Secret loses none.
func (r Ring) Covers(data map[string][]byte) bool {
	if value := Value(data[EntrySecret]); value != "" && !r.holds(value) {
		return false
	}
	list := string(data[EntrySecrets])
	if list == "" {
		return true
	}
	entries, err := ParseList(list)
	return err == nil && !slices.ContainsFunc(entries, func(e Entry) bool { return !r.holds(e.Value) })
}

// cookieVersions returns the versions whose session cookies are accepted: keys that are not revoked and that sign, will sign, or
// signed less than a session's lifetime ago.
func (r Ring) cookieVersions(now time.Time, lifetime time.Duration) []int64 {
	var versions []int64
	for _, k := range slices.Backward(r.Keys) {
		if k.RevokedAt.IsZero() && (k.DemotedAt.IsZero() || now.Before(k.DemotedAt.Add(lifetime))) {
			versions = append(versions, k.Version)
		}
	}
	return versions
}

// FormatVersions encodes versions for annotations and environment variables: "2,1", or "2,-1" if 1 is revoked and kept for
// decryption.
func FormatVersions(versions []int64) string {
	parts := make([]string, len(versions))
	for i, v := range versions {
		parts[i] = strconv.FormatInt(v, 10)
	}
	return strings.Join(parts, ",")
}

// ParseVersions decodes the output of FormatVersions. Anything else is an error.
func ParseVersions(s string) ([]int64, error) {
	var versions []int64
	for part := range strings.SplitSeq(s, ",") {
		digits, revoked := strings.CutPrefix(part, "-")
		version, err := ParseVersion(digits)
		if err != nil {
			return nil, err
		}
		if revoked {
			version = -version
		}
		versions = append(versions, version)
	}
	return versions, nil
}
