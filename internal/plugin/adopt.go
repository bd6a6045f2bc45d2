package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// fieldOwner is the name under which the plugin changes objects.
const fieldOwner = "kubectl-todoapp"

// adoption is what the flags of adopt ask for.
type adoption struct {
	name, frontend, backend string
	apply                   bool
}

// adoptCommand returns the command that takes over an existing secret.
func adoptCommand(c *cluster) *cobra.Command {
	var a adoption
	command := &cobra.Command{
		Use:   "adopt NAME --frontend SECRET --backend SECRET",
		Short: "Check whether existing Secrets can be taken over, and take them over",
		Long: "Check whether two existing Secrets with BETTER_AUTH_SECRET can become those of a new TodoApp, without signing users " +
			"out, and say what changes. With --apply, the Secrets are handed over and the TodoApp is created, with a backend of 0 " +
			"replicas and without a schedule: your pods keep running.",
		Example: "  kubectl todoapp adopt shop --frontend web --backend api\n" +
			"  kubectl todoapp adopt shop --frontend web --backend api --apply",
		Args: oneName, ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := command.Flags()
	flags.StringVar(&a.frontend, "frontend", "", "the `Secret` that the frontend reads (required)")
	flags.StringVar(&a.backend, "backend", "", "the `Secret` that the backend reads (required)")
	flags.BoolVar(&a.apply, "apply", false, "hand the Secrets over and create the TodoApp")
	rights := append(onApps("get", "list", "create"), readSecrets, right{verb: "patch", resource: "secrets"})
	command.RunE = c.connected(rights, func(ctx context.Context, args []string) error {
		if a.name = args[0]; a.frontend == "" || a.backend == "" {
			return usagef("--frontend and --backend are required: the Secrets that hold BETTER_AUTH_SECRET")
		}
		return c.adopt(ctx, a)
	})
	return command
}

// app returns the TodoApp that an adoption creates. It starts no pod and schedules no rotation.
func (a adoption) app(namespace string) *todov1.TodoApp {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: a.name}}
	app.Spec.Frontend.SecretRef = &todov1.SecretReference{Name: a.frontend}
	app.Spec.Backend.SecretRef = &todov1.SecretReference{Name: a.backend}
	app.Spec.Backend.Replicas = new(int32)
	app.Spec.Auth.Rotation.Interval = &metav1.Duration{}
	return app
}

// adopt checks an adoption, and carries it out if that is asked for.
func (c *cluster) adopt(ctx context.Context, a adoption) error {
	app := a.app(c.namespace)
	if err := c.Get(ctx, client.ObjectKeyFromObject(app), &todov1.TodoApp{}); err == nil {
		return fmt.Errorf("TodoApp %s exists already: to change its Secrets, see docs/adopting.md", a.name)
	} else if !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading TodoApp %s: %w", a.name, err)
	}
	secrets := make([]*corev1.Secret, 2)
	for i, name := range []string{a.frontend, a.backend} {
		secret := &corev1.Secret{}
		err := c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, secret)
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("namespace %s has no Secret %s: kubectl -n %s get secrets", c.namespace, name, c.namespace)
		}
		if err != nil {
			return fmt.Errorf("reading Secret %s: %w", name, err)
		}
		secrets[i] = secret
	}
	var others todov1.TodoAppList
	if err := c.List(ctx, &others, client.InNamespace(c.namespace)); err != nil {
		return fmt.Errorf("listing the TodoApps of namespace %s: %w", c.namespace, err)
	}
	if problems := append(adoptionProblems(app, secrets[0], secrets[1]), claims(app, others.Items)...); len(problems) > 0 {
		c.printf("Not possible yet:\n")
		for _, problem := range problems {
			c.printf("%s", hanging("  - ", problem))
		}
		return exitError{exitFailed, errSilent}
	}
	if err := c.tryAdoption(ctx, app, secrets); err != nil {
		return err
	}
	c.printf("%s", adoptionText(app, keyring.Value(secrets[0].Data[keyring.EntrySecret])))
	if !a.apply {
		c.printf("Nothing was changed. Add --apply to do it.\n")
		return nil
	}
	return c.applyAdoption(ctx, app, secrets)
}

