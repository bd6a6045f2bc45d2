package webhook

import (
	"context"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// reads has Secrets, and remembers which it was asked for.
type reads struct {
	client.Reader
	have  secrets
	mu    sync.Mutex
	asked []string
}

func (r *reads) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, key.Name)
	secret, ok := r.have[key.Name]
	if !ok {
		return apierrors.NewNotFound(corev1.Resource("secrets"), key.Name)
	}
	secret.DeepCopyInto(into.(*corev1.Secret))
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
			found, err := todoAppValidator{reader}.lookup(t.Context(), c.old, c.app)
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
