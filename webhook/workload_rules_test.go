package webhook

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// podCase is one decision about a frontend of the app shop, unless it says otherwise.
type podCase struct {
	pod corev1.PodSpec
	// app and component instead of shop and frontend; "-" for none, "empty" for an empty one.
	app, component string
	// pods are the template's labels instead of the workload's.
	pods map[string]string
	// absent says that the TodoApp does not exist.
	absent        bool
	want, warning string
}

// surroundings of every case: the app shop with a source, another's keyring, and what Secrets and ConfigMaps hold.
func (c podCase) results() lookupResults {
	results := lookupResults{
		keyrings: sets.New("shop-keyring", "blog-keyring"),
		secrets: map[string][]string{
			"foreign": {"BETTER_AUTH_SECRET", "DATABASE_URL"}, "foreign-list": {"BETTER_AUTH_SECRETS"},
			"part": {"SECRET", "AUTH_SECRETS"}, "db": {"DATABASE_URL"}, "other": {"BETTER_AUTH_SECRET"},
			"vault": {"key", "other"},
		},
		configMaps: map[string][]string{
			"settings": {"LOG_LEVEL"}, "leak": {"BETTER_AUTH_SECRETS"}, "part-settings": {"SECRET"}, own: nil, // no Secret, but called so
		},
	}
	if !c.absent {
		results.app = todoApp(sourceRef("vault", "key"))
		results.app.Name = "shop"
	}
	return results
}

func (c podCase) labels() map[string]string {
	labels := map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: todov1.ComponentFrontend}
	for label, value := range map[string]string{todov1.LabelApp: c.app, todov1.LabelComponent: c.component} {
		switch value {
		case "":
		case "-":
			delete(labels, label)
		case "empty":
			labels[label] = ""
		default:
			labels[label] = value
		}
	}
	return labels
}

func (c podCase) template() *corev1.PodTemplateSpec {
	template := &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: c.labels()}, Spec: c.pod}
	if c.pods != nil {
		template.Labels = c.pods
	}
	return template
}

const own = "shop-frontend-auth"

