package main

import (
	"cmp"
	"slices"
	"strings"
)

// rule sends requests for a host and a path to a port of a Service.
type rule struct {
	// host is the host, or *. and a domain. An empty host matches every host.
	host string
	// anyDepth says that the asterisk of a host matches several labels.
	anyDepth bool
	path     string
	exact    bool
	backend  backend
}

// backend is a port of a Service, by name or by number.
type backend struct {
	namespace, service, portName string
	port                         int32
}

// choose returns the rule for a host and a path, and whether there is one. It prefers the most specific host, then an exact path,
// then the longest path.
func choose(rules []rule, host, path string) (rule, bool) {
	var matches []rule
	for _, r := range rules {
		if r.matchesHost(host) && r.matchesPath(path) {
			matches = append(matches, r)
		}
	}
	if len(matches) == 0 {
		return rule{}, false
	}
	return slices.MaxFunc(matches, func(a, b rule) int {
		return cmp.Or(
			cmp.Compare(specificity(a.host), specificity(b.host)),
			cmp.Compare(len(a.host), len(b.host)),
			cmp.Compare(exactness(a), exactness(b)),
			cmp.Compare(len(elements(a.path)), len(elements(b.path))),
		)
	}), true
}

// matchesHost reports whether a rule is for a host.
func (r rule) matchesHost(host string) bool {
	domain, wild := strings.CutPrefix(r.host, "*.")
	if !wild {
		return r.host == "" || strings.EqualFold(r.host, host)
	}
	label, rest, _ := strings.Cut(host, ".")
	for r.anyDepth && len(rest) > len(domain) {
		label, rest, _ = strings.Cut(rest, ".")
	}
	return label != "" && strings.EqualFold(domain, rest)
}

// matchesPath reports whether a rule is for a path. Prefixes consist of whole elements: /api is a prefix of /api/x, but not of
// /apix.
func (r rule) matchesPath(path string) bool {
	if r.exact {
		return r.path == path
	}
	rest, begins := strings.CutPrefix(path, elements(r.path))
	return begins && (rest == "" || rest[0] == '/')
}

// elements returns a path without its trailing slash, which does not count in a prefix.
func elements(path string) string { return strings.TrimSuffix(path, "/") }

func specificity(host string) int {
	switch {
	case host == "":
		return 0
	case strings.HasPrefix(host, "*."):
		return 1
	default:
		return 2
	}
}

func exactness(r rule) int {
	if r.exact {
		return 1
	}
	return 0
}
