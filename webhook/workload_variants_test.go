package webhook

import corev1 "k8s.io/api/core/v1"

func key(secret, entry string) corev1.EnvVar {
	return fromSecretKey("BETTER_AUTH_SECRET", secret, entry)
}

// The same references wherever a pod can have them.
var containerCases = map[string]podCase{
	"env of init": {
		pod:  pod(web(), initEnv(key("foreign", "x"))),
		want: "foreign-reference spec.initContainers[init].env[BETTER_AUTH_SECRET]",
	},
	"env of a sidecar": {
		pod:  pod(web(), sidecarEnv(key("foreign", "x"))),
		want: "foreign-reference spec.initContainers[sidecar].env[BETTER_AUTH_SECRET]",
	},
	"env of ephemeral": {
		pod:  pod(web(), ephemeralEnv(key("foreign", "x"))),
		want: "foreign-reference spec.ephemeralContainers[debug].env[BETTER_AUTH_SECRET]",
	},
	"env of init, its own":      {pod: pod(web(), initEnv(key(own, "BETTER_AUTH_SECRET")))},
	"env of a sidecar, its own": {pod: pod(web(), sidecarEnv(key(own, "BETTER_AUTH_SECRET")))},
	"env of ephemeral, its own": {pod: pod(web(), ephemeralEnv(key(own, "BETTER_AUTH_SECRET")))},
	"prefix of init": {
		pod:  pod(web(), initContainer(wholeSecret("BETTER_AUTH_", "part"))),
		want: "foreign-reference spec.initContainers[init]",
	},
	"prefix of a sidecar": {
		pod:  pod(web(), sidecar(wholeSecret("BETTER_AUTH_", "part"))),
		want: "foreign-reference spec.initContainers[sidecar]",
	},
	"prefix of ephemeral": {
		pod:  pod(web(), ephemeral(wholeSecret("BETTER_AUTH_", "part"))),
		want: "foreign-reference spec.ephemeralContainers[debug]",
	},
	"another prefix of init":      {pod: pod(web(), initContainer(wholeSecret("X_", "foreign")))},
	"another prefix of a sidecar": {pod: pod(web(), sidecar(wholeSecret("X_", "foreign")))},
	"another prefix of ephemeral": {pod: pod(web(), ephemeral(wholeSecret("X_", "foreign")))},
	"prefix that completes the name from a ConfigMap": {
		pod:  pod(web(wholeConfigMap("BETTER_AUTH_", "part-settings"))),
		want: `foreign-reference spec.containers[web].envFrom[1]: BETTER_AUTH_SECRET comes from ConfigMap "part-settings"`,
	},
	"part of a ConfigMap without the prefix": {pod: pod(web(wholeConfigMap("", "part-settings")))},
	"optional ConfigMap": {pod: pod(web(optionalWholeConfigMap(wholeConfigMap("", "leak")))),
		want: "foreign-reference"},
	"optional ConfigMap without the keys": {pod: pod(web(optionalWholeConfigMap(wholeConfigMap("", "settings"))))},
	"optional entry of a ConfigMap": {
		pod: pod(env(optionalConfigMap(fromConfigMapKey("BETTER_AUTH_SECRET", "missing", "x")))), want: "foreign-reference",
	},

	"keyring by a sidecar": {pod: pod(web(), sidecar(wholeSecret("", "shop-keyring"))), want: "forbidden-secret"},
	"keyring by ephemeral": {pod: pod(web(), ephemeral(wholeSecret("", "shop-keyring"))), want: "forbidden-secret"},
	"keyring by env of a sidecar": {pod: pod(web(), sidecarEnv(fromSecretKey("X", "shop-keyring", "x"))),
		want: "forbidden-secret"},
	"keyring by env of ephemeral": {pod: pod(web(), ephemeralEnv(fromSecretKey("X", "blog-keyring", "x"))),
		want: "forbidden-secret"},
	"the other component's by init": {pod: pod(web(), initContainer(wholeSecret("", "shop-backend-auth"))),
		want: "forbidden-secret"},
	"the other component's by sidecar": {pod: pod(web(), sidecar(wholeSecret("", "shop-backend-auth"))),
		want: "forbidden-secret"},
	"the other component's by debugger": {pod: pod(web(), ephemeral(wholeSecret("", "shop-backend-auth"))),
		want: "forbidden-secret"},
	"the other component's by prefix": {pod: pod(web(wholeSecret("X_", "shop-backend-auth"))), want: "forbidden-secret"},
	"empty component":                 {component: "empty", pod: pod(web()), want: "labels"},
}

