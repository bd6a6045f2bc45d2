package webhook

import corev1 "k8s.io/api/core/v1"

func key(secret, entry string) corev1.EnvVar {
	return fromSecretKey("BETTER_AUTH_SECRET", secret, entry)
}

// The same references wherever a pod can have them.
var containerCases = map[string]podCase{
	"W1 env of init": {
		pod:  pod(web(), initEnv(key("foreign", "x"))),
		want: "W1 spec.initContainers[init].env[BETTER_AUTH_SECRET]",
	},
	"W1 env of a sidecar": {
		pod:  pod(web(), sidecarEnv(key("foreign", "x"))),
		want: "W1 spec.initContainers[sidecar].env[BETTER_AUTH_SECRET]",
	},
	"W1 env of ephemeral": {
		pod: pod(web(), ephemeralEnv(key("foreign", "x"))), want: "W1 spec.ephemeralContainers[debug].env[BETTER_AUTH_SECRET]",
	},
	"W1 env of init, its own":      {pod: pod(web(), initEnv(key(own, "BETTER_AUTH_SECRET")))},
	"W1 env of a sidecar, its own": {pod: pod(web(), sidecarEnv(key(own, "BETTER_AUTH_SECRET")))},
	"W1 env of ephemeral, its own": {pod: pod(web(), ephemeralEnv(key(own, "BETTER_AUTH_SECRET")))},
	"W1 prefix of init": {
		pod:  pod(web(), initContainer(wholeSecret("BETTER_AUTH_", "part"))),
		want: "W1 spec.initContainers[init]",
	},
	"W1 prefix of a sidecar": {
		pod:  pod(web(), sidecar(wholeSecret("BETTER_AUTH_", "part"))),
		want: "W1 spec.initContainers[sidecar]",
	},
	"W1 prefix of ephemeral": {
		pod:  pod(web(), ephemeral(wholeSecret("BETTER_AUTH_", "part"))),
		want: "W1 spec.ephemeralContainers[debug]",
	},
	"W1 another prefix of init":      {pod: pod(web(), initContainer(wholeSecret("X_", "foreign")))},
	"W1 another prefix of a sidecar": {pod: pod(web(), sidecar(wholeSecret("X_", "foreign")))},
	"W1 another prefix of ephemeral": {pod: pod(web(), ephemeral(wholeSecret("X_", "foreign")))},
	"W1 prefix that completes the name from a ConfigMap": {
		pod:  pod(web(wholeConfigMap("BETTER_AUTH_", "part-settings"))),
		want: `W1 spec.containers[web].envFrom[1]: BETTER_AUTH_SECRET comes from ConfigMap "part-settings"`,
	},
	"W1 part of a ConfigMap without the prefix": {pod: pod(web(wholeConfigMap("", "part-settings")))},
	"W1 optional ConfigMap":                     {pod: pod(web(optionalWholeConfigMap(wholeConfigMap("", "leak")))), want: "W1"},
	"W1 optional ConfigMap without the keys":    {pod: pod(web(optionalWholeConfigMap(wholeConfigMap("", "settings"))))},
	"W1 optional entry of a ConfigMap": {
		pod: pod(env(optionalConfigMap(fromConfigMapKey("BETTER_AUTH_SECRET", "missing", "x")))), want: "W1",
	},

	"W3 keyring by a sidecar":         {pod: pod(web(), sidecar(wholeSecret("", "shop-keyring"))), want: "W3"},
	"W3 keyring by ephemeral":         {pod: pod(web(), ephemeral(wholeSecret("", "shop-keyring"))), want: "W3"},
	"W3 keyring by env of a sidecar":  {pod: pod(web(), sidecarEnv(fromSecretKey("X", "shop-keyring", "x"))), want: "W3"},
	"W3 keyring by env of ephemeral":  {pod: pod(web(), ephemeralEnv(fromSecretKey("X", "blog-keyring", "x"))), want: "W3"},
	"W3 the other side's by init":     {pod: pod(web(), initContainer(wholeSecret("", "shop-backend-auth"))), want: "W3"},
	"W3 the other side's by sidecar":  {pod: pod(web(), sidecar(wholeSecret("", "shop-backend-auth"))), want: "W3"},
	"W3 the other side's by debugger": {pod: pod(web(), ephemeral(wholeSecret("", "shop-backend-auth"))), want: "W3"},
	"W3 the other side's by prefix":   {pod: pod(web(wholeSecret("X_", "shop-backend-auth"))), want: "W3"},
	"W4 empty component":              {component: "empty", pod: pod(web()), want: "W4"},
}

