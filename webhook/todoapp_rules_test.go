package webhook

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// todoAppCase is one decision; want is "" for admitted, else "rule field: part of the message".
type todoAppCase struct {
	old, app *todov1.TodoApp
	found    secrets
	others   []todov1.TodoApp
	want     string
	warning  string
}

// maxMessage is how many characters a message has at most, of its own and in the names that it shows. With the field and
// what kubectl says around them a line then has up to 170, to which the messages in the documentation are held as printed.
const maxMessage = 130

func check(t *testing.T, refusals field.ErrorList, warnings []string, want, warning string) {
	t.Helper()
	var got string
	said := warnings
	if len(refusals) > 0 {
		got = refusals[0].Origin + " " + refusals[0].Field + ": " + refusals[0].Detail
		said = append(slices.Clone(warnings), refusals[0].Detail)
	}
	if want == "" && got != "" || !strings.HasPrefix(got, want) || len(refusals) > 1 {
		t.Errorf("got  %v\nwant %q", refusals, want)
	}
	warned := strings.Join(warnings, "\n")
	if warning == "" && warned != "" || !strings.Contains(warned, warning) {
		t.Errorf("warned %q, want %q", warned, warning)
	}
	for _, message := range said {
		if len(message) > maxMessage {
			t.Errorf("%d characters are too long: %s", len(message), message)
		}
		if strings.Contains(message, secretA) || strings.Contains(message, secretB) {
			t.Errorf("shows a secret: %s", message)
		}
	}
}

func TestTodoAppRules(t *testing.T) {
	for _, cases := range []map[string]todoAppCase{
		adoptionCases, ownerCases, replacementCases, writableCases, sourceCases, envCases, specCases, pausedCases, templateCases,
		autoscalingCases,
	} {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				refusals, warnings := checkTodoApp(c.old, c.app, c.found, c.others)
				check(t, refusals, warnings, c.want, c.warning)
			})
		}
	}
}

var adoptionCases = map[string]todoAppCase{
	"nothing exists": {app: todoApp()},
	"both exist and differ": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET "+secretA, "team-a-backend-auth BETTER_AUTH_SECRET "+secretB),
		want:  `secret-mismatch spec.frontend.secretRef.name: Secrets "team-a-frontend-auth" and "team-a-backend-auth" hold different`,
	},
	"both exist and agree": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET "+secretA, "team-a-backend-auth BETTER_AUTH_SECRET "+secretA),
	},
	"named Secrets differ": {
		app:   todoApp(frontendRef("web"), backendRef("api")),
		found: holding("web BETTER_AUTH_SECRET "+secretA, "api BETTER_AUTH_SECRET "+secretB),
		want:  `secret-mismatch spec.frontend.secretRef.name: Secrets "web" and "api" hold different`,
	},
	"named by an update": {
		old: todoApp(), app: todoApp(frontendRef("web"), backendRef("api")),
		found: holding("web BETTER_AUTH_SECRET "+secretA, "api BETTER_AUTH_SECRET "+secretB),
		want:  `secret-mismatch`,
	},
	"left as it was by an update": {
		old: todoApp(), app: todoApp(frontendURL("https://todo.example.com")),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET "+secretA, "team-a-backend-auth BETTER_AUTH_SECRET "+secretB),
	},
	"only one exists": {
		app: todoApp(), found: holding("team-a-frontend-auth BETTER_AUTH_SECRET " + secretA),
	},
	"one exists without a value": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET "+secretA, "team-a-backend-auth BETTER_AUTH_SECRET "),
	},
	"lists agree": {
		app: todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRETS 2:"+secretB+",1:"+secretA,
			"team-a-backend-auth BETTER_AUTH_SECRETS 2:"+secretB),
	},
	"lists differ under one version": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRETS 1:"+secretA, "team-a-backend-auth BETTER_AUTH_SECRETS 1:"+secretB),
		want:  "secret-mismatch",
	},
	"a value that lists cannot carry": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET " + secretA + "\n"),
		want:  `secret-mismatch spec.frontend.secretRef.name: Secret "team-a-frontend-auth": BETTER_AUTH_SECRET has a comma, line break`,
	},
	"a value of the backend that lists cannot carry": {
		app: todoApp(backendRef("api")), found: holding("api BETTER_AUTH_SECRET " + secretA + "\n"),
		want: `secret-mismatch spec.backend.secretRef.name: Secret "api": BETTER_AUTH_SECRET has a comma, line break`,
	},
	"one that contradicts itself": {
		app:   todoApp(frontendRef("web")),
		found: holding("web BETTER_AUTH_SECRET "+secretA, "web BETTER_AUTH_SECRETS 1:"+secretB),
		want: `secret-mismatch spec.frontend.secretRef.name: ` +
			`Secret "web": BETTER_AUTH_SECRET is not in its BETTER_AUTH_SECRETS: correct it`,
	},
	"a backend's that contradicts itself": {
		app:   todoApp(frontendRef("web"), backendRef("api")),
		found: holding("web BETTER_AUTH_SECRET "+secretA, "api BETTER_AUTH_SECRET "+secretA, "api BETTER_AUTH_SECRETS 1:"+secretB),
		want:  `secret-mismatch spec.backend.secretRef.name: Secret "api": BETTER_AUTH_SECRET is not in its BETTER_AUTH_SECRETS`,
	},
	"one that has it in its list": {
		app:   todoApp(frontendRef("web")),
		found: holding("web BETTER_AUTH_SECRET "+secretA, "web BETTER_AUTH_SECRETS 2:"+secretB+",1:"+secretA),
	},
	"a list that is no ring": {
		app:   todoApp(backendRef("api")),
		found: holding("api BETTER_AUTH_SECRETS 9007199254740991:" + secretA),
		want: `secret-mismatch spec.backend.secretRef.name: ` +
			`Secret "api": BETTER_AUTH_SECRETS makes no ring: version 9007199254740991 leaves`,
	},
	"lists that are no ring together": {
		app:   todoApp(frontendRef("web"), backendRef("api")),
		found: holding("web BETTER_AUTH_SECRETS 1:"+secretA, "api BETTER_AUTH_SECRETS 1:"+secretA+",2:"+secretB+",3:"+secretC),
		want:  `secret-mismatch spec.frontend.secretRef.name: Secrets "web" and "api": BETTER_AUTH_SECRETS makes no ring: more than one`,
	},
}

