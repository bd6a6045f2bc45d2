package plugin

import (
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// completeFlags completes the values of flags. A completion has no place for an error, so it is empty then.
func (c *cluster) completeFlags(root *cobra.Command) {
	register(root, "context", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		names, _ := c.contexts()
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	register(root, "namespace", c.completeNamespaces)
	for _, command := range root.Commands() {
		command.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
			if complete := c.completionOf(flag); complete != nil {
				register(command, flag.Name, complete)
			}
		})
	}
}

// register adds the completion of a flag.
func register(command *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := command.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // the flag does not exist
	}
}

// completionOf returns the completion of a flag of a command. It is nil for flags without a value, and for names of files,
// which the shell completes.
func (c *cluster) completionOf(flag *pflag.Flag) cobra.CompletionFunc {
	kind, _ := pflag.UnquoteUsage(flag)
	switch {
	case kind == "" || kind == "file":
		return nil
	case flag.Name == "output":
		return cobra.FixedCompletions([]cobra.Completion{"json", "yaml"}, cobra.ShellCompDirectiveNoFileComp)
	case kind == "namespace":
		return c.completeNamespaces
	case kind == "Secret":
		return c.completeSecrets
	case kind == "version":
		return c.completeKeys
	default:
		return cobra.NoFileCompletions
	}
}

// completeSecrets completes the names of Secrets.
func (c *cluster) completeSecrets(command *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return c.completeNames(command, "Secret")
}

// completeKeys completes the versions of the keys of the app that the arguments name, which are not revoked.
func (c *cluster) completeKeys(command *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	app := &todov1.TodoApp{}
	if len(args) == 0 || c.connect() != nil ||
		c.Get(command.Context(), client.ObjectKey{Namespace: c.namespace, Name: args[0]}, app) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var versions []cobra.Completion
	for _, k := range app.Status.Keys {
		if k.State != todov1.KeyRevoked {
			versions = append(versions, cobra.CompletionWithDesc(strconv.FormatInt(k.Version, 10), string(k.State)))
		}
	}
	return versions, cobra.ShellCompDirectiveNoFileComp
}

// completeNamespaces completes the names of namespaces.
func (c *cluster) completeNamespaces(command *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return c.completeNames(command, "Namespace")
}

// completeNames completes the names of the objects of a kind. It reads their metadata alone. The API client drops the namespace if
// the kind has none.
func (c *cluster) completeNames(command *cobra.Command, kind string) ([]cobra.Completion, cobra.ShellCompDirective) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind + "List"))
	if c.connect() != nil || c.List(command.Context(), list, client.InNamespace(c.namespace)) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := make([]cobra.Completion, len(list.Items))
	for i := range list.Items {
		names[i] = list.Items[i].Name
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