var referenceCases = map[string]podCase{
	"env from its own":  {pod: pod(env(fromSecretKey("BETTER_AUTH_SECRET", own, "BETTER_AUTH_SECRET")))},
	"list from its own": {pod: pod(env(fromSecretKey("BETTER_AUTH_SECRETS", own, "BETTER_AUTH_SECRETS")))},
	"another name from its own": {
		pod: pod(env(fromSecretKey("JWT_SECRET", own, "BETTER_AUTH_SECRET"))),
	},
	"env from another": {
		pod: pod(env(fromSecretKey("BETTER_AUTH_SECRET", "foreign", "x"))),
		want: `foreign-reference spec.containers[web].env[BETTER_AUTH_SECRET]: ` +
			`BETTER_AUTH_SECRET comes from Secret "foreign": use "shop-frontend-auth"`,
	},
	"list from another": {
		pod:  pod(env(fromSecretKey("BETTER_AUTH_SECRETS", "foreign", "x"))),
		want: "foreign-reference spec.containers[web].env[BETTER_AUTH_SECRETS]",
	},
	"optional env from another": {
		pod: pod(env(optional(fromSecretKey("BETTER_AUTH_SECRET", "missing", "x")))), want: "foreign-reference",
	},
	"optional env from its own": {
		pod: pod(env(optional(fromSecretKey("BETTER_AUTH_SECRET", own, "BETTER_AUTH_SECRET")))),
	},
	"another name from another": {
		pod:  pod(env(fromSecretKey("MY_KEY", "foreign", "BETTER_AUTH_SECRET"))),
		want: "foreign-reference spec.containers[web].env[MY_KEY]",
	},
	"another entry of another": {pod: pod(web(), env(fromSecretKey("DATABASE_URL", "foreign", "DATABASE_URL")))},
	"the wrong entry of its own": {
		pod: pod(env(fromSecretKey("BETTER_AUTH_SECRET", own, "BETTER_AUTH_LEGACY_SECRET"))),
		want: `foreign-reference spec.containers[web].env[BETTER_AUTH_SECRET]: ` +
			`BETTER_AUTH_SECRET is taken from entry "BETTER_AUTH_LEGACY_SECRET"`,
	},
	"literal": {
		pod: pod(env(corev1.EnvVar{Name: "BETTER_AUTH_SECRET", Value: secretA})),
		want: `foreign-reference spec.containers[web].env[BETTER_AUTH_SECRET]: ` +
			`BETTER_AUTH_SECRET comes from a literal value: use Secret "shop-frontend-auth"`,
	},
	"empty literal": {pod: pod(env(corev1.EnvVar{Name: "BETTER_AUTH_SECRETS"})), want: "foreign-reference"},
	"literal that shadows": {
		pod:  pod(container("web", []corev1.EnvVar{{Name: "BETTER_AUTH_SECRET", Value: "x"}}, wholeSecret("", own))),
		want: "foreign-reference spec.containers[web].env[BETTER_AUTH_SECRET]",
	},
	"another literal": {pod: pod(web(), env(corev1.EnvVar{Name: "LOG_LEVEL", Value: "debug"}))},
	"ConfigMap": {
		pod:  pod(env(fromConfigMapKey("BETTER_AUTH_SECRET", "settings", "x"))),
		want: `foreign-reference spec.containers[web].env[BETTER_AUTH_SECRET]: BETTER_AUTH_SECRET comes from ConfigMap "settings"`,
	},
	"another name from a ConfigMap": {
		pod:  pod(env(fromConfigMapKey("KEY", "settings", "BETTER_AUTH_SECRETS"))),
		want: "foreign-reference spec.containers[web].env[KEY]",
	},
	"another entry of a ConfigMap": {pod: pod(web(), env(fromConfigMapKey("LOG_LEVEL", "settings", "LOG_LEVEL")))},
	"field": {
		pod: pod(env(corev1.EnvVar{Name: "BETTER_AUTH_SECRET", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}})),
		want: "foreign-reference spec.containers[web].env[BETTER_AUTH_SECRET]: BETTER_AUTH_SECRET comes from a field or file",
	},
	"file": {
		pod: pod(env(corev1.EnvVar{Name: "BETTER_AUTH_SECRET", ValueFrom: &corev1.EnvVarSource{
			FileKeyRef: &corev1.FileKeySelector{VolumeName: "v", Path: "p", Key: "k"}}})),
		want: "foreign-reference",
	},
	"another field": {
		pod: pod(web(), env(corev1.EnvVar{Name: "POD", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}})),
	},
}

