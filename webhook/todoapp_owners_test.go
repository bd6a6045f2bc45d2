package webhook

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// another is an app of the same namespace.
func another(with ...func(*todov1.TodoApp)) []todov1.TodoApp {
	app := todoApp(with...)
	app.Name = "team-b"
	return []todov1.TodoApp{*app}
}

func sourced(name string) []todov1.TodoApp { return another(sourceRef(name, "key")) }

func goingAway(app *todov1.TodoApp) { app.DeletionTimestamp = new(metav1.Unix(1, 0)) }

var ownerCases = map[string]todoAppCase{
	"frontend Secret of another": {
		app: todoApp(frontendRef("b")), found: holding("b").owned("b", "team-b"),
		want: `foreign-secret spec.frontend.secretRef.name: Secret "b" belongs to TodoApp "team-b"`,
	},
	"backend Secret of another": {
		app: todoApp(backendRef("b")), found: holding("b").owned("b", "team-b"),
		want: `foreign-secret spec.backend.secretRef.name: Secret "b" belongs to TodoApp "team-b"`,
	},
	"source of another": {
		app:   todoApp(sourceRef("b", "BETTER_AUTH_SECRET")),
		found: holding("b BETTER_AUTH_SECRET "+secretA).owned("b", "team-b"),
		want:  `foreign-secret spec.auth.source.secretRef.name: Secret "b" belongs to TodoApp "team-b"`,
	},
	"default name taken by another": {
		app:   todoApp(),
		found: holding("team-a-backend-auth").owned("team-a-backend-auth", "team"),
		want:  `foreign-secret spec.backend.secretRef.name`,
	},
	"keyring name taken by another": {
		app: todoApp(), found: holding("team-a-keyring").owned("team-a-keyring", "team"),
		want: `foreign-secret metadata.name: Secret "team-a-keyring" belongs to TodoApp "team"`,
	},
	"left as it was beside another reference": {
		old: todoApp(frontendRef("b")), app: todoApp(frontendRef("b"), backendRef("c")),
		found: holding("b", "c").owned("b", "team-b"),
	},
	"another app's source": {
		app: todoApp(backendRef("vault")), found: holding("vault key " + secretA), others: sourced("vault"),
		want: `foreign-secret spec.backend.secretRef.name: Secret "vault" is the source of TodoApp "team-b": choose another name`,
	},
	"another app's source, by an update": {
		old: todoApp(), app: todoApp(frontendRef("vault")), found: holding("vault").ring(secretA),
		others: sourced("vault"), want: "foreign-secret spec.frontend.secretRef.name",
	},
	"another app's source, while that is deleted": {
		app: todoApp(backendRef("vault")), found: holding("vault"), others: another(sourceRef("vault", "key"), goingAway),
	},
	"another app's side, which waits for its owner": {
		app: todoApp(frontendRef("shared")), found: holding("shared"), others: another(frontendRef("shared")),
		want: `foreign-secret spec.frontend.secretRef.name: Secret "shared" is claimed by TodoApp "team-b": choose another name`,
	},
	"another app's other side, by an update": {
		old: todoApp(), app: todoApp(backendRef("shared")), found: holding("shared"), others: another(frontendRef("shared")),
		want: "foreign-secret spec.backend.secretRef.name",
	},
	"another app's default name": {
		app: todoApp(frontendRef("team-b-backend-auth")), found: holding("team-b-backend-auth"), others: another(),
		want: "foreign-secret",
	},
	"another app's side, while that is deleted": {
		app: todoApp(frontendRef("shared")), found: holding("shared"), others: another(frontendRef("shared"), goingAway),
	},
	"another app's side that does not exist yet": {app: todoApp(frontendRef("shared")), others: another(frontendRef("shared"))},
	"another app's side, left as it was": {
		old: todoApp(frontendRef("shared")), app: todoApp(frontendRef("shared"), backendRef("api")),
		found: holding("shared", "api"), others: another(frontendRef("shared")),
	},
	"away from another app's side": {
		old: todoApp(frontendRef("shared")), app: todoApp(frontendRef("web")),
		found: holding("shared", "web"), others: another(frontendRef("shared")),
	},
	"its own, which another app names": {
		old: todoApp(), app: todoApp(frontendRef("web")),
		found: holding("web").owned("web", "team-a"), others: another(frontendRef("web")),
	},
	"itself among the others": {
		app: todoApp(frontendRef("web")), found: holding("web"), others: []todov1.TodoApp{*todoApp(frontendRef("web"))},
	},
	"the source of both": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + secretA), others: sourced("vault"),
	},
	"its own, which another app takes for a source": {
		app: todoApp(frontendRef("web")), found: holding("web").owned("web", "team-a"), others: sourced("web"),
	},
	"its own": {
		app: todoApp(frontendRef("a")), found: holding("a").owned("a", "team-a"),
	},
	"handed over": {app: todoApp(frontendRef("b")), found: holding("b")},
	"not handed over": {
		app: todoApp(frontendRef("b")), found: holding("b").notHandedOver("b"),
		want: `foreign-secret spec.frontend.secretRef.name: not this app's: to hand it over, run ` +
			`"kubectl annotate secret b todoapp.dev/adopt=team-a"`,
	},
	"not handed over, by an update": {
		old: todoApp(), app: todoApp(backendRef("b")), found: holding("b").notHandedOver("b"),
		want: "foreign-secret spec.backend.secretRef.name: not this app's",
	},
	"not handed over, and called as the default": {
		app: todoApp(), found: holding("team-a-backend-auth").notHandedOver("team-a-backend-auth"),
		want: "foreign-secret spec.backend.secretRef.name: not this app's",
	},
	"not handed over, and called as the keyring": {
		app: todoApp(), found: holding("team-a-keyring").notHandedOver("team-a-keyring"),
		want: "foreign-secret metadata.name: not this app's",
	},
	"not handed over, and left as it was": {
		old: todoApp(frontendRef("b")), app: todoApp(frontendRef("b"), backendRef("c")), found: holding("b", "c").notHandedOver("b"),
	},
	"not handed over, but the operator's of this app": {
		app:   todoApp(frontendRef("b")),
		found: holding("b").owned("b", "team-a").changed("b", func(s *corev1.Secret) { s.OwnerReferences = nil }),
	},
	"handed over to another app": {
		app: todoApp(frontendRef("b")), found: holding("b").changed("b", func(s *corev1.Secret) {
			s.Annotations[todov1.AnnotationAdopt] = "team-b"
		}),
		want: `foreign-secret spec.frontend.secretRef.name: Secret "b" is handed over to TodoApp team-b`,
	},
	"with entries of somebody else": {
		app: todoApp(frontendRef("stripe")), found: holding("stripe API_KEY x", "stripe WEBHOOK y").notHandedOver("stripe"),
		want: `foreign-secret spec.frontend.secretRef.name: Secret "stripe" also holds API_KEY, WEBHOOK: ` +
			`copy the key into a Secret of its own`,
	},
	"with entries of somebody else, handed over": {
		app: todoApp(backendRef("env")), found: holding("env BETTER_AUTH_SECRET "+secretA, "env DATABASE_URL x"),
		want: `foreign-secret spec.backend.secretRef.name: Secret "env" also holds DATABASE_URL: copy the key`,
	},
	"handed over, with another controller": {
		app: todoApp(frontendRef("b")), found: holding("b").changed("b", func(s *corev1.Secret) {
			s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "SealedSecret", Name: "b", Controller: new(true)}}
		}),
		want: `foreign-secret spec.frontend.secretRef.name: Secret "b" belongs to SealedSecret b: choose another name`,
	},
	"labelled by somebody else's tool": {
		app: todoApp(frontendRef("b")),
		found: holding("b").owned("b", "team-b").changed("b", func(s *corev1.Secret) {
			s.Labels[desired.LabelManagedBy] = "helm"
		}),
		want: `foreign-secret spec.frontend.secretRef.name: Secret "b" belongs to TodoApp team-b`,
	},
	"orphaned": {
		app:   todoApp(frontendRef("b")),
		found: holding("b").owned("b", "team-b").changed("b", func(s *corev1.Secret) { s.OwnerReferences = nil }),
		want:  `foreign-secret spec.frontend.secretRef.name: Secret "b" belongs to TodoApp "team-b"`,
	},
	"owned by another kind": {
		app: todoApp(frontendRef("b")),
		found: holding("b").owned("b", "team-b").changed("b", func(s *corev1.Secret) {
			s.OwnerReferences[0].APIVersion = "example.com/v1"
		}),
		want: `foreign-secret spec.frontend.secretRef.name: Secret "b" belongs to TodoApp team-b`,
	},
}
