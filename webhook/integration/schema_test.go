package integration_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// schemaCase is a spec that the schema refuses with a message, and its nearest neighbour that it admits.
type schemaCase struct {
	// old is the spec before, for the rules about changes.
	old              string
	refused, message string
	allowed          string
}

var schemaCases = map[string]schemaCase{
	"rotateAfter with a source": {
		refused: `auth: {source: {secretRef: {name: vault, key: key}}, rotation: {rotateAfter: "2026-01-01T00:00:00Z"}}`,
		message: "rotateAfter cannot be set with a source",
		allowed: `auth: {source: {secretRef: {name: vault, key: key}}, rotation: {revokeBefore: "2026-01-01T00:00:00Z"}}`,
	},
	"revokedKeys unknown": {
		refused: `auth: {rotation: {revokedKeys: Keep}}`, message: `supported values: "Forget", "KeepForDecryption"`,
		allowed: `auth: {rotation: {revokedKeys: KeepForDecryption}}`,
	},
	"historyLimit over 100": {
		refused: `auth: {rotation: {historyLimit: 101}}`, message: "should be less than or equal to 100",
		allowed: `auth: {rotation: {historyLimit: 100}}`,
	},
	"historyLimit negative": {
		refused: `auth: {rotation: {historyLimit: -1}}`, message: "should be greater than or equal to 0",
		allowed: `auth: {rotation: {historyLimit: 0}}`,
	},
	"source without a key": {
		refused: `auth: {source: {secretRef: {name: vault}}}`, message: "spec.auth.source.secretRef.key: Required value",
		allowed: `auth: {source: {secretRef: {name: vault, key: BETTER_AUTH_SECRET}}}`,
	},
	"both sides in one Secret": {
		refused: `{frontend: {secretRef: {name: same}}, backend: {secretRef: {name: same}}}`,
		message: "spec.frontend.secretRef and spec.backend.secretRef must name different Secrets",
		allowed: `{frontend: {secretRef: {name: one}}, backend: {secretRef: {name: two}}}`,
	},
	"frontend in the backend's default": {
		refused: `frontend: {secretRef: {name: schema-backend-auth}}`,
		message: "spec.frontend.secretRef and spec.backend.secretRef must name different Secrets",
		allowed: `{frontend: {secretRef: {name: schema-backend-auth}}, backend: {secretRef: {name: other}}}`,
	},
	"backend in the frontend's default": {
		refused: `backend: {secretRef: {name: schema-frontend-auth}}`,
		message: "spec.frontend.secretRef and spec.backend.secretRef must name different Secrets",
		allowed: `backend: {secretRef: {name: schema-backend-auth}}`,
	},
	"frontend in the keyring": {
		refused: `frontend: {secretRef: {name: schema-keyring}}`, message: "spec.frontend.secretRef must not name the keyring Secret",
		allowed: `frontend: {secretRef: {name: other-keyring}}`,
	},
	"backend in the keyring": {
		refused: `backend: {secretRef: {name: schema-keyring}}`, message: "spec.backend.secretRef must not name the keyring Secret",
		allowed: `backend: {secretRef: {name: keyring}}`,
	},
	"source in the keyring": {
		refused: `auth: {source: {secretRef: {name: schema-keyring, key: k}}}`,
		message: "spec.auth.source.secretRef must name a Secret of its own",
		allowed: `auth: {source: {secretRef: {name: keyring, key: k}}}`,
	},
	"source in the frontend's": {
		refused: `{auth: {source: {secretRef: {name: web, key: k}}}, frontend: {secretRef: {name: web}}}`,
		message: "spec.auth.source.secretRef must name a Secret of its own",
		allowed: `{auth: {source: {secretRef: {name: schema-frontend-auth, key: k}}}, frontend: {secretRef: {name: web}}}`,
	},
	"source in the backend's default": {
		refused: `auth: {source: {secretRef: {name: schema-backend-auth, key: k}}}`,
		message: "spec.auth.source.secretRef must name a Secret of its own",
		allowed: `auth: {source: {secretRef: {name: vault, key: k}}}`,
	},
	"no Secret's name": {
		refused: `frontend: {secretRef: {name: Team_A}}`, message: "must be a Secret's name",
		allowed: `frontend: {secretRef: {name: team-a.auth}}`,
	},
	"more replicas on SQLite": {
		refused: `backend: {replicas: 2}`, message: "more than one replica needs storage.postgres",
		allowed: `backend: {replicas: 2, storage: {postgres: {urlSecretRef: {name: db, key: url}}}}`,
	},
	"more replicas of an image on SQLite": {
		refused: `backend: {image: api, replicas: 2, storage: {sqlite: {}}}`, message: "more than one replica needs storage.postgres",
		allowed: `backend: {image: api, replicas: 2}`,
	},
	"autoscaling on SQLite": {
		refused: `backend: {autoscaling: {maxReplicas: 3}}`, message: "autoscaling needs storage.postgres: SQLite serves one pod",
		allowed: `backend: {autoscaling: {maxReplicas: 3}, storage: {postgres: {urlSecretRef: {name: db, key: url}}}}`,
	},
	"autoscaling of an image on SQLite": {
		refused: `backend: {image: api, autoscaling: {external: true}, storage: {sqlite: {}}}`,
		message: "autoscaling needs storage.postgres: SQLite serves one pod",
		allowed: `backend: {image: api, autoscaling: {external: true}}`,
	},
	"autoscaling without an upper limit": {
		refused: `frontend: {autoscaling: {minReplicas: 2}}`, message: "set maxReplicas, or external: true",
		allowed: `frontend: {autoscaling: {minReplicas: 2, external: true}}`,
	},
	"two autoscalers": {
		refused: `frontend: {autoscaling: {maxReplicas: 2, external: true}}`, message: "set maxReplicas, or external: true",
		allowed: `frontend: {autoscaling: {maxReplicas: 2, external: false}}`,
	},
	"metrics of an autoscaler elsewhere": {
		refused: `frontend: {autoscaling: {external: true, behavior: {scaleDown: {selectPolicy: Min}}}}`,
		message: "metrics and behavior are for the operator's autoscaler",
		allowed: `frontend: {autoscaling: {maxReplicas: 2, behavior: {scaleDown: {selectPolicy: Min}}}}`,
	},
	"an autoscaler whose limits are crossed": {
		refused: `frontend: {autoscaling: {minReplicas: 3, maxReplicas: 2}}`, message: "minReplicas must be at most maxReplicas",
		allowed: `frontend: {autoscaling: {minReplicas: 2, maxReplicas: 2}}`,
	},
	"a Gateway without a host name": {
		refused: `gateway: {parentRefs: [{name: public}]}`, message: "spec.gateway.hostnames",
		allowed: `gateway: {parentRefs: [{name: public}], hostnames: [todo.example.com]}`,
	},
	"a Gateway with a wildcard": {
		refused: `gateway: {parentRefs: [{name: public}], hostnames: ["*.example.com"]}`, message: "must be a DNS name in lower case",
		allowed: `gateway: {parentRefs: [{name: public, namespace: infra, sectionName: https}], hostnames: [a.example.com]}`,
	},
	"replicas negative": {
		refused: `backend: {replicas: -1}`, message: "should be greater than or equal to 0", allowed: `backend: {replicas: 0}`,
	},
	"too many replicas": {
		refused: `frontend: {replicas: 101}`, message: "should be less than or equal to 100", allowed: `frontend: {replicas: 100}`,
	},
	"the operations port": {
		refused: `backend: {port: 9090}`, message: "9090 is the operations port", allowed: `backend: {port: 9091}`,
	},
	"two kinds of storage": {
		refused: `backend: {storage: {sqlite: {}, postgres: {urlSecretRef: {name: db, key: url}}}}`,
		message: "set sqlite or postgres, not both",
		allowed: `backend: {storage: {sqlite: {}}}`,
	},
	"no volume": {
		refused: `backend: {storage: {sqlite: {size: "0"}}}`, message: "must be more than 0",
		allowed: `backend: {storage: {sqlite: {size: 1Mi}}}`,
	},
	"a smaller volume": {
		old:     `backend: {storage: {sqlite: {size: 2Gi}}}`,
		refused: `backend: {storage: {sqlite: {size: 1Gi}}}`, message: "a volume can only grow",
		allowed: `backend: {storage: {sqlite: {size: 2048Mi}}}`,
	},
	"no longer naming a larger volume": {
		old:     `backend: {storage: {sqlite: {size: 2Gi}}}`,
		refused: `backend: {storage: {}}`, message: "keep storage.sqlite",
		allowed: `backend: {image: own, storage: {}}`,
	},
	"naming a smaller volume than the default": {
		old:     `backend: {}`,
		refused: `backend: {storage: {sqlite: {size: 512Mi}}}`, message: "can only grow",
		allowed: `backend: {storage: {sqlite: {size: 2Gi}}}`,
	},
	"naming a class for the default volume": {
		old:     `backend: {}`,
		refused: `backend: {storage: {sqlite: {storageClassName: fast}}}`, message: "stays in its class",
		allowed: `backend: {storage: {sqlite: {reclaimPolicy: Delete}}}`,
	},
	"a volume of another class": {
		old:     `backend: {storage: {sqlite: {storageClassName: slow}}}`,
		refused: `backend: {storage: {sqlite: {storageClassName: fast}}}`, message: "storageClassName cannot be changed",
		allowed: `backend: {storage: {sqlite: {storageClassName: slow, size: 3Gi}}}`,
	},
	"a volume of the default class": {
		old:     `backend: {storage: {sqlite: {storageClassName: slow}}}`,
		refused: `backend: {storage: {sqlite: {}}}`, message: "storageClassName cannot be changed",
		allowed: `backend: {storage: {sqlite: {storageClassName: slow, reclaimPolicy: Delete}}}`,
	},
	"reclaimPolicy unknown": {
		refused: `backend: {storage: {sqlite: {reclaimPolicy: Recycle}}}`, message: `supported values: "Retain", "Delete"`,
		allowed: `backend: {storage: {sqlite: {reclaimPolicy: Delete}}}`,
	},
	"an origin with a path": {
		refused: `backend: {cors: {allowedOrigins: ["https://todo.example.com/"]}}`, message: "must be an origin",
		allowed: `backend: {cors: {allowedOrigins: ["https://todo.example.com", "*"]}}`,
	},
	"a URL of another scheme": {
		refused: `frontend: {url: "ftp://todo.example.com"}`, message: "must be an http or https URL with a host",
		allowed: `frontend: {url: "https://todo.example.com"}`,
	},
	"a URL without a host": {
		refused: `frontend: {url: "https:///path"}`, message: "must be an http or https URL with a host",
		allowed: `frontend: {url: "https://todo.example.com/path"}`,
	},
	"no URL": {
		refused: `frontend: {url: todo.example.com}`, message: "must be an http or https URL with a host",
		allowed: `frontend: {url: "https://todo.example.com:8443"}`,
	},
	"the operator's annotations": {
		refused: `backend: {template: {annotations: {todoapp.dev/keys: "9"}}}`, message: "todoapp.dev/* annotations are the operator's",
		allowed: `backend: {template: {annotations: {example.com/keys: "9"}}}`,
	},
	"the operator's labels": {
		refused: `frontend: {template: {labels: {todoapp.dev/app: x}}}`, message: "labels are the operator's",
		allowed: `frontend: {template: {labels: {example.com/app: x}}}`,
	},
	"the recommended labels": {
		refused: `frontend: {template: {labels: {app.kubernetes.io/name: x}}}`, message: "labels are the operator's",
		allowed: `frontend: {template: {labels: {team: x}}}`,
	},
}

