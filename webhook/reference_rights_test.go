package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// authorizer answers access reviews: a user may get the objects that are listed, such as "secrets/db".
type authorizer struct {
	client.Client
	reads
	allowed []string
	failure error
	lock    sync.Mutex
	reviews []authorizationv1.LocalSubjectAccessReview
}

func (a *authorizer) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	return a.reads.Get(ctx, key, into, options...)
}

func (a *authorizer) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	return a.reads.List(ctx, list, options...)
}

func (a *authorizer) Create(_ context.Context, object client.Object, _ ...client.CreateOption) error {
	review := object.(*authorizationv1.LocalSubjectAccessReview)
	a.lock.Lock()
	defer a.lock.Unlock()
	a.reviews = append(a.reviews, *review.DeepCopy())
	of := review.Spec.ResourceAttributes
	review.Status.Allowed = slices.Contains(a.allowed, of.Resource+"/"+of.Name)
	return a.failure
}

// asked lists the objects that access reviews were about.
func (a *authorizer) asked() []string {
	var all []string
	for _, review := range a.reviews {
		all = append(all, review.Spec.ResourceAttributes.Resource+"/"+review.Spec.ResourceAttributes.Name)
	}
	slices.Sort(all)
	return all
}

// admits is a validator that admits everything, and counts.
type admits[T any] struct{ calls *int }

func (a admits[T]) ValidateCreate(context.Context, T) (admission.Warnings, error) {
	*a.calls++
	return nil, nil
}

func (a admits[T]) ValidateUpdate(context.Context, T, T) (admission.Warnings, error) {
	*a.calls++
	return nil, nil
}

func (admits[T]) ValidateDelete(context.Context, T) (admission.Warnings, error) { return nil, nil }

func asUser(ctx context.Context) context.Context {
	return admission.NewContextWithRequest(ctx, admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		UserInfo: authenticationv1.UserInfo{Username: "jane", UID: "7", Groups: []string{"dev"},
			Extra: map[string]authenticationv1.ExtraValue{"scopes": {"a", "b"}}}}})
}

func appGuard(a *authorizer, mode ReferenceRights, calls *int) guard[*todov1.TodoApp] {
	return guard[*todov1.TodoApp]{
		inner: admits[*todov1.TodoApp]{calls}, kind: "TodoApp", client: a, mode: mode, at: specPath,
		applies: func(*todov1.TodoApp) bool { return true }, size: entriesOf, accesses: accessesOf,
	}
}

func pullSecret(name string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		app.Spec.Backend.Template.ImagePullSecrets = []corev1.LocalObjectReference{{Name: name}}
	}
}