var fileCases = map[string]podCase{
	"optional volume of another": {pod: pod(web(), secretVolume("foreign"), optionalVolumes),
		want: "foreign-reference spec.volumes[auth].secret"},
	"optional volume of its own": {pod: pod(web(), secretVolume(own), optionalVolumes)},
	"optional item of one that does not exist": {
		pod:  pod(web(), secretVolume("missing", item("BETTER_AUTH_SECRET", "x")), optionalVolumes),
		want: "foreign-reference",
	},
	"optional projected volume of another": {pod: pod(web(), projectedSecret("foreign"), optionalVolumes),
		want: "foreign-reference"},
	"optional projected volume of its own": {pod: pod(web(), projectedSecret(own), optionalVolumes)},
	"optional projected ConfigMap": {pod: pod(web(), projectedConfigMap("leak"), optionalVolumes),
		want: "foreign-reference"},
	"optional volume of a ConfigMap": {pod: pod(web(), configMapVolume("leak"), optionalVolumes),
		want: "foreign-reference"},
	"optional volume of a harmless one": {pod: pod(web(), configMapVolume("settings"), optionalVolumes)},
	"projected item of its own": {
		pod: pod(projectedSecret(own, item("BETTER_AUTH_SECRET", "auth/BETTER_AUTH_SECRET"))),
	},
	"projected item of another called otherwise": {pod: pod(web(), projectedSecret("foreign", item("DATABASE_URL", "url")))},
	"projected item of another called so": {
		pod:  pod(web(), projectedSecret("foreign", item("x", "BETTER_AUTH_SECRET"))),
		want: "foreign-reference spec.volumes[auth].projected.sources[1].secret.items[0]",
	},
	"item of a ConfigMap": {
		pod:  pod(web(), configMapVolume("leak", item("BETTER_AUTH_SECRETS", "x"))),
		want: "foreign-reference spec.volumes[auth].configMap.items[0]",
	},
	"item of a ConfigMap called so": {
		pod:  pod(web(), configMapVolume("settings", item("x", "BETTER_AUTH_SECRET"))),
		want: "foreign-reference spec.volumes[auth].configMap.items[0]",
	},
	"another item of a ConfigMap": {pod: pod(web(), configMapVolume("leak", item("LOG_LEVEL", "level")))},
	"projected item of a ConfigMap": {
		pod:  pod(web(), projectedConfigMap("leak", item("BETTER_AUTH_SECRETS", "x"))),
		want: "foreign-reference spec.volumes[auth].projected.sources[0].configMap.items[0]",
	},
	"projected item of a ConfigMap called so": {
		pod: pod(web(), projectedConfigMap("settings", item("x", "BETTER_AUTH_SECRET"))), want: "foreign-reference",
	},
	"field as a file called so": {
		pod:  pod(web(), downwardAPI(false, "labels", "auth/BETTER_AUTH_SECRET")),
		want: "foreign-reference spec.volumes[auth].downwardAPI.items[1]: BETTER_AUTH_SECRET comes from a field or file",
	},
	"projected field as a file called so": {
		pod:  pod(web(), downwardAPI(true, "BETTER_AUTH_SECRETS")),
		want: "foreign-reference spec.volumes[auth].projected.sources[0].downwardAPI.items[0]",
	},
	"field as another file":                 {pod: pod(web(), downwardAPI(false, "BETTER_AUTH_SECRET/x"))},
	"projected field as another file":       {pod: pod(web(), downwardAPI(true, "labels"))},
	"another projected item of a ConfigMap": {pod: pod(web(), projectedConfigMap("leak", item("LOG_LEVEL", "level")))},

	"absent app, projected volume and env": {
		absent: true, pod: pod(projectedSecret("foreign"), container("b", nil, wholeSecret("", "other"))),
		want: "mixed-secrets", warning: "does not exist yet",
	},
	"absent app, two projected volumes": {
		absent: true, pod: pod(projectedSecret("foreign"), projectedSecret("other", item("BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET"))),
		want: "mixed-secrets", warning: "does not exist yet",
	},
	"absent app, projected volume of the same": {
		absent: true, pod: pod(projectedSecret("foreign"), container("b", nil, wholeSecret("", "foreign"))),
		warning: "does not exist yet",
	},

	"keyring, an item projected": {pod: pod(web(), projectedSecret("shop-keyring", item("x", "y"))),
		want: "forbidden-secret"},
	"the other component's, projected": {pod: pod(web(), projectedSecret("shop-backend-auth")), want: "forbidden-secret"},
	"the other component's, an item": {pod: pod(web(), secretVolume("shop-backend-auth", item("x", "y"))),
		want: "forbidden-secret"},
	"the other component's, projected item": {pod: pod(web(), projectedSecret("shop-backend-auth", item("x", "y"))),
		want: "forbidden-secret"},
}

// What a rotation would not publish first.
var unpublishedCases = map[string]podCase{
	"the source's entry": {
		pod:  pod(web(), env(fromSecretKey("JWT_SECRET", "vault", "key"))),
		want: "foreign-reference spec.containers[web].env[JWT_SECRET]: reads the source; no component",
	},
	"the source's entry as the key": {pod: pod(env(key("vault", "key"))),
		want: "foreign-reference spec.containers[web].env[BETTER_AUTH_SECRET]"},
	"the source's item": {
		pod:  pod(web(), secretVolume("vault", item("key", "x"))),
		want: "foreign-reference spec.volumes[auth].secret.items[0]",
	},
	"the source's item, projected": {pod: pod(web(), projectedSecret("vault", item("key", "x"))),
		want: "foreign-reference"},
	"the source whole": {pod: pod(web(wholeSecret("", "vault"))),
		want: "foreign-reference spec.containers[web].envFrom[1]"},
	"the source under a prefix": {pod: pod(web(wholeSecret("X_", "vault"))),
		want: "foreign-reference spec.containers[web].envFrom[1]"},
	"the source by a volume": {pod: pod(web(), secretVolume("vault")),
		want: "foreign-reference spec.volumes[auth].secret"},
	"another entry of the source": {pod: pod(web(), env(fromSecretKey("API_KEY", "vault", "other")))},
	"another item of the source":  {pod: pod(web(), secretVolume("vault", item("other", "key")))},
	"the entry of another Secret": {pod: pod(web(), env(fromSecretKey("X", "db", "key")))},
	"a ConfigMap's entry":         {pod: pod(web(), env(fromConfigMapKey("X", "vault", "key")))},
	"absent app, no source": {
		absent: true, pod: pod(web(), env(fromSecretKey("X", "vault", "key"))), warning: "does not exist yet",
	},
}
