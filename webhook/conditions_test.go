package webhook

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/randfill"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// hooks are those of the webhook's configuration.
func hooks(t testing.TB) []admissionv1.ValidatingWebhook {
	var configuration admissionv1.ValidatingWebhookConfiguration
	file, err := os.ReadFile("../config/webhook/validatingwebhookconfiguration.yaml")
	if err == nil {
		err = yaml.UnmarshalStrict(file, &configuration)
	}
	if err != nil {
		t.Fatal(err)
	}
	return configuration.Webhooks
}

// Both hooks fail closed, and soon, and neither is asked about what is going away.
func TestHooks(t *testing.T) {
	all := hooks(t)
	for _, h := range all {
		closed := *h.FailurePolicy == admissionv1.Fail && *h.MatchPolicy == admissionv1.Equivalent &&
			*h.SideEffects == admissionv1.SideEffectClassNone
		if !closed || *h.TimeoutSeconds != 5 || h.MatchConditions[0].Name != "not-going-away" {
			t.Errorf("%s: %+v", h.Name, h)
		}
	}
	if len(all) != 2 {
		t.Errorf("%d hooks", len(all))
	}
}

// condition compiles one of the webhook's configuration, which says whether the webhook is asked about an update.
func condition(t testing.TB, hook, name string) func(t *testing.T, old, object any) bool {
	all := hooks(t)
	w := slices.IndexFunc(all, func(w admissionv1.ValidatingWebhook) bool { return w.Name == hook })
	conditions := all[w].MatchConditions
	c := slices.IndexFunc(conditions, func(c admissionv1.MatchCondition) bool { return c.Name == name })
	env, err := cel.NewEnv(cel.OptionalTypes(), cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType))
	if err != nil {
		t.Fatal(err)
	}
	ast, issues := env.Compile(conditions[c].Expression)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	program, err := env.Program(ast)
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, old, object any) bool {
		asked, _, err := program.Eval(map[string]any{"object": fields(t, object), "oldObject": fields(t, old)})
		if err != nil {
			t.Fatal(err)
		}
		return asked.Value().(bool)
	}
}

// fields are an object's as the API server has them.
func fields(t *testing.T, object any) map[string]any {
	all, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// arbitraryValid gives a variable no more than one source, as the API server does: conditions only meet what it admits.
func arbitraryValid(data []byte, objects ...any) {
	fill(filler(data).Funcs(func(s *corev1.EnvVarSource, c randfill.Continue) {
		switch c.Intn(4) {
		case 0:
			c.Fill(&s.FieldRef)
		case 1:
			c.Fill(&s.ConfigMapKeyRef)
		default:
			c.Fill(&s.SecretKeyRef)
		}
	}), objects)
}

// mix takes single fields of one object into the other, where take says so.
func mix(into, from map[string]any, take func() bool) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		value := from[name]
		below, both := into[name].(map[string]any)
		if other, ok := value.(map[string]any); both && ok {
			mix(below, other, take)
		} else if take() {
			into[name] = value
		}
	}
}

// FuzzUpdate holds the rules to what the webhook's configuration relies on: of an update that it is not asked about, they
// say what they say of an update that changes nothing.
func FuzzUpdate(f *testing.F) {
	seed(f)
	asked := condition(f, "todoapps.todoapp.dev", "changes-what-is-judged")
	f.Fuzz(func(t *testing.T, input []byte) {
		old, other, app := todoApp(), todoApp(), todoApp()
		var have secrets
		var others []todov1.TodoApp
		arbitraryValid(input, &old.Spec, &other.Spec, &old.Annotations, &app.Annotations, &have, &others)
		spec, n := fields(t, &old.Spec), 0
		mix(spec, fields(t, &other.Spec), func() bool { n++; return len(input) > n && input[n]%16 == 0 })
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(spec, &app.Spec); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(desired.Secrets(old), "") || asked(t, old, app) {
			return // the schema refuses empty names
		}
		if added := newAccesses(accessesOf(old), accessesOf(app)); len(added) > 0 {
			t.Errorf("not asked about, but it adds the references %v", added)
		}
		say := func(app *todov1.TodoApp) string {
			refusals, warnings := checkTodoApp(old, app, have, others)
			return fmt.Sprint(refusals, warnings)
		}
		if is, was := say(app), say(old); is != was {
			t.Errorf("not asked about, but the rules say %s, and not %s", is, was)
		}
	})
}

// TestWarningsOfAPauseAreAskedFor: a pause and its end are not asked for, because they must be possible while the operator is away.
func TestWarningsOfAPauseAreAskedFor(t *testing.T) {
	asked := condition(t, "todoapps.todoapp.dev", "changes-what-is-judged")
	with := func(value string) *todov1.TodoApp { return todoApp(annotated(todov1.AnnotationPaused, value)) }
	revoked := with("true")
	revoking(revoked)
	for name, c := range map[string]struct {
		old, app *todov1.TodoApp
		want     bool
	}{
		"a pause":                      {todoApp(), with("true"), false},
		"its end":                      {with("true"), todoApp(), false},
		"a value that pauses nothing":  {todoApp(), with("True"), true},
		"a revocation of a paused app": {with("true"), revoked, true},
		"a revocation":                 {todoApp(), todoApp(revoking), false},
		"replicas beside autoscaling":  {todoApp(scaled(1)), todoApp(scaled(3)), true},
		"autoscaling":                  {todoApp(), todoApp(scaled(1)), false},
	} {
		if got := asked(t, c.old, c.app); got != c.want {
			t.Errorf("%s: asked %t, want %t", name, got, c.want)
		}
	}
}

