package servingcert

import (
	"bytes"
	"slices"
	"time"
)

// keyPairs holds at most two key pairs, the newest first. The older one stays trusted until it expires, because a replica may
// still serve it.
type keyPairs []keyPair

// prefixes are those of the Secret's entries, by the index of the key pair.
var prefixes = []string{"", "previous-"}

// load returns the key pairs of a Secret that are valid now for a server of the given names. Others are left out, and
// generated anew.
func load(data map[string][]byte, names []string, now time.Time) keyPairs {
	var ps keyPairs
	for _, prefix := range prefixes {
		p, err := parse(data[prefix+"ca.crt"], data[prefix+"tls.crt"], data[prefix+"tls.key"])
		if err == nil && p.goodFor(names, now) {
			ps = append(ps, p)
		}
	}
	return ps
}

// bundleEntry holds the authorities of all key pairs, for clients other than the API server: a replica may serve the older pair.
const bundleEntry = "bundle.crt"

// data returns the content of the Secret, which load decodes.
func (ps keyPairs) data() map[string][]byte {
	data := map[string][]byte{bundleEntry: ps.bundle()}
	for i, p := range ps {
		data[prefixes[i]+"ca.crt"], data[prefixes[i]+"tls.crt"], data[prefixes[i]+"tls.key"] = p.authority, p.certificate, p.key
	}
	return data
}

func (ps keyPairs) equal(o keyPairs) bool { return slices.EqualFunc(ps, o, keyPair.equal) }

// bundle returns the authorities that API servers must trust, as PEM.
func (ps keyPairs) bundle() []byte {
	var all [][]byte
	for _, p := range ps {
		all = append(all, p.authority)
	}
	return slices.Concat(all...)
}

// due reports whether a key pair must be generated: there is none, or less than a third of its lifetime is left.
func (ps keyPairs) due(now time.Time, lifetime time.Duration) bool {
	return len(ps) == 0 || ps[0].notAfter.Sub(now) < lifetime/3
}

// with returns the key pairs with a new one in front.
func (ps keyPairs) with(p keyPair) keyPairs {
	next := append(keyPairs{p}, ps...)
	return next[:min(len(next), len(prefixes))]
}

// choose returns the key pair to serve: the newest that API servers are known to trust. If no key pair is known to be
// trusted, it returns the oldest, which has been in the configuration for the longest time, unless that expires too soon.
func (ps keyPairs) choose(trusted func(keyPair) bool, until time.Time) keyPair {
	if i := slices.IndexFunc(ps, trusted); i >= 0 {
		return ps[i]
	}
	if oldest := ps[len(ps)-1]; until.Before(oldest.notAfter) {
		return oldest
	}
	return ps[0]
}

// in reports whether a bundle contains the authority of the key pair.
func (p keyPair) in(bundle []byte) bool { return bytes.Contains(bundle, bytes.TrimSpace(p.authority)) }
