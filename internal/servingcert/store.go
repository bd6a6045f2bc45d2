package servingcert

import (
	"bytes"
	"slices"
	"time"
)

// pairs are at most two, the newest first: the one before stays trusted until it expires, so that whoever still serves
// it is believed.
type pairs []pair

// prefixes of a Secret's entries, by the place of a pair.
var prefixes = []string{"", "previous-"}

// load reads the pairs of a Secret that are good for a server of the given names. What cannot be read, or is for another
// server or another time, is as good as missing: it is made anew.
func load(data map[string][]byte, names []string, now time.Time) pairs {
	var ps pairs
	for _, prefix := range prefixes {
		p, err := parse(data[prefix+"ca.crt"], data[prefix+"tls.crt"], data[prefix+"tls.key"])
		if err == nil && p.goodFor(names, now) {
			ps = append(ps, p)
		}
	}
	return ps
}

// data is the content of the Secret that load reads.
func (ps pairs) data() map[string][]byte {
	data := map[string][]byte{}
	for i, p := range ps {
		data[prefixes[i]+"ca.crt"], data[prefixes[i]+"tls.crt"], data[prefixes[i]+"tls.key"] = p.authority, p.certificate, p.key
	}
	return data
}

func (ps pairs) equal(o pairs) bool { return slices.EqualFunc(ps, o, pair.equal) }

// bundle is every authority to be trusted, as PEM.
func (ps pairs) bundle() []byte {
	var all [][]byte
	for _, p := range ps {
		all = append(all, p.authority)
	}
	return slices.Concat(all...)
}

// due reports whether the newest pair has a third of its lifetime left, or there is none.
func (ps pairs) due(now time.Time, lifetime time.Duration) bool {
	return len(ps) == 0 || ps[0].notAfter.Sub(now) < lifetime/3
}

// with puts a new pair first.
func (ps pairs) with(p pair) pairs {
	next := append(pairs{p}, ps...)
	return next[:min(len(next), len(prefixes))]
}

// choose picks the pair to serve: the newest that the API server is known to believe. While that is known of none, the
// oldest that lasts long enough to find out: it has been believed for the longest time.
func (ps pairs) choose(believed func(pair) bool, until time.Time) pair {
	if i := slices.IndexFunc(ps, believed); i >= 0 {
		return ps[i]
	}
	if oldest := ps[len(ps)-1]; until.Before(oldest.notAfter) {
		return oldest
	}
	return ps[0]
}

// in reports whether a bundle contains the pair's authority.
func (p pair) in(bundle []byte) bool { return bytes.Contains(bundle, bytes.TrimSpace(p.authority)) }
