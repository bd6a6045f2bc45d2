package webhook

import (
	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

var forbiddenCases = map[string]podCase{
	"W3 keyring by envFrom": {
		pod:  pod(web(wholeSecret("", "shop-keyring"))),
		want: `W3 spec.containers[web].envFrom[1]: Secret "shop-keyring" is a keyring: use "shop-frontend-auth"`,
	},
	"W3 keyring under a prefix":  {pod: pod(web(wholeSecret("X_", "shop-keyring"))), want: "W3"},
	"W3 keyring by env":          {pod: pod(web(), env(fromSecretKey("RING", "shop-keyring", "keyring.json"))), want: "W3"},
	"W3 keyring by volume":       {pod: pod(web(), secretVolume("shop-keyring")), want: "W3"},
	"W3 keyring by item":         {pod: pod(web(), secretVolume("shop-keyring", item("x", "y"))), want: "W3"},
	"W3 keyring, projected":      {pod: pod(web(), projectedSecret("shop-keyring")), want: "W3"},
	"W3 keyring by init":         {pod: pod(web(), initContainer(wholeSecret("", "shop-keyring"))), want: "W3"},
	"W3 keyring of another app":  {pod: pod(web(wholeSecret("", "blog-keyring"))), want: "W3"},
	"W3 one only called keyring": {pod: pod(web(), env(fromSecretKey("X", "some-keyring", "x")))},
	"W3 a ConfigMap called so":   {pod: pod(web(), configMapVolume("shop-keyring", item("a", "b")))},
	"W3 the other side's by env": {
		pod:  pod(web(), env(fromSecretKey("X", "shop-backend-auth", "BETTER_AUTH_SECRET"))),
		want: `W3 spec.containers[web].env[X]: Secret "shop-backend-auth" is the other side's`,
	},
	"W3 the other side's by envFrom": {pod: pod(web(wholeSecret("", "shop-backend-auth"))), want: "W3"},
	"W3 the other side's by volume":  {pod: pod(web(), secretVolume("shop-backend-auth")), want: "W3"},
	"W3 keyring of an absent app": {
		absent: true, pod: pod(web(wholeSecret("", "shop-keyring"))),
		want:    "W3",
		warning: "does not exist yet",
	},
}

var labelCases = map[string]podCase{
	"W2 absent app, two Secrets": {
		absent: true, pod: pod(container("a", nil, wholeSecret("", "foreign")), container("b", nil, wholeSecret("", "other"))),
		want: "W2 spec: takes keys from several Secrets (foreign, other)", warning: "does not exist yet",
	},
	"W2 absent app, init and main": {
		absent: true, pod: pod(initContainer(wholeSecret("", "foreign")), container("b", nil, wholeSecret("", "other"))),
		want: "W2", warning: "does not exist yet",
	},
	"W2 absent app, sidecar and main": {
		absent: true, pod: pod(sidecar(wholeSecret("", "foreign")), container("b", nil, wholeSecret("", own))),
		want: "W2", warning: "does not exist yet",
	},
	"W2 absent app, ephemeral and main": {
		absent: true,
		pod:    pod(ephemeral(wholeSecret("", "foreign")), env(fromSecretKey("BETTER_AUTH_SECRET", "other", "BETTER_AUTH_SECRET"))),
		want:   "W2", warning: "does not exist yet",
	},
	"W2 absent app, volume and env": {
		absent: true, pod: pod(secretVolume("foreign"), container("b", nil, wholeSecret("", "other"))),
		want: "W2", warning: "does not exist yet",
	},
	"W2 absent app, one Secret": {
		absent: true, pod: pod(container("a", nil, wholeSecret("", "foreign")), container("b", nil, wholeSecret("", "foreign"))),
		warning: `TodoApp "shop" does not exist yet`,
	},
	"W2 absent app, a Secret of something else": {
		absent: true, pod: pod(container("a", nil, wholeSecret("", "foreign"), wholeSecret("", "db"))),
		warning: "does not exist yet",
	},
	"W2 present app": {
		pod: pod(web(), container("b", nil, wholeSecret("", "other"))), want: "W1 spec.containers[b].envFrom[0]",
	},
	"W4 absent app": {absent: true, pod: pod(web()), warning: `TodoApp "shop" does not exist yet`},
	"W4 absent app, literal": {
		absent: true, pod: pod(env(corev1.EnvVar{Name: "BETTER_AUTH_SECRET", Value: "x"})), want: "W1", warning: "does not exist yet",
	},
	"W4 no component": {
		component: "-", pod: pod(web()),
		want: "W4 metadata.labels[todoapp.dev/component]: must be frontend or backend",
	},
	"W4 unknown component": {component: "web", pod: pod(web()), want: "W4"},
	"W4 keyring component": {component: "keyring", pod: pod(web()), want: "W4"},
	"W4 backend":           {component: "backend", pod: pod(container("api", nil, wholeSecret("", "shop-backend-auth")))},
	"W4 empty app":         {app: "empty", pod: pod(web()), want: "W4 metadata.labels[todoapp.dev/app]: must be a TodoApp's name"},
	"W4 no name of an app": {app: "My_App", absent: true, pod: pod(web()), want: "W4 metadata.labels[todoapp.dev/app]"},
	"W4 dotted app":        {app: "shop.web", absent: true, pod: pod(web()), want: "W4 metadata.labels[todoapp.dev/app]"},
	"W4 a digit first":     {app: "1shop", absent: true, pod: pod(web()), want: "W4 metadata.labels[todoapp.dev/app]"},
	"W4 another app that is absent": {
		app: "shop-1", absent: true, pod: pod(web()), warning: `TodoApp "shop-1" does not exist yet`,
	},
	"W4 pods of the other side": {
		pods: map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: "backend"}, pod: pod(web()),
		want: `W4 metadata.labels[todoapp.dev/component]: must be "frontend" as on the workload itself`,
	},
	"W4 pods of another app": {
		pods: map[string]string{todov1.LabelApp: "blog", todov1.LabelComponent: "frontend"}, pod: pod(web()),
		want: `W4 metadata.labels[todoapp.dev/app]: must be "shop" as on the workload itself`,
	},
	"W4 pods of the other side, without an app": {
		pods: map[string]string{todov1.LabelComponent: "backend"}, pod: pod(web()), want: "W4 metadata.labels[todoapp.dev/component]",
	},
	"W4 pods of an empty side": {
		pods: map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: ""}, pod: pod(web()), want: "W4",
	},
	"W4 pods with more labels": {
		pods: map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: "frontend", "team": "x"}, pod: pod(web()),
	},
	"W4 pods without labels": {
		pods: map[string]string{}, pod: pod(web()), warning: "metadata.labels: set label todoapp.dev/app=shop here too",
	},
	"W4 pods without a component": {
		pods: map[string]string{todov1.LabelApp: "shop"}, pod: pod(web()), warning: "set label todoapp.dev/component=frontend here too",
	},
	"W5 nothing": {
		pod: pod(env()), warning: `spec: takes no key: without Secret "shop-frontend-auth" it can neither sign nor verify`,
	},
	"W5 only under a prefix": {pod: pod(container("web", nil, wholeSecret("X_", own))), warning: "takes no key"},
	"W5 only another entry":  {pod: pod(env(fromSecretKey("V", own, "BETTER_AUTH_KEY_VERSION"))), warning: "takes no key"},
	"W5 one container of two": {
		pod: pod(web(), container("log", nil)),
	},
}