var wholeCases = map[string]podCase{
	"envFrom its own": {pod: pod(web())},
	"envFrom another": {
		pod:  pod(web(wholeSecret("", "foreign"))),
		want: `foreign-reference spec.containers[web].envFrom[1]: BETTER_AUTH_SECRET comes from Secret "foreign"`,
	},
	"envFrom another, a list": {
		pod:  pod(web(wholeSecret("", "foreign-list"))),
		want: `foreign-reference spec.containers[web].envFrom[1]: BETTER_AUTH_SECRETS comes from Secret "foreign-list"`,
	},
	"optional envFrom another": {
		pod: pod(web(optionalWhole(wholeSecret("", "foreign")))), want: "foreign-reference spec.containers[web].envFrom[1]",
	},
	"envFrom another without the keys": {pod: pod(web(wholeSecret("", "db")))},
	"envFrom another under a prefix":   {pod: pod(web(wholeSecret("OTHER_", "foreign")))},
	"envFrom a prefix that completes the name": {
		pod:  pod(web(wholeSecret("BETTER_AUTH_", "part"))),
		want: `foreign-reference spec.containers[web].envFrom[1]: BETTER_AUTH_SECRET comes from Secret "part"`,
	},
	"envFrom a prefix that completes the list's name": {
		pod:  pod(web(wholeSecret("BETTER_", "part"))),
		want: `foreign-reference spec.containers[web].envFrom[1]: BETTER_AUTH_SECRETS comes from Secret "part"`,
	},
	"envFrom a part without the prefix": {pod: pod(web(wholeSecret("", "part")))},
	"envFrom its own under a prefix that may complete the name": {
		pod: pod(web(wholeSecret("BETTER_AUTH_", own))),
		want: `foreign-reference spec.containers[web].envFrom[1]: ` +
			`prefix "BETTER_AUTH_" makes BETTER_AUTH_SECRET and BETTER_AUTH_SECRETS of`,
	},
	"envFrom its own under a shorter prefix": {pod: pod(web(wholeSecret("BETTER_", own))), want: "foreign-reference"},
	"envFrom its own under all but one letter": {
		pod:  pod(web(wholeSecret("BETTER_AUTH_SECRET", own))),
		want: `foreign-reference spec.containers[web].envFrom[1]: prefix "BETTER_AUTH_SECRET" makes BETTER_AUTH_SECRETS of`,
	},
	"envFrom its own under the whole name":     {pod: pod(web(wholeSecret("BETTER_AUTH_SECRETS", own)))},
	"envFrom its own under another prefix":     {pod: pod(web(wholeSecret("X_", own)))},
	"envFrom its own under one that begins so": {pod: pod(web(wholeSecret("BETTER_X_", own)))},
	"absent app, a prefix that completes the name": {
		absent: true, pod: pod(container("web", nil, wholeSecret("BETTER_AUTH_", "part"))),
		want:    `foreign-reference spec.containers[web].envFrom[0]: prefix "BETTER_AUTH_" makes BETTER_AUTH_SECRET of`,
		warning: "does not exist yet",
	},
	"envFrom one that does not exist": {
		pod:     pod(web(wholeSecret("", "missing"))),
		warning: `spec.containers[web].envFrom[1]: Secret "missing" does not exist yet`,
	},
	"envFrom a ConfigMap with a key": {
		pod:  pod(web(wholeConfigMap("", "leak"))),
		want: `foreign-reference spec.containers[web].envFrom[1]: BETTER_AUTH_SECRETS comes from ConfigMap "leak"`,
	},
	"envFrom a ConfigMap": {pod: pod(web(wholeConfigMap("", "settings")))},
	"envFrom a ConfigMap called as its own Secret": {
		pod:     pod(web(wholeConfigMap("", own))),
		warning: "",
	},
	"init container": {
		pod:  pod(web(), initContainer(wholeSecret("", "foreign"))),
		want: "foreign-reference spec.initContainers[init].envFrom[0]",
	},
	"init container, its own": {pod: pod(web(), initContainer(wholeSecret("", own)))},
	"sidecar": {
		pod:  pod(web(), sidecar(wholeSecret("", "foreign"))),
		want: "foreign-reference spec.initContainers[sidecar].envFrom[0]",
	},
	"sidecar, its own": {pod: pod(web(), sidecar(wholeSecret("", own)))},
	"ephemeral": {
		pod:  pod(web(), ephemeral(wholeSecret("", "foreign"))),
		want: "foreign-reference spec.ephemeralContainers[debug].envFrom[0]",
	},
	"ephemeral, its own": {pod: pod(web(), ephemeral(wholeSecret("", own)))},
	"second container": {
		pod:  pod(web(), container("log", nil, wholeSecret("", "foreign"))),
		want: "foreign-reference spec.containers[log].envFrom[0]",
	},
	"second container, its own": {pod: pod(web(), container("log", nil, wholeSecret("", own)))},
}

