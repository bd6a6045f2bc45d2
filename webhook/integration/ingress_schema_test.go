package integration_test

import "strings"

func init() {
	for name, c := range map[string]schemaCase{
		"without a host": {
			refused: `ingress: {className: nginx}`, message: "spec.ingress.host: Required value",
			allowed: `ingress: {host: todo.example.com}`,
		},
		"an address for a host": {
			refused: `ingress: {host: 192.0.2.1}`, message: "must be a DNS name in lower case",
			allowed: `ingress: {host: 192-0-2-1.example.com}`,
		},
		"an address with zeros for a host": {
			refused: `ingress: {host: 192.0.02.01}`, message: "must be a DNS name in lower case",
			allowed: `ingress: {host: 192.0.2.1.example.com}`,
		},
		"a wildcard for a host": {
			refused: `ingress: {host: "*.example.com"}`, message: "must be a DNS name in lower case",
			allowed: `ingress: {host: any.example.com}`,
		},
		"a port with the host": {
			refused: `ingress: {host: "todo.example.com:8080"}`, message: "must be a DNS name in lower case",
			allowed: `ingress: {host: localhost}`,
		},
		"capitals in the host": {
			refused: `ingress: {host: Todo.example.com}`, message: "must be a DNS name in lower case",
			allowed: `ingress: {host: t.o-d.o}`,
		},
		"no IngressClass's name": {
			refused: `ingress: {host: a.b, className: NGINX}`, message: "must be an IngressClass's name",
			allowed: `ingress: {host: a.b, className: nginx.internal}`,
		},
		"an annotation of the operator's": {
			refused: `ingress: {host: a.b, annotations: {todoapp.dev/x: one}}`, message: "todoapp.dev/* annotations are the operator's",
			allowed: `ingress: {host: a.b, annotations: {cert-manager.io/cluster-issuer: letsencrypt}}`,
		},
		"no Secret's name for the certificate": {
			refused: `ingress: {host: a.b, tlsSecretName: a/b}`, message: "must be a Secret's name",
			allowed: `ingress: {host: a.b, tlsSecretName: a.b}`,
		},
		"the certificate in the keyring": {
			refused: `ingress: {host: a.b, tlsSecretName: schema-keyring}`,
			message: "spec.ingress.tlsSecretName must name a Secret of its own",
			allowed: `ingress: {host: a.b, tlsSecretName: schema-tls}`,
		},
		"the certificate in the frontend's Secret": {
			refused: `{frontend: {secretRef: {name: web}}, ingress: {host: a.b, tlsSecretName: web}}`,
			message: "spec.ingress.tlsSecretName must name a Secret of its own",
			allowed: `{frontend: {secretRef: {name: web}}, ingress: {host: a.b, tlsSecretName: schema-frontend-auth}}`,
		},
		"a path of the frontend's outside /api": {
			refused: `ingress: {host: a.b, frontendPaths: [/app]}`, message: "spec.ingress.frontendPaths[0]",
			allowed: `ingress: {host: a.b, frontendPaths: [/api/app]}`,
		},
		"all of /api for the frontend": {
			refused: `ingress: {host: a.b, frontendPaths: [/api/]}`, message: "spec.ingress.frontendPaths[0]",
			allowed: `ingress: {host: a.b, frontendPaths: []}`,
		},
		"a path twice": {
			refused: `ingress: {host: a.b, frontendPaths: [/api/a, /api/a]}`, message: "Duplicate value",
			allowed: `ingress: {host: a.b, frontendPaths: [/api/a, /api/a/b]}`,
		},
		"too many paths": {
			refused: `ingress: {host: a.b, frontendPaths: [` + strings.Repeat("/api/x,", 20) + `/api/y]}`,
			message: "must have at most 20 items",
			allowed: `ingress: {host: a.b, frontendPaths: [/api/x]}`,
		},
	} {
		schemaCases["ingress: "+name] = c
	}
}
