package webhook

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// decode fills objects from fuzzed JSON, as far as it goes: what is left is arbitrary, and that is the point.
func decode(data []byte, into ...any) {
	for i, part := range strings.SplitN(string(data), "\n", len(into)) {
		_ = json.Unmarshal([]byte(part), into[i])
	}
}

// FuzzTodoApp holds arbitrary TodoApps and Secrets to: no panic, no secret in a message, no reserved variable admitted.
func FuzzTodoApp(f *testing.F) {
	f.Add([]byte(`{"metadata":{"name":"a"}}` + "\n" + `{"metadata":{"name":"a"},"spec":{"frontend":{"env":[{"name":"BETTER_AUTH_SECRET"}]}}}` + "\n" +
		`{"a-frontend-auth":{"metadata":{"name":"x"},"data":{"BETTER_AUTH_SECRET":"eA=="}}}`))
	f.Add([]byte(`null` + "\n" + `{"metadata":{"name":"a"},"spec":{"auth":{"source":{"secretRef":{"name":"v","key":"k"}}},"backend":{"env":[{"name":"X","valueFrom":{"secretKeyRef":{"name":"y","key":"BETTER_AUTH_SECRETS"}}}]}}}` + "\n" +
		`{"v":{"data":{"k":"c2hvcnQ="}},"a-keyring":{"data":{"keyring.json":"W10="}}}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		var old *todov1.TodoApp
		app, found := &todov1.TodoApp{}, secrets{}
		decode(input, &old, app, &found)
		if len(app.Name) > 253 {
			return
		}
		refusals, warnings := checkTodoApp(old, app, found)
		admitted := len(refusals) == 0
		for _, e := range slices.Concat(app.Spec.Frontend.Env, app.Spec.Backend.Env) {
			_, entry := drawn(e)
			if admitted && (slices.Contains(reserved, e.Name) || slices.Contains(reserved, entry)) {
				t.Errorf("admitted %s from entry %q", e.Name, entry)
			}
		}
		said := strings.Join(warnings, "\n")
		for _, r := range refusals {
			said += "\n" + r.Error()
		}
		for _, secret := range found {
			if secret == nil {
				continue
			}
			for _, value := range secret.Data {
				if len(value) > 20 && strings.Contains(said, string(value)) && !strings.Contains(string(input), string(value)) {
					t.Errorf("shows a value: %s", said)
				}
			}
		}
	})
}

// FuzzWorkload holds arbitrary pods to: no panic, and a shared variable is admitted from the app's own Secret only.
// What a container would get is worked out here a second time, the way the kubelet does.
func FuzzWorkload(f *testing.F) {
	for _, cases := range []map[string]podCase{referenceCases, wholeCases, volumeCases, forbiddenCases} {
		for _, c := range cases {
			spec, err := json.Marshal(c.pod)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(spec)
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var spec corev1.PodSpec
		decode(input, &spec)
		c := podCase{pod: spec}
		around := c.surroundings()
		if refusals, _ := checkPod(c.labels(), &spec, specPath, around); len(refusals) > 0 {
			return
		}
		for _, container := range slices.Concat(spec.InitContainers, spec.Containers) {
			deliver(t, container.Env, container.EnvFrom, around)
		}
		for _, container := range spec.EphemeralContainers {
			deliver(t, container.Env, container.EnvFrom, around)
		}
		for _, v := range spec.Volumes {
			if v.Secret != nil && (v.Secret.SecretName == "foreign" || v.Secret.SecretName == "shop-keyring") && len(v.Secret.Items) == 0 {
				t.Errorf("admitted a volume of %s", v.Secret.SecretName)
			}
		}
	})
}

// deliver fails when a container would get a shared variable from anything but the app's own Secret.
func deliver(t *testing.T, env []corev1.EnvVar, envFrom []corev1.EnvFromSource, around surroundings) {
	shared := sets.New("BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS")
	for _, e := range envFrom {
		var keys []string
		switch {
		case e.SecretRef != nil && e.SecretRef.Name != own:
			keys = around.secrets[e.SecretRef.Name]
		case e.ConfigMapRef != nil:
			keys = around.configMaps[e.ConfigMapRef.Name]
		}
		for _, key := range keys {
			if shared.Has(e.Prefix + key) {
				t.Errorf("admitted %s%s from %v", e.Prefix, key, e)
			}
		}
	}
	for _, e := range env {
		fromOwn := e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil && e.ValueFrom.SecretKeyRef.Name == own
		if shared.Has(e.Name) && !fromOwn {
			t.Errorf("admitted %v", e)
		}
	}
}
