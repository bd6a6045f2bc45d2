package main

import (
	"cmp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// match is the rule and the path that a request matches.
type match struct {
	namespace string
	host      string
	path      networkingv1.HTTPIngressPath
}

// route returns the rule for a host and a path, and whether there is one. It prefers the most specific host, then the
// longest path, then an exact path. It treats the path type ImplementationSpecific as a prefix.
func route(ingresses []networkingv1.Ingress, host, path string) (match, bool) {
	var matches []match
	for _, ingress := range ingresses {
		for _, rule := range ingress.Spec.Rules {
			if rule.HTTP == nil || !hostMatches(rule.Host, host) {
				continue
			}
			for _, p := range rule.HTTP.Paths {
				if p.Backend.Service != nil && pathMatches(p, path) {
					matches = append(matches, match{ingress.Namespace, rule.Host, p})
				}
			}
		}
	}
	if len(matches) == 0 {
		return match{}, false
	}
	return slices.MaxFunc(matches, func(a, b match) int {
		return cmp.Or(
			cmp.Compare(specificity(a.host), specificity(b.host)),
			cmp.Compare(len(elements(a.path.Path)), len(elements(b.path.Path))),
			cmp.Compare(exactness(a.path), exactness(b.path)),
		)
	}), true
}

// hostMatches reports whether a rule's host matches. In *.example.com the asterisk matches exactly one label.
func hostMatches(pattern, host string) bool {
	domain, wild := strings.CutPrefix(pattern, "*.")
	if !wild {
		return pattern == "" || strings.EqualFold(pattern, host)
	}
	_, rest, _ := strings.Cut(host, ".")
	return strings.EqualFold(domain, rest)
}

// pathMatches reports whether a rule's path matches. Prefixes consist of whole elements: /api is a prefix of /api/x,
// but not of /apix.
func pathMatches(p networkingv1.HTTPIngressPath, path string) bool {
	if exactness(p) == 1 {
		return p.Path == path
	}
	rest, begins := strings.CutPrefix(path, elements(p.Path))
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

func exactness(p networkingv1.HTTPIngressPath) int {
	if p.PathType != nil && *p.PathType == networkingv1.PathTypeExact {
		return 1
	}
	return 0
}