func TestEveryReservedVariableIsAskedAbout(t *testing.T) {
	asked := condition(t, "todoapps.todoapp.dev", "changes-what-is-judged")
	for _, name := range append(slices.Clone(reserved), "BETTER_AUTH_TRUSTED_ORIGINS") {
		variable := corev1.EnvVar{Name: name, Value: "x"}
		for _, app := range []*todov1.TodoApp{todoApp(frontendEnv(variable)), todoApp(backendEnv(variable))} {
			if got := asked(t, todoApp(), app); got != slices.Contains(reserved, name) {
				t.Errorf("%s: asked about is %v", name, got)
			}
		}
	}
}

// A Secret that a workload newly hands to a CSI driver is a reference like any other.
func TestASecretForACSIDriverIsAskedAbout(t *testing.T) {
	asked := condition(t, "workloads.todoapp.dev", "takes-in-more")
	with := func(ref *corev1.LocalObjectReference) *appsv1.Deployment {
		return labelled(corev1.PodSpec{Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
			CSI: &corev1.CSIVolumeSource{Driver: "csi.example.com", NodePublishSecretRef: ref}}}}})
	}
	none, one := with(nil), with(&corev1.LocalObjectReference{Name: "s"})
	if !asked(t, none, one) || asked(t, one, none) || asked(t, one, one) {
		t.Error("the webhook is asked about the wrong change")
	}
	if added := newAccesses(accessesIn(none), accessesIn(one)); len(added) != 1 || added[0].name != "s" {
		t.Errorf("it adds the references %v", added)
	}
}

// FuzzLess is the same of workloads: of one that was admitted, every one is too that is labelled the same and takes in no
// more, whichever container takes it in. About such an update the webhook is not asked.
func FuzzLess(f *testing.F) {
	seed(f)
	asked := condition(f, "workloads.todoapp.dev", "takes-in-more")
	f.Fuzz(func(t *testing.T, input []byte) {
		var spec, other, is corev1.PodSpec
		arbitraryValid(input, &spec.Containers, &spec.Volumes, &spec.InitContainers, &other.Containers, &other.Volumes,
			&spec.ImagePullSecrets, &other.ImagePullSecrets)
		refused := func(d *appsv1.Deployment) bool {
			refusals, _ := checkWorkload(d.Labels, &d.Spec.Template, nil, podCase{}.results())
			return len(refusals) > 0
		}
		old := labelled(spec)
		if refused(old) {
			return
		}
		n, less := 0, true
		keep := func() bool { n++; return len(input) > n && input[n]%4 > 0 }
		add := func() bool { n++; add := len(input) > n && input[n]%8 == 0; less = less && !add; return add }
		is.Containers = []corev1.Container{{}}
		takeIn(&is, &spec, keep)
		takeIn(&is, &other, add)
		now := labelled(is)
		relabel(now.Labels, add)
		relabel(now.Spec.Template.Labels, add)
		if asked(t, old, now) {
			if less {
				t.Error("asked about, though it takes in no more than what was admitted")
			}
		} else if refused(now) {
			t.Error("not asked about, but refused")
		} else if added := newAccesses(accessesIn(old), accessesIn(now)); len(added) > 0 {
			t.Errorf("not asked about, but it adds the references %v", added)
		}
	})
}

func accessesIn(d *appsv1.Deployment) []access {
	return accessesOfPod(&d.Spec.Template.Spec, templatePath)
}

// relabel has some labels say something else.
func relabel(labels map[string]string, some func() bool) {
	if some() {
		labels[todov1.LabelApp] = "My_App"
	}
	if some() {
		labels[todov1.LabelComponent] = todov1.ComponentBackend
	}
}

// takeIn has the first container of a pod, and its volumes, take in some of what another pod does.
func takeIn(pod, from *corev1.PodSpec, some func() bool) {
	into := &pod.Containers[0]
	for _, c := range slices.Concat(from.InitContainers, from.Containers) {
		into.Env = appendSome(into.Env, c.Env, some)
		into.EnvFrom = appendSome(into.EnvFrom, c.EnvFrom, some)
	}
	pod.Volumes = appendSome(pod.Volumes, from.Volumes, some)
	pod.ImagePullSecrets = appendSome(pod.ImagePullSecrets, from.ImagePullSecrets, some)
}

func appendSome[T any](to, from []T, some func() bool) []T {
	for _, one := range from {
		if some() {
			to = append(to, one)
		}
	}
	return to
}

// labelled has at least one container: the API server asks about no other pod.
func labelled(pod corev1.PodSpec) *appsv1.Deployment {
	pod.Containers = append(pod.Containers, corev1.Container{})
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Labels: podCase{}.labels()}}
	deployment.Spec.Template = *podCase{pod: pod}.template()
	return deployment
}
