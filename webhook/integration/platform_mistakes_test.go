package integration_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// mistake is a TodoApp of a platform team with a mistake, and the line of kubectl's output that says what to do.
type mistake struct{ annotations, spec, says string }

// database is a storage that lets a backend have several pods.
const database = `storage: {postgres: {urlSecretRef: {name: db, key: url}}}`

var platformMistakes = map[string]mistake{
	"unknown-port": {"", `{frontend: {probes: {readiness: {path: /readyz, port: metrics}}}}`,
		`spec.frontend.probes.readiness: Invalid value: the container has one named port, http: set port to http or to a number`},
	"relative-path": {"", `{frontend: {probes: {readiness: {path: readyz}}}}`,
		`spec.frontend.probes.readiness.path: Invalid value: "readyz": must begin with a slash, such as /readyz`},
	"probes-of-the-api": {"", `{backend: {probes: {readiness: {path: /readyz}}}}`,
		`spec.backend: Invalid value: probes are for a backend image of your own, and the task API has its own: remove probes`},
	"min-over-max": {"", `{frontend: {autoscaling: {minReplicas: 5, maxReplicas: 2}}}`,
		`spec.frontend.autoscaling: Invalid value: minReplicas must be at most maxReplicas`},
	"no-max": {"", `{frontend: {autoscaling: {minReplicas: 2}}}`,
		`spec.frontend.autoscaling: Invalid value: set maxReplicas, or external: true if an autoscaler of your own`},
	"scaled-sqlite": {"", `{backend: {autoscaling: {maxReplicas: 3}}}`,
		`spec.backend: Invalid value: autoscaling needs storage.postgres: SQLite serves one pod`},
	"replicas-of-an-autoscaler": {"", `{frontend: {replicas: 3, autoscaling: {maxReplicas: 4}}}`,
		`Warning: spec.frontend.replicas: autoscaling sets the number of pods, so 3 is ignored: remove it`},
	"no-volume": {"", `{frontend: {template: {volumeMounts: [{name: cache, mountPath: /cache}]}}}`,
		`spec.frontend.template: Invalid value: volumeMounts names a volume that volumes does not hold: add it to template.volumes`},
	"root": {"", `{frontend: {template: {securityContext: {runAsUser: 0}}}}`,
		`runAsUser: Invalid value: 0: must not be 0, because pods do not run as root: set the numeric user of the image, such as 1001`},
	"no-room": {"", `{backend: {` + database + `, template: {strategy: {maxSurge: 0, maxUnavailable: 0}}}}`,
		`spec.backend.template.strategy: Invalid value: a roll-out with maxSurge 0 needs room below: set maxUnavailable to 1 or more`},
	"authority-without-a-name": {"", `{backend: {storage: {postgres: {urlSecretRef: {name: db, key: url}, caRef: {key: ca.crt}}}}}`,
		`spec.backend.storage.postgres.caRef.name: Required value`},
	"keyring-as-ca": {"",
		`{frontend: {database: {urlSecretRef: {name: db, key: url}, caRef: {name: keyring-as-ca-keyring}}}}`,
		`spec.frontend.database.caRef: Forbidden: caRef reads Secret "keyring-as-ca-keyring", which the operator injects itself`},
	"reload": {"", `{frontend: {database: {urlSecretRef: {name: db, key: url}, onChange: Reload}}}`,
		`spec.frontend.database.onChange: Unsupported value: "Reload": supported values: "Restart", "Ignore"`},
	"no-hostname": {"", `{gateway: {parentRefs: [{name: public}]}}`, `spec.gateway.hostnames: Required value`},
	"wildcard": {"", `{gateway: {parentRefs: [{name: public}], hostnames: ["*.example.com"]}}`,
		`must be a DNS name in lower case, such as todo.example.com: no address, wildcard, port or scheme`},
	"tracked": {"", `{inheritedMetadata: {labels: {app.kubernetes.io/instance: shop}}}`, `finds what it may delete: leave that out`},
	"revoked-while-paused": {`todoapp.dev/paused: "true"`, `{auth: {rotation: {revokeBefore: "2026-01-01T00:00:00Z"}}}`,
		`Warning: spec.auth.rotation.revokeBefore: the app is paused and revokes no key: remove annotation todoapp.dev/paused`},
	"half-paused": {`todoapp.dev/paused: "yes"`, `{}`,
		`Warning: metadata.annotations: todoapp.dev/paused="yes" does not pause the app: the value that does is "true"`},
}

// TestPlatformMistakes makes each mistake with kubectl. It is refused with its field and the remedy, or warned of.
func TestPlatformMistakes(t *testing.T) {
	for name, m := range platformMistakes {
		t.Run(name, func(t *testing.T) {
			manifest := fmt.Sprintf("apiVersion: todoapp.dev/v1alpha1\nkind: TodoApp\n"+
				"metadata: {name: %s, annotations: {%s}}\nspec: %s\n", name, m.annotations, m.spec)
			output := kubectl(t, manifest, "create", "--dry-run=server", "-f", "-")
			admitted := strings.Contains(output, "created (server dry run)")
			says := strings.Contains(output, m.says) || strings.Contains(withoutValues(output), withoutValues(m.says))
			if !says || admitted != strings.HasPrefix(m.says, "Warning: ") {
				t.Errorf("kubectl prints\n%s\nexpected\n%s", output, m.says)
			}
		})
	}
}

// namedValue is the value in a message of the API server. Kubernetes 1.37 names the value, or none if it is an object; earlier
// versions, such as 1.34, name its type.
var namedValue = regexp.MustCompile(`Invalid value: ("[^"]*"|[0-9]+): `)

func withoutValues(message string) string {
	return namedValue.ReplaceAllString(message, "Invalid value: ")
}