var volumeCases = map[string]podCase{
	"volume of its own": {pod: pod(secretVolume(own))},
	"item of its own":   {pod: pod(secretVolume(own, item("BETTER_AUTH_SECRETS", "BETTER_AUTH_SECRETS")))},
	"volume of another": {
		pod:  pod(web(), secretVolume("foreign")),
		want: `foreign-reference spec.volumes[auth].secret: BETTER_AUTH_SECRET comes from Secret "foreign"`,
	},
	"volume of another without the keys": {pod: pod(web(), secretVolume("db"))},
	"item of another": {
		pod:  pod(web(), secretVolume("foreign", item("BETTER_AUTH_SECRET", "key"))),
		want: "foreign-reference spec.volumes[auth].secret.items[0]",
	},
	"item of another called so": {
		pod:  pod(web(), secretVolume("foreign", item("x", "auth/BETTER_AUTH_SECRET"))),
		want: "foreign-reference spec.volumes[auth].secret.items[0]",
	},
	"another item of another": {pod: pod(web(), secretVolume("foreign", item("DATABASE_URL", "url")))},
	"an item of its own under the wrong name": {
		pod: pod(secretVolume(own, item("BETTER_AUTH_LEGACY_SECRET", "BETTER_AUTH_SECRET"))), want: "foreign-reference",
	},
	"projected volume of its own": {pod: pod(projectedSecret(own))},
	"projected volume of another": {
		pod:  pod(web(), projectedSecret("foreign")),
		want: "foreign-reference spec.volumes[auth].projected.sources[1].secret",
	},
	"projected item of another": {
		pod:  pod(web(), projectedSecret("foreign", item("BETTER_AUTH_SECRET", "x"))),
		want: "foreign-reference spec.volumes[auth].projected.sources[1].secret.items[0]",
	},
	"projected volume of another without the keys": {pod: pod(web(), projectedSecret("db"))},
	"volume of a ConfigMap with a key": {
		pod:  pod(web(), configMapVolume("leak")),
		want: "foreign-reference spec.volumes[auth].configMap",
	},
	"volume of a ConfigMap": {pod: pod(web(), configMapVolume("settings"))},
	"projected ConfigMap with a key": {
		pod:  pod(web(), projectedConfigMap("leak")),
		want: "foreign-reference spec.volumes[auth].projected.sources[0].configMap",
	},
	"projected ConfigMap": {pod: pod(web(), projectedConfigMap("settings"))},
	"volume of one that does not exist": {
		pod: pod(web(), secretVolume("missing")), warning: `spec.volumes[auth].secret: Secret "missing" does not exist yet`,
	},
	"the embedded API's volume": {component: "backend", pod: pod(secretVolume("shop-backend-auth"))},
	"a backend with the frontend's Secret": {
		component: "backend", pod: pod(secretVolume(own)),
		want: `forbidden-secret spec.volumes[auth].secret: ` +
			`Secret "shop-frontend-auth" belongs to the other component: the backend uses "shop-backend-auth"`,
	},
}

func TestWorkloadRules(t *testing.T) {
	for _, cases := range []map[string]podCase{
		referenceCases, wholeCases, volumeCases, forbiddenCases, labelCases, containerCases, fileCases, unpublishedCases,
	} {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				refusals, warnings := checkWorkload(c.labels(), c.template(), nil, c.results())
				check(t, refusals, warnings, c.want, c.warning)
			})
		}
	}
}

// The names of a TodoApp's Secrets may be its own choice.
func TestWorkloadOfAnAppWithNamedSecrets(t *testing.T) {
	results := lookupResults{app: todoApp(frontendRef("web"), backendRef("api"))}
	labels := map[string]string{todov1.LabelApp: "team-a", todov1.LabelComponent: "backend"}
	for name, want := range map[string]string{"api": "", "web": "forbidden-secret", "team-a-keyring": "forbidden-secret"} {
		template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}}
		template.Spec = pod(container("api", nil, wholeSecret("", name)))
		refusals, warnings := checkWorkload(labels, &template, nil, results)
		warnings = slices.DeleteFunc(warnings, func(string) bool { return name != "api" })
		check(t, refusals, warnings, want, "")
	}
}