// Every place where a TodoApp refers to a Secret or ConfigMap is asked about, once for each object, if an update adds it.
func TestReferencesOfATodoAppAreJudgedWithTheUsersRights(t *testing.T) {
	for name, c := range map[string]struct {
		old, app *todov1.TodoApp
		have     secrets
		asked    []string
		refused  string // the field of the refusal
	}{
		"nothing": {nil, todoApp(), nil, nil, ""},
		"a source": {
			old: nil, app: todoApp(sourceRef("s", "key")),
			have: nil, asked: []string{"secrets/s"}, refused: "spec.auth.source.secretRef",
		},
		"a frontend's database": {
			old: nil, app: todoApp(frontendDatabase("s", "u")),
			have: nil, asked: []string{"secrets/s"}, refused: "spec.frontend.database.urlSecretRef",
		},
		"a backend's database": {nil, todoApp(backendDatabase("s", "u")), nil, []string{"secrets/s"},
			"spec.backend.storage.postgres.urlSecretRef"},
		"a variable": {
			old: nil, app: todoApp(backendEnv(fromSecretKey("X", "s", "y"))),
			have: nil, asked: []string{"secrets/s"}, refused: "spec.backend.env[X]",
		},
		"a variable of a ConfigMap": {nil, todoApp(frontendEnv(fromConfigMapKey("X", "c", "y"))), nil, []string{"configmaps/c"},
			"spec.frontend.env[X]"},
		"a certificate": {nil, todoApp(ingressTLS("s")), nil, []string{"secrets/s"}, "spec.ingress.tlsSecretName"},
		"a pull Secret": {
			old: nil, app: todoApp(pullSecret("s")),
			have: nil, asked: []string{"secrets/s"}, refused: "spec.backend.template.imagePullSecrets[0]",
		},
		"a Secret to adopt": {nil, todoApp(frontendRef("s")), holding("s BETTER_AUTH_SECRET " + secretA), []string{"secrets/s"},
			"spec.frontend.secretRef.name"},
		"a Secret to create": {nil, todoApp(backendRef("s")), nil, []string{"secrets/s"}, ""},
		"a Secret made for it": {
			old: nil, app: todoApp(backendRef("s")),
			have: holding("s").owned("s", "team-a"), asked: []string{"secrets/s"}, refused: "",
		},
		"one that is allowed": {nil, todoApp(sourceRef("may", "key")), nil, []string{"secrets/may"}, ""},
		"the same reference": {
			old: todoApp(sourceRef("s", "key")), app: todoApp(sourceRef("s", "key"), frontendURL("https://x")),
			have: nil, asked: nil, refused: "",
		},
		"one less": {todoApp(sourceRef("s", "key")), todoApp(), nil, nil, ""},
		"the same, elsewhere": {
			old: todoApp(backendEnv(fromSecretKey("X", "s", "y"))), app: todoApp(frontendEnv(fromSecretKey("Z", "s", "y"))),
			have: nil, asked: nil, refused: "",
		},
		"another entry": {
			old: todoApp(sourceRef("s", "key")), app: todoApp(sourceRef("s", "other")),
			have: nil, asked: []string{"secrets/s"}, refused: "spec.auth.source.secretRef",
		},
		"to adopt, then to read": {
			old: todoApp(frontendRef("s")), app: todoApp(frontendRef("s"), pullSecret("s")),
			have: nil, asked: []string{"secrets/s"}, refused: "spec.backend.template.imagePullSecrets[0]",
		},
		"one object, many places": {
			old: nil, app: todoApp(frontendEnv(fromSecretKey("X", "s", "x"), fromSecretKey("Y", "s", "y")), pullSecret("s")),
			have: nil, asked: []string{"secrets/s"}, refused: "spec.frontend.env[X]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, mode := range []ReferenceRights{Enforce, Warn, Off} {
				a, calls := &authorizer{reads: reads{have: c.have}, allowed: []string{"secrets/may"}}, 0
				g := appGuard(a, mode, &calls)
				var warnings admission.Warnings
				var err error
				if c.old == nil {
					warnings, err = g.ValidateCreate(asUser(t.Context()), c.app)
				} else {
					warnings, err = g.ValidateUpdate(asUser(t.Context()), c.old, c.app)
				}
				wanted, refusals, warned := c.asked, 0, 0
				switch {
				case mode == Off:
					wanted = nil
				case c.refused != "" && mode == Enforce:
					refusals = 1
				case c.refused != "":
					warned = 1
				}
				if got := a.asked(); !slices.Equal(got, wanted) {
					t.Errorf("%s: asked about %v, expected %v", mode, got, wanted)
				}
				said := err == nil || strings.Contains(err.Error(), c.refused+": Forbidden: you may not get")
				if apierrors.IsInvalid(err) != (refusals == 1) || !said || strings.Count(fmt.Sprint(err), "Forbidden") != refusals {
					t.Errorf("%s: %v", mode, err)
				}
				if len(warnings) != warned || warned == 1 && !strings.HasPrefix(warnings[0], c.refused+": you may not get") {
					t.Errorf("%s: warned %q", mode, warnings)
				}
				if calls != 1-refusals {
					t.Errorf("%s: the rules were asked %d times", mode, calls)
				}
			}
		})
	}
}

// The review has all that the API server says about the user, and is local to the namespace.
func TestAccessReviewsAreAboutTheUserOfTheRequest(t *testing.T) {
	a, calls := &authorizer{}, 0
	_, _ = appGuard(a, Enforce, &calls).ValidateCreate(asUser(t.Context()), todoApp(sourceRef("s", "key")))
	spec := a.reviews[0].Spec
	if a.reviews[0].Namespace != "team-a" || spec.User != "jane" || spec.UID != "7" || !slices.Equal(spec.Groups, []string{"dev"}) ||
		!slices.Equal(spec.Extra["scopes"], authorizationv1.ExtraValue{"a", "b"}) ||
		*spec.ResourceAttributes != (authorizationv1.ResourceAttributes{
			Namespace: "team-a", Verb: "get", Version: "v1", Resource: "secrets", Name: "s"}) {
		t.Errorf("%+v", a.reviews[0])
	}
}

