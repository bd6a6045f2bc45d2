package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// reads has Secrets, ConfigMaps and TodoApps, and remembers what it was asked for by name.
type reads struct {
	client.Reader
	have       secrets
	configMaps map[string][]string
	apps       []todov1.TodoApp
	mu         sync.Mutex
	asked      []string
}

func (r *reads) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, key.Name)
	found := false
	switch into := into.(type) {
	case *corev1.Secret:
		if found = r.have[key.Name] != nil; found {
			r.have[key.Name].DeepCopyInto(into)
		}
	case *corev1.ConfigMap:
		var entries []string
		if entries, found = r.configMaps[key.Name]; found {
			into.Data = map[string]string{}
			for _, entry := range entries {
				into.Data[entry] = "x"
			}
		}
	case *todov1.TodoApp:
		i := slices.IndexFunc(r.apps, func(a todov1.TodoApp) bool { return a.Name == key.Name })
		if found = i >= 0; found {
			r.apps[i].DeepCopyInto(into)
		}
	}
	if !found {
		return apierrors.NewNotFound(corev1.Resource("objects"), key.Name)
	}
	return nil
}

// List returns the TodoApps that name a Secret, and an error for every other list.
func (r *reads) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	var asked client.ListOptions
	asked.ApplyOptions(options)
	list, ok := into.(*todov1.TodoAppList)
	if !ok || asked.FieldSelector == nil {
		return fmt.Errorf("a namespace is listed into %T", into)
	}
	secret, ok := asked.FieldSelector.RequiresExactMatch(desired.IndexNamedSecrets)
	if !ok {
		return errors.New("all TodoApps of a namespace are listed")
	}
	for i := range r.apps {
		if slices.Contains(desired.NamedSecrets(&r.apps[i]), secret) {
			list.Items = append(list.Items, r.apps[i])
		}
	}
	return nil
}

func TestOnlySecretsThatADecisionIsAboutAreRead(t *testing.T) {
	own := []string{"team-a-backend-auth", "team-a-frontend-auth", "team-a-keyring"}
	for name, c := range map[string]struct {
		old, app *todov1.TodoApp
		have     secrets
		want     []string
	}{
		"creation":                   {nil, todoApp(), nil, own},
		"creation with a source":     {nil, todoApp(sourceRef("vault", "key")), nil, append(slices.Clone(own), "vault")},
		"another URL":                {todoApp(), todoApp(frontendURL("https://todo.example.com")), nil, nil},
		"a Secret that is not there": {todoApp(), todoApp(frontendRef("web")), holding("team-a-backend-auth"), []string{"web"}},
		"a Secret that is there": {todoApp(), todoApp(frontendRef("web")), holding("web"),
			[]string{"team-a-backend-auth", "team-a-keyring", "web"}},
		"another entry of the source": {todoApp(sourceRef("vault", "old")), todoApp(sourceRef("vault", "key")), holding("vault"),
			append(slices.Clone(own), "vault")},
		"a variable from a Secret": {todoApp(), todoApp(backendEnv(fromSecretKey("X", "x", "y"))), holding("x"), []string{"x"}},
		"variables from one Secret": {todoApp(),
			todoApp(backendEnv(fromSecretKey("X", "x", "y"), fromSecretKey("Y", "x", "z"))), nil, []string{"x"}},
		"another variable from the same Secret": {todoApp(backendEnv(fromSecretKey("X", "x", "y"))),
			todoApp(backendEnv(fromSecretKey("Z", "x", "z"))), holding("x"), nil},
		"a variable that is left as it was": {todoApp(backendEnv(fromSecretKey("X", "x", "y"))),
			todoApp(backendEnv(fromSecretKey("X", "x", "y")), frontendURL("https://todo.example.com")), holding("x"), nil},
		"databases and a certificate": {todoApp(postgres),
			todoApp(frontendDatabase("f", "url"), backendDatabase("b", "url"), ingressTLS("tls")), nil, []string{"b", "f", "tls"}},
		"a variable from the keyring": {todoApp(), todoApp(backendEnv(fromSecretKey("X", "team-a-keyring", "y"))), nil, nil},
		"a variable from a ConfigMap": {todoApp(), todoApp(backendEnv(fromConfigMapKey("X", "x", "y"))), nil, nil},
		"a variable beside a reference": {todoApp(), todoApp(frontendRef("web"), backendEnv(fromSecretKey("X", "x", "y"))),
			holding("x"), []string{"web", "x"}},
		"no source any more": {todoApp(sourceRef("vault", "key")), todoApp(), holding("vault"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			reader := &reads{have: c.have}
			found, _, err := todoAppValidator{reader, reader}.gather(t.Context(), c.old, c.app)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(reader.asked)
			if !slices.Equal(reader.asked, c.want) {
				t.Errorf("read %v, expected %v", reader.asked, c.want)
			}
			for name := range found {
				if c.have[name] == nil {
					t.Errorf("found %q, which is not there", name)
				}
			}
		})
	}
}