func init() {
	for _, side := range []string{"frontend", "backend"} {
		for _, variable := range []string{"BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS", "BETTER_AUTH_KEY_VERSION",
			"BETTER_AUTH_COOKIE_VERSIONS", "BETTER_AUTH_LEGACY_SECRET", "BETTER_AUTH_URL"} {
			schemaCases[side+" "+variable] = schemaCase{
				refused: side + `: {env: [{name: ` + variable + `, value: x}]}`, message: "remove them from env",
				allowed: side + `: {env: [{name: MY_` + variable + `, value: x}]}`,
			}
		}
	}
}

func TestSchema(t *testing.T) {
	for name, c := range schemaCases {
		t.Run(name, func(t *testing.T) {
			try := func(spec string) error { return admin.Create(t.Context(), app("schema", spec), client.DryRunAll) }
			if c.old != "" {
				old := app("schema", c.old)
				if err := admin.Create(t.Context(), old); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { remove(t, old) })
				try = func(spec string) error {
					changed := app("schema", spec)
					changed.SetResourceVersion(old.GetResourceVersion())
					changed.SetAnnotations(map[string]string{todov1.AnnotationAllowStorageChange: "true"}) // storage-change is the webhook's
					return admin.Update(t.Context(), changed, client.DryRunAll)
				}
			}
			err := try(c.refused)
			if err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%s\ngot  %v\nwant %q", c.refused, err, c.message)
			}
			if err != nil && strings.Contains(err.Error(), "admission webhook") {
				t.Errorf("it was the webhook that refused: %v", err)
			}
			if err := try(c.allowed); err != nil {
				t.Errorf("%s\nrefused: %v", c.allowed, err)
			}
		})
	}
}

// app makes a TodoApp with a spec in YAML, as a client would that does not know its type.
func app(name, spec string) *unstructured.Unstructured {
	app := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte("spec: "+braced(spec)), &app.Object); err != nil {
		panic(err)
	}
	app.SetGroupVersionKind(todov1.GroupVersion.WithKind("TodoApp"))
	app.SetNamespace(metav1.NamespaceDefault)
	app.SetName(name)
	return app
}

func braced(spec string) string {
	if strings.HasPrefix(spec, "{") {
		return spec
	}
	return "{" + spec + "}"
}

func remove(t *testing.T, object client.Object) {
	t.Helper()
	// A test's own context has ended when it cleans up.
	if err := client.IgnoreNotFound(admin.Delete(context.Background(), object)); err != nil {
		t.Errorf("removing %s: %v", object.GetName(), err)
	}
}