var fileCases = map[string]podCase{
	"W1 optional volume of another": {pod: pod(web(), secretVolume("foreign"), optionalVolumes), want: "W1 spec.volumes[auth].secret"},
	"W1 optional volume of its own": {pod: pod(web(), secretVolume(own), optionalVolumes)},
	"W1 optional item of one that does not exist": {
		pod: pod(web(), secretVolume("missing", item("BETTER_AUTH_SECRET", "x")), optionalVolumes), want: "W1",
	},
	"W1 optional projected volume of another": {pod: pod(web(), projectedSecret("foreign"), optionalVolumes), want: "W1"},
	"W1 optional projected volume of its own": {pod: pod(web(), projectedSecret(own), optionalVolumes)},
	"W1 optional projected ConfigMap":         {pod: pod(web(), projectedConfigMap("leak"), optionalVolumes), want: "W1"},
	"W1 optional volume of a ConfigMap":       {pod: pod(web(), configMapVolume("leak"), optionalVolumes), want: "W1"},
	"W1 optional volume of a harmless one":    {pod: pod(web(), configMapVolume("settings"), optionalVolumes)},
	"W1 projected item of its own": {
		pod: pod(projectedSecret(own, item("BETTER_AUTH_SECRET", "auth/BETTER_AUTH_SECRET"))),
	},
	"W1 projected item of another called otherwise": {pod: pod(web(), projectedSecret("foreign", item("DATABASE_URL", "url")))},
	"W1 projected item of another called so": {
		pod:  pod(web(), projectedSecret("foreign", item("x", "BETTER_AUTH_SECRET"))),
		want: "W1 spec.volumes[auth].projected.sources[1].secret.items[0]",
	},
	"W1 item of a ConfigMap": {
		pod: pod(web(), configMapVolume("leak", item("BETTER_AUTH_SECRETS", "x"))), want: "W1 spec.volumes[auth].configMap.items[0]",
	},
	"W1 item of a ConfigMap called so": {
		pod: pod(web(), configMapVolume("settings", item("x", "BETTER_AUTH_SECRET"))), want: "W1 spec.volumes[auth].configMap.items[0]",
	},
	"W1 another item of a ConfigMap": {pod: pod(web(), configMapVolume("leak", item("LOG_LEVEL", "level")))},
	"W1 projected item of a ConfigMap": {
		pod:  pod(web(), projectedConfigMap("leak", item("BETTER_AUTH_SECRETS", "x"))),
		want: "W1 spec.volumes[auth].projected.sources[0].configMap.items[0]",
	},
	"W1 projected item of a ConfigMap called so": {
		pod: pod(web(), projectedConfigMap("settings", item("x", "BETTER_AUTH_SECRET"))), want: "W1",
	},
	"W1 field as a file called so": {
		pod:  pod(web(), downwardAPI(false, "labels", "auth/BETTER_AUTH_SECRET")),
		want: "W1 spec.volumes[auth].downwardAPI.items[1]: BETTER_AUTH_SECRET comes from a field or file",
	},
	"W1 projected field as a file called so": {
		pod:  pod(web(), downwardAPI(true, "BETTER_AUTH_SECRETS")),
		want: "W1 spec.volumes[auth].projected.sources[0].downwardAPI.items[0]",
	},
	"W1 field as another file":                 {pod: pod(web(), downwardAPI(false, "BETTER_AUTH_SECRET/x"))},
	"W1 projected field as another file":       {pod: pod(web(), downwardAPI(true, "labels"))},
	"W1 another projected item of a ConfigMap": {pod: pod(web(), projectedConfigMap("leak", item("LOG_LEVEL", "level")))},

	"W2 absent app, projected volume and env": {
		absent: true, pod: pod(projectedSecret("foreign"), container("b", nil, wholeSecret("", "other"))),
		want: "W2", warning: "does not exist yet",
	},
	"W2 absent app, two projected volumes": {
		absent: true, pod: pod(projectedSecret("foreign"), projectedSecret("other", item("BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET"))),
		want: "W2", warning: "does not exist yet",
	},
	"W2 absent app, projected volume of the same": {
		absent: true, pod: pod(projectedSecret("foreign"), container("b", nil, wholeSecret("", "foreign"))),
		warning: "does not exist yet",
	},

	"W3 keyring, an item projected":       {pod: pod(web(), projectedSecret("shop-keyring", item("x", "y"))), want: "W3"},
	"W3 the other side's, projected":      {pod: pod(web(), projectedSecret("shop-backend-auth")), want: "W3"},
	"W3 the other side's, an item":        {pod: pod(web(), secretVolume("shop-backend-auth", item("x", "y"))), want: "W3"},
	"W3 the other side's, projected item": {pod: pod(web(), projectedSecret("shop-backend-auth", item("x", "y"))), want: "W3"},
}

// What a rotation would not publish first.
var unpublishedCases = map[string]podCase{
	"W1 the source's entry": {
		pod:  pod(web(), env(fromSecretKey("JWT_SECRET", "vault", "key"))),
		want: "W1 spec.containers[web].env[JWT_SECRET]: draws in the source, whose",
	},
	"W1 the source's entry as the key": {pod: pod(env(key("vault", "key"))), want: "W1 spec.containers[web].env[BETTER_AUTH_SECRET]"},
	"W1 the source's item": {
		pod: pod(web(), secretVolume("vault", item("key", "x"))), want: "W1 spec.volumes[auth].secret.items[0]",
	},
	"W1 the source's item, projected": {pod: pod(web(), projectedSecret("vault", item("key", "x"))), want: "W1"},
	"W1 the source whole":             {pod: pod(web(wholeSecret("", "vault"))), want: "W1 spec.containers[web].envFrom[1]"},
	"W1 the source under a prefix":    {pod: pod(web(wholeSecret("X_", "vault"))), want: "W1 spec.containers[web].envFrom[1]"},
	"W1 the source by a volume":       {pod: pod(web(), secretVolume("vault")), want: "W1 spec.volumes[auth].secret"},
	"W1 another entry of the source":  {pod: pod(web(), env(fromSecretKey("API_KEY", "vault", "other")))},
	"W1 another item of the source":   {pod: pod(web(), secretVolume("vault", item("other", "key")))},
	"W1 the entry of another Secret":  {pod: pod(web(), env(fromSecretKey("X", "db", "key")))},
	"W1 a ConfigMap's entry":          {pod: pod(web(), env(fromConfigMapKey("X", "vault", "key")))},
	"W1 absent app, no source": {
		absent: true, pod: pod(web(), env(fromSecretKey("X", "vault", "key"))), warning: "does not exist yet",
	},
}
