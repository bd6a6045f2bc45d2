package webhook

import (
	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

var forbiddenCases = map[string]podCase{
	"keyring by envFrom": {
		pod:  pod(web(wholeSecret("", "shop-keyring"))),
		want: `forbidden-secret spec.containers[web].envFrom[1]: Secret "shop-keyring" is a keyring: use "shop-frontend-auth"`,
	},
	"keyring under a prefix": {pod: pod(web(wholeSecret("X_", "shop-keyring"))), want: "forbidden-secret"},
	"keyring by env": {pod: pod(web(), env(fromSecretKey("RING", "shop-keyring", "keyring.json"))),
		want: "forbidden-secret"},
	"keyring by volume":       {pod: pod(web(), secretVolume("shop-keyring")), want: "forbidden-secret"},
	"keyring by item":         {pod: pod(web(), secretVolume("shop-keyring", item("x", "y"))), want: "forbidden-secret"},
	"keyring, projected":      {pod: pod(web(), projectedSecret("shop-keyring")), want: "forbidden-secret"},
	"keyring by init":         {pod: pod(web(), initContainer(wholeSecret("", "shop-keyring"))), want: "forbidden-secret"},
	"keyring of another app":  {pod: pod(web(wholeSecret("", "blog-keyring"))), want: "forbidden-secret"},
	"one only called keyring": {pod: pod(web(), env(fromSecretKey("X", "some-keyring", "x")))},
	"a ConfigMap called so":   {pod: pod(web(), configMapVolume("shop-keyring", item("a", "b")))},
	"the other component's by env": {
		pod:  pod(web(), env(fromSecretKey("X", "shop-backend-auth", "BETTER_AUTH_SECRET"))),
		want: `forbidden-secret spec.containers[web].env[X]: Secret "shop-backend-auth" belongs to the other component`,
	},
	"the other component's by envFrom": {pod: pod(web(wholeSecret("", "shop-backend-auth"))), want: "forbidden-secret"},
	"the other component's by volume":  {pod: pod(web(), secretVolume("shop-backend-auth")), want: "forbidden-secret"},
	"keyring of an absent app": {
		absent: true, pod: pod(web(wholeSecret("", "shop-keyring"))),
		want:    "forbidden-secret",
		warning: "does not exist yet",
	},
}

var labelCases = map[string]podCase{
	"absent app, two Secrets": {
		absent: true, pod: pod(container("a", nil, wholeSecret("", "foreign")), container("b", nil, wholeSecret("", "other"))),
		want: "mixed-secrets spec: takes keys from several Secrets (foreign, other)", warning: "does not exist yet",
	},
	"absent app, init and main": {
		absent: true, pod: pod(initContainer(wholeSecret("", "foreign")), container("b", nil, wholeSecret("", "other"))),
		want: "mixed-secrets", warning: "does not exist yet",
	},
	"absent app, sidecar and main": {
		absent: true, pod: pod(sidecar(wholeSecret("", "foreign")), container("b", nil, wholeSecret("", own))),
		want: "mixed-secrets", warning: "does not exist yet",
	},
	"absent app, ephemeral and main": {
		absent: true,
		pod:    pod(ephemeral(wholeSecret("", "foreign")), env(fromSecretKey("BETTER_AUTH_SECRET", "other", "BETTER_AUTH_SECRET"))),
		want:   "mixed-secrets", warning: "does not exist yet",
	},
	"absent app, volume and env": {
		absent: true, pod: pod(secretVolume("foreign"), container("b", nil, wholeSecret("", "other"))),
		want: "mixed-secrets", warning: "does not exist yet",
	},
	"absent app, one Secret": {
		absent: true, pod: pod(container("a", nil, wholeSecret("", "foreign")), container("b", nil, wholeSecret("", "foreign"))),
		warning: `TodoApp "shop" does not exist yet`,
	},
	"absent app, a Secret of something else": {
		absent: true, pod: pod(container("a", nil, wholeSecret("", "foreign"), wholeSecret("", "db"))),
		warning: "does not exist yet",
	},
	"present app": {
		pod:  pod(web(), container("b", nil, wholeSecret("", "other"))),
		want: "foreign-reference spec.containers[b].envFrom[0]",
	},
	"absent app": {absent: true, pod: pod(web()), warning: `TodoApp "shop" does not exist yet`},
	"absent app, literal": {
		absent: true, pod: pod(env(corev1.EnvVar{Name: "BETTER_AUTH_SECRET", Value: "x"})),
		want: "foreign-reference", warning: "does not exist yet",
	},
	"no component": {
		component: "-", pod: pod(web()),
		want: "labels metadata.labels[todoapp.dev/component]: must be frontend or backend",
	},
	"unknown component": {component: "web", pod: pod(web()), want: "labels"},
	"keyring component": {component: "keyring", pod: pod(web()), want: "labels"},
	"backend":           {component: "backend", pod: pod(container("api", nil, wholeSecret("", "shop-backend-auth")))},
	"empty app": {app: "empty", pod: pod(web()),
		want: "labels metadata.labels[todoapp.dev/app]: must be a TodoApp's name"},
	"no name of an app": {app: "My_App", absent: true, pod: pod(web()), want: "labels metadata.labels[todoapp.dev/app]"},
	"dotted app":        {app: "shop.web", absent: true, pod: pod(web()), want: "labels metadata.labels[todoapp.dev/app]"},
	"a digit first":     {app: "1shop", absent: true, pod: pod(web()), want: "labels metadata.labels[todoapp.dev/app]"},
	"another app that is absent": {
		app: "shop-1", absent: true, pod: pod(web()), warning: `TodoApp "shop-1" does not exist yet`,
	},
	"pods of the other component": {
		pods: map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: "backend"}, pod: pod(web()),
		want: `labels metadata.labels[todoapp.dev/component]: must be "frontend" as on the workload itself`,
	},
	"pods of another app": {
		pods: map[string]string{todov1.LabelApp: "blog", todov1.LabelComponent: "frontend"}, pod: pod(web()),
		want: `labels metadata.labels[todoapp.dev/app]: must be "shop" as on the workload itself`,
	},
	"pods of the other component, without an app": {
		pods: map[string]string{todov1.LabelComponent: "backend"}, pod: pod(web()),
		want: "labels metadata.labels[todoapp.dev/component]",
	},
	"pods of an empty component": {
		pods: map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: ""}, pod: pod(web()), want: "labels",
	},
	"pods with more labels": {
		pods: map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: "frontend", "team": "x"}, pod: pod(web()),
	},
	"pods without labels": {
		pods: map[string]string{}, pod: pod(web()), warning: "metadata.labels: set label todoapp.dev/app=shop here too",
	},
	"pods without a component": {
		pods: map[string]string{todov1.LabelApp: "shop"}, pod: pod(web()),
		warning: "set label todoapp.dev/component=frontend here too",
	},
	"nothing": {
		pod: pod(env()), warning: `spec: takes no key: without Secret "shop-frontend-auth" it can neither sign nor verify`,
	},
	"only under a prefix": {pod: pod(container("web", nil, wholeSecret("X_", own))), warning: "takes no key"},
	"only another entry":  {pod: pod(env(fromSecretKey("V", own, "BETTER_AUTH_KEY_VERSION"))), warning: "takes no key"},
	"one container of two": {
		pod: pod(web(), container("log", nil)),
	},
}