func TestWithoutAnAnswerAboutRightsNothingIsAdmitted(t *testing.T) {
	a, calls := &authorizer{failure: errors.New("connection refused")}, 0
	_, err := appGuard(a, Enforce, &calls).ValidateCreate(asUser(t.Context()), todoApp(sourceRef("s", "key")))
	if !apierrors.IsInternalError(err) || calls > 0 {
		t.Errorf("%v after %d calls", err, calls)
	}
	_, err = appGuard(&authorizer{}, Enforce, &calls).ValidateCreate(t.Context(), todoApp(sourceRef("s", "key")))
	if !apierrors.IsInternalError(err) || calls > 0 {
		t.Errorf("without a request: %v after %d calls", err, calls)
	}
}

func podGuard(a *authorizer, calls *int) guard[*appsv1.Deployment] {
	at := templatePath.Child("spec")
	return guard[*appsv1.Deployment]{
		inner: admits[*appsv1.Deployment]{calls}, kind: "Deployment", client: a, mode: Enforce, at: at,
		applies:  func(d *appsv1.Deployment) bool { return d.Labels[todov1.LabelApp] != "" },
		size:     func(d *appsv1.Deployment) int { return entriesOfPod(&d.Spec.Template.Spec) },
		accesses: func(d *appsv1.Deployment) []access { return accessesOfPod(&d.Spec.Template.Spec, at) },
	}
}

func deployment(spec corev1.PodSpec) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "team-a", Labels: frontendLabels()}}
	d.Spec.Template.Spec = spec
	return d
}

// everything is a pod that refers to a different object in each way there is.
func everything() corev1.PodSpec {
	local := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	return corev1.PodSpec{
		ImagePullSecrets: []corev1.LocalObjectReference{local("pull")},
		InitContainers: []corev1.Container{{Name: "init", EnvFrom: []corev1.EnvFromSource{
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: local("from")}},
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: local("from")}}}}},
		Containers: []corev1.Container{{Name: "web", Env: []corev1.EnvVar{
			{Name: "PLAIN", Value: "x"}, fromSecretKey("S", "env", "s"), fromConfigMapKey("C", "env", "c")}}},
		Volumes: []corev1.Volume{
			{Name: "a", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "volume"}}},
			{Name: "b", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: local("volume")}}},
			{Name: "c", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{Secret: &corev1.SecretProjection{LocalObjectReference: local("projected")}},
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: local("projected")}},
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}}}}},
		},
	}
}

// The same holds for workloads, for every way that a pod takes something in, and no pod is given a token.
func TestReferencesOfAWorkloadAreJudgedWithTheUsersRights(t *testing.T) {
	a, calls := &authorizer{}, 0
	every := deployment(everything())
	_, err := podGuard(a, &calls).ValidateCreate(asUser(t.Context()), every)
	want := []string{"configmaps/env", "configmaps/from", "configmaps/projected", "configmaps/volume",
		"secrets/env", "secrets/from", "secrets/projected", "secrets/pull", "secrets/volume"}
	if got := a.asked(); !slices.Equal(got, want) {
		t.Errorf("asked about %v", got)
	}
	if got := strings.Count(fmt.Sprint(err), "you may not get"); got != len(want) || calls > 0 {
		t.Errorf("refused %d of %d, and asked the rules %d times: %v", got, len(want), calls, err)
	}
	const token = "spec.template.spec.volumes[c].projected.sources[2].serviceAccountToken: Forbidden: projects"
	if !strings.Contains(fmt.Sprint(err), token) {
		t.Errorf("the token: %v", err)
	}
	a = &authorizer{}
	fewer := everything()
	fewer.Containers[0].Image, fewer.Volumes = "web:2", fewer.Volumes[1:]
	update := func(old, now *appsv1.Deployment) error {
		_, err := podGuard(a, &calls).ValidateUpdate(asUser(t.Context()), old, now)
		return err
	}
	if err := update(every, deployment(fewer)); err != nil || len(a.reviews) > 0 || calls != 1 {
		t.Errorf("without a new reference: %v, asked about %v", err, a.asked())
	}
	if err := update(deployment(fewer), every); err == nil || !slices.Equal(a.asked(), []string{"secrets/volume"}) {
		t.Errorf("with one new reference: %v, asked about %v", err, a.asked())
	}
	unlabelled := every.DeepCopy()
	unlabelled.Labels = nil
	if err := update(every, unlabelled); err != nil {
		t.Errorf("a workload without labels: %v", err)
	}
	unlabelledBefore := a.asked()
	if err := update(unlabelled, every); err == nil || len(a.asked()) != len(unlabelledBefore)+len(want) {
		t.Errorf("a workload that is labelled now: %v", err)
	}
}