var replacementCases = map[string]todoAppCase{
	"an update to a live Secret": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
		want: `secret-replacement spec.backend.secretRef.name: Secret "live" holds a different key: to replace it, ` +
			`annotate todoapp.dev/replace-secret=live`,
	},
	"a creation with a ring kept from before": {
		app:   todoApp(frontendRef("live")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
		want:  `secret-replacement spec.frontend.secretRef.name`,
	},
	"the value is in the ring": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET "+secretB).ring(secretB, secretA),
	},
	"permitted, and not handed over": {
		old: todoApp(), app: todoApp(backendRef("live"), annotated(todov1.AnnotationReplaceSecret, "live")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).notHandedOver("live").ring(secretA),
		want:  "foreign-secret spec.backend.secretRef.name: not this app's",
	},
	"permitted": {
		old: todoApp(), app: todoApp(backendRef("live"), annotated(todov1.AnnotationReplaceSecret, "live")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
	},
	"another is permitted": {
		old: todoApp(), app: todoApp(backendRef("live"), annotated(todov1.AnnotationReplaceSecret, "other")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
		want:  "secret-replacement",
	},
	"holds no value": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET ").ring(secretA),
	},
	"only a list": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRETS 1:" + secretB).ring(secretA), want: "secret-replacement",
	},
	"only a list, of the ring": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRETS 1:" + secretA).ring(secretA),
	},
	"a list of somebody else beside a value of the ring": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET "+secretA, "live BETTER_AUTH_SECRETS 9:"+secretB).ring(secretA),
		want:  "secret-replacement",
	},
	"a second entry of somebody else": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRETS 2:" + secretA + ",1:" + secretB).ring(secretA), want: "secret-replacement",
	},
	"a projection of its own that was let go of": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET "+secretB).owned("live", "team-a").ring(secretA).changed("live",
			func(s *corev1.Secret) { s.OwnerReferences = nil }),
	},
	"left as it was beside another reference": {
		old: todoApp(backendRef("live")), app: todoApp(backendRef("live"), frontendRef("web")),
		found: holding("live BETTER_AUTH_SECRET "+secretB, "web").ring(secretA),
	},
	"a list that is none": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRETS x").ring(secretA), want: "secret-replacement",
	},
	"a projection of its own, edited": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET "+secretB).owned("live", "team-a").ring(secretA),
	},
	"an unreadable ring contains nothing": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET "+secretB).ring(secretA).changed("team-a-keyring", func(s *corev1.Secret) {
			s.Data = nil
		}),
		want: "secret-replacement",
	},
	"left as it was": {
		old: todoApp(backendRef("live")), app: todoApp(backendRef("live"), frontendURL("https://todo.example.com")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
	},
}
