//go:build e2e

package e2e

import (
	"regexp"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// TestMistakesShow applies apps that cannot start. The status must say why, in the specific condition and in Ready.
func TestMistakesShow(t *testing.T) {
	e := newEnvironment(t)
	cases := []struct{ name, spec, condition, reason, message string }{
		{
			"missing-image", `{frontend: {image: "localhost:1/missing:1"}}`,
			todov1.ConditionFrontendAvailable, todov1.ReasonImageUnavailable,
			`Image localhost:1/missing:1 cannot be pulled for pod missing-image-frontend-\S+: .`,
		}, {
			"unbindable", `{backend: {storage: {sqlite: {storageClassName: absent}}}}`,
			todov1.ConditionBackendAvailable, todov1.ReasonVolumePending,
			`PersistentVolumeClaim unbindable-data is not bound \(.+\): give the cluster a volume or a StorageClass for it`,
		}, {
			"no-database", `{backend: {storage: {postgres: {urlSecretRef: {name: absent, key: url}}}}}`,
			todov1.ConditionBackendAvailable, todov1.ReasonSecretMissing,
			`Secret absent not found: pod no-database-backend-\S+ cannot start without it\. It starts by itself once that exists`,
		}, {
			"crashing", `{backend: {image: "` + probeImage + `", env: [{name: PROBE_CRASH, value: please}]}}`,
			todov1.ConditionBackendAvailable, todov1.ReasonCrashing,
			`Container backend of pod crashing-backend-\S+ exits with code 1 \(Error\), \d+ times so far; ` +
				`see kubectl logs -n \S+ crashing-backend-\S+ -c backend --previous`,
		}, {
			"no-source", `{auth: {source: {secretRef: {name: vault, key: secret}}}}`,
			todov1.ConditionSourceValid, todov1.ReasonSourceMissing, `Secret vault has no entry secret: create it`,
		}, {
			"nowhere", `{backend: {template: {nodeSelector: {kubernetes.io/hostname: none}}}}`,
			todov1.ConditionBackendAvailable, todov1.ReasonUnschedulable, `finds no node: .*node`,
		},
	}
	apps := make([]*todov1.TodoApp, len(cases))
	for i, c := range cases {
		apps[i] = e.apply(c.name, c.spec)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := &environment{t, e.namespace}
			found := e.awaitCondition(apps[i], c.condition, metav1.ConditionFalse, c.reason)
			if !regexp.MustCompile(c.message).MatchString(found.Message) {
				t.Errorf("the message is %q, expected %q", found.Message, c.message)
			}
			e.awaitCondition(apps[i], todov1.ConditionReady, metav1.ConditionFalse, c.reason)
		})
	}
	e.secret("vault", "secret", "Zm9yLXRoZS10ZXN0cy1hbmQtbm90aGluZy1lbHNl")
	e.awaitReady(apps[4])
}

// TestMistakesRefused applies apps that can never work. The webhook must reject them, and name the field and the
// remedy.
func TestMistakesRefused(t *testing.T) {
	e := newEnvironment(t)
	for name, c := range map[string]struct{ spec, message string }{
		"two-writers": {`{backend: {replicas: 2}}`,
			`spec.backend: Invalid value: more than one replica needs storage.postgres: SQLite serves one pod`},
		"two-stores": {`{backend: {storage: {sqlite: {}, postgres: {urlSecretRef: {name: db, key: url}}}}}`,
			`spec.backend.storage: Invalid value: set sqlite or postgres, not both`},
		"own-secret": {`{frontend: {env: [{name: BETTER_AUTH_SECRET, value: mine}]}}`,
			`spec.frontend.env: Invalid value: the operator sets BETTER_AUTH_SECRET`},
		"drawn-secret": {`{backend: {env: [{name: KEY, valueFrom: {secretKeyRef: {name: vault, key: BETTER_AUTH_SECRET}}}]}}`,
			`spec.backend.env[KEY]: Forbidden: KEY reads BETTER_AUTH_SECRET`},
		"one-secret": {`{frontend: {secretRef: {name: same}}, backend: {secretRef: {name: same}}}`,
			`must name different Secrets: the operator writes each side its own`},
		"too-often": {`{auth: {rotation: {interval: 30m}}}`,
			`spec.auth.rotation.interval: Invalid value: "30m0s": must be 0s (never) or at least 1h`},
		"no-url": {`{frontend: {url: "todo.example.com"}}`,
			`spec.frontend.url: Invalid value: "todo.example.com": must be an http or https URL with a host`},
		"operations-port": {`{backend: {port: 9090}}`, `spec.backend.port: Invalid value: 9090: 9090 is the operations port`},
		"dotted.name":     {`{}`, `metadata.name must be at most 63 lower case letters, digits and hyphens`},
	} {
		e.refuses(e.newApp(name, c.spec), c.message)
	}
}