// A review that refers to too much is refused before anything is read or asked.
func TestReferencesAreBounded(t *testing.T) {
	many := func(objects, places int) (env []corev1.EnvVar) {
		for i := range places {
			env = append(env, fromSecretKey(fmt.Sprint("X", i), fmt.Sprint("s", i%objects), "y"))
		}
		return env
	}
	for name, c := range map[string]struct {
		objects, places int
		want            string
	}{
		"as many as there may be": {maxObjects, 3 * maxObjects, ""},
		"one more object":         {maxObjects + 1, maxObjects + 1, "refers to more than 100 Secrets and ConfigMaps"},
		"places by the thousand":  {1, maxEntries + 1, "has more than 10000 variables and volumes"},
	} {
		t.Run(name, func(t *testing.T) {
			allowed := make([]string, maxObjects)
			for i := range allowed {
				allowed[i] = fmt.Sprint("secrets/s", i)
			}
			app, calls := &authorizer{allowed: allowed}, 0
			_, ofApp := appGuard(app, Enforce, &calls).ValidateCreate(asUser(t.Context()), todoApp(backendEnv(many(c.objects, c.places)...)))
			pod := &authorizer{allowed: allowed}
			spec := corev1.PodSpec{Containers: []corev1.Container{{Env: many(c.objects, c.places)}}}
			_, ofPod := podGuard(pod, &calls).ValidateCreate(asUser(t.Context()), deployment(spec))
			for _, err := range []error{ofApp, ofPod} {
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("%.300v", err)
				}
			}
			if asked := len(app.reviews) + len(app.reads.asked) + len(pod.reviews) + len(pod.reads.asked); c.want != "" && asked+calls > 0 {
				t.Errorf("%d requests, %d calls of the rules", asked, calls)
			}
		})
	}
	spec := everything()
	if got := entriesOfPod(&spec); got != 12 {
		t.Errorf("the pod has %d entries", got)
	}
}

// Of a Secret no more is kept than the rules are about, however much it holds.
func TestSecretsAreTrimmed(t *testing.T) {
	large := func(name string) *corev1.Secret {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"x": "y", todov1.LabelApp: "a"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}}}, Data: map[string][]byte{}}
		for i := range 5000 {
			s.Data[fmt.Sprint("entry-", i)] = make([]byte, 100)
		}
		for _, entry := range []string{"BETTER_AUTH_SECRET", "key", "keyring.json"} {
			s.Data[entry] = make([]byte, 100_000)
		}
		return s
	}
	app := todoApp(frontendRef("front"), sourceRef("vault", "key"), backendEnv(fromSecretKey("X", "env", "entry-1")))
	for name, want := range map[string]map[string]int{ // the sizes of the values that are kept
		"front":                 {"BETTER_AUTH_SECRET": maxValue},
		"vault":                 {"BETTER_AUTH_SECRET": maxValue, "key": maxValue},
		desired.Keyring(app):    {"keyring.json": 100_000},
		"env":                   nil,
		"team-a-frontend-auth":  nil,
		"team-a-backend-auth":   {"BETTER_AUTH_SECRET": maxValue},
		"taken whole, a volume": nil,
	} {
		s := large(name)
		trimFor(app)(s)
		got, rest := map[string]int{}, 0
		for entry, value := range s.Data {
			if len(value) > 0 {
				got[entry] = len(value)
			} else {
				rest++
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) && len(want)+len(got) > 0 || rest > maxOthers || len(want) == 0 && rest > 0 {
			t.Errorf("%s keeps %v and %d names", name, got, rest)
		}
		if len(s.Labels) != 1 || s.ManagedFields != nil {
			t.Errorf("%s keeps the metadata %v", name, s.ObjectMeta)
		}
	}
	s := large("whole")
	if trimEntries(s); len(s.Data) != 1 || s.Data["BETTER_AUTH_SECRET"] != nil {
		t.Errorf("taken whole it keeps %d entries", len(s.Data))
	}
}