// applyAdoption hands the Secrets over and creates the app. If the app is rejected, the Secrets are as they were.
func (c *cluster) applyAdoption(ctx context.Context, app *todov1.TodoApp, secrets []*corev1.Secret) error {
	var undo []func() error
	for _, secret := range secrets {
		before := secret.DeepCopy()
		after := secret.DeepCopy()
		metav1.SetMetaDataAnnotation(&after.ObjectMeta, todov1.AnnotationAdopt, app.Name)
		if err := c.Patch(ctx, after, client.MergeFrom(before), client.FieldOwner(fieldOwner)); err != nil {
			return errors.Join(fmt.Errorf("handing over Secret %s: %w", secret.Name, err), undoAll(undo))
		}
		undo = append(undo, func() error {
			marked := after.DeepCopy()
			after.Annotations = before.Annotations
			return c.Patch(ctx, after, client.MergeFrom(marked), client.FieldOwner(fieldOwner))
		})
	}
	c.warnings = nil
	if err := c.Create(ctx, app, client.FieldOwner(fieldOwner)); err != nil {
		return errors.Join(fmt.Errorf("creating TodoApp %s: %w", app.Name, err), undoAll(undo))
	}
	for _, warning := range c.warnings {
		c.notef("warning: %s", warning)
	}
	c.printf("Done. Next: label your workloads (docs/adopting.md, step 4), then kubectl todoapp rotate %s -n %s --wait\n",
		app.Name, app.Namespace)
	return nil
}

// undoAll removes the marks of Secrets again.
func undoAll(undo []func() error) error {
	var failed error
	for _, one := range undo {
		if err := one(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("removing the annotation %s again: %w", todov1.AnnotationAdopt, err))
		}
	}
	return failed
}

// adoptionProblems says why two Secrets cannot be adopted, and what to do about each problem. It shows no value.
func adoptionProblems(app *todov1.TodoApp, frontend, backend *corev1.Secret) []string {
	var problems []string
	secrets := []*corev1.Secret{frontend, backend}
	if frontend.Name == backend.Name {
		secrets = secrets[:1]
		problems = append(problems, "one Secret for both components cannot be adopted: copy it, and let the backend read the copy")
	}
	for _, secret := range secrets {
		for _, problem := range secretProblems(app, secret) {
			problems = append(problems, "Secret "+secret.Name+" "+problem)
		}
	}
	one, other := keyring.Value(frontend.Data[keyring.EntrySecret]), keyring.Value(backend.Data[keyring.EntrySecret])
	if one != "" && other != "" && one != other {
		text := fmt.Sprintf("Secrets %s and %s contain different values of %s: find out which users depend on, and write it into both",
			frontend.Name, backend.Name, keyring.EntrySecret)
		if strings.TrimSpace(string(one)) == strings.TrimSpace(string(other)) {
			text += ". They differ in space or line breaks at their ends only: kubectl create secret --from-file keeps a line break"
		}
		problems = append(problems, text)
	}
	return problems
}

// secretProblems says why one Secret cannot be adopted. Each problem continues a sentence that names the Secret.
func secretProblems(app *todov1.TodoApp, secret *corev1.Secret) []string {
	var problems []string
	value := keyring.Value(secret.Data[keyring.EntrySecret])
	switch {
	case value == "" && len(secret.Data[keyring.EntrySecrets]) == 0:
		problems = append(problems, "has no entry "+keyring.EntrySecret)
	case value != "" && !keyring.Portable(value):
		problems = append(problems, "has a value with a comma, a line break or space around it, which "+keyring.EntrySecrets+
			" cannot carry: replace the value once by hand")
	}
	if secret.Immutable != nil && *secret.Immutable {
		problems = append(problems, "is immutable: copy it into a new Secret")
	}
	if secret.Type != corev1.SecretTypeOpaque && secret.Type != "" {
		problems = append(problems, fmt.Sprintf("has the type %s: copy it into a new Secret of type Opaque", secret.Type))
	}
	marked := secret.DeepCopy()
	mark := marked.Annotations[todov1.AnnotationAdopt]
	metav1.SetMetaDataAnnotation(&marked.ObjectMeta, todov1.AnnotationAdopt, app.Name)
	if ownership := desired.OwnershipOf(marked, app); ownership.Foreign() {
		problems = append(problems, ownership.Reason+": "+ownership.Advice)
	} else if mark != "" && mark != app.Name {
		problems = append(problems, "is handed over to TodoApp "+mark+": remove its annotation "+todov1.AnnotationAdopt)
	}
	return problems
}

// adoptionText says what an adoption changes.
func adoptionText(app *todov1.TodoApp, value keyring.Value) string {
	frontend, backend := desired.FrontendSecret(app), desired.BackendSecret(app)
	text := indented(fmt.Sprintf("Possible. Secrets %s and %s hold the same key, which becomes key 1 of TodoApp %s. No user is "+
		"signed out and none of your pods restarts.", frontend, backend, app.Name), 0) +
		"What changes:\n" +
		hanging("  - ", fmt.Sprintf("both Secrets get the annotation %s=%s and further entries; the TodoApp owns them then, locks them "+
			"against changes by others, and deletes them when it is deleted", todov1.AnnotationAdopt, app.Name)) +
		hanging("  - ", fmt.Sprintf("Secret %s is created, and a Deployment and a Service %s without pods, and a claim %s of 1Gi",
			desired.Keyring(app), desired.Backend(app), desired.Data(app)))
	if err := keyring.Check(value); err != nil && value != "" {
		text += hanging("  - ", fmt.Sprintf("the key is weak (it %s): rotate soon after", err))
	}
	return text
}
