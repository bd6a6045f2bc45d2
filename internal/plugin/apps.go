package plugin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// app reads the TodoApp of a name. If there is none, the error names similar ones, or namespaces that have some.
func (c *cluster) app(ctx context.Context, name string) (*todov1.TodoApp, error) {
	if kind, alone, found := strings.Cut(name, "/"); found {
		return nil, usagef("invalid name %q: name the TodoApp without %q: %s", name, kind+"/", alone)
	}
	app := &todov1.TodoApp{}
	err := c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, app)
	if apierrors.IsNotFound(err) {
		return nil, c.notFound(ctx, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading TodoApp %s: %w", name, err)
	}
	return app, nil
}

// apps reads the named TodoApps, or the TodoApps that a selector matches, or all of the namespace.
func (c *cluster) apps(ctx context.Context, names []string, selector string, all bool) ([]*todov1.TodoApp, error) {
	if len(names) > 0 {
		var found []*todov1.TodoApp
		for _, name := range names {
			app, err := c.app(ctx, name)
			if err != nil {
				return nil, err
			}
			found = append(found, app)
		}
		return found, nil
	}
	matching, err := labels.Parse(selector)
	if err != nil {
		return nil, usagef("invalid value for --selector: %w", err)
	}
	if all {
		matching = labels.Everything()
	}
	var list todov1.TodoAppList
	if err := c.List(ctx, &list, client.InNamespace(c.namespace), client.MatchingLabelsSelector{Selector: matching}); err != nil {
		return nil, fmt.Errorf("listing the TodoApps of namespace %s: %w", c.namespace, err)
	}
	if len(list.Items) == 0 {
		return nil, c.notFound(ctx, "")
	}
	found := make([]*todov1.TodoApp, len(list.Items))
	for i := range list.Items {
		found[i] = &list.Items[i]
	}
	return found, nil
}

// notFound returns an error that says where the TodoApp may be that was not found; the name is empty if a list was empty.
func (c *cluster) notFound(ctx context.Context, name string) error {
	var all todov1.TodoAppList
	everywhere := true
	if err := c.List(ctx, &all); err != nil {
		everywhere = false
		if c.List(ctx, &all, client.InNamespace(c.namespace)) != nil {
			return missingApp(name, c.namespace, nil, false) // that it is missing matters more than this error
		}
	}
	return missingApp(name, c.namespace, all.Items, everywhere)
}

// missingApp describes a TodoApp that was not found, by the TodoApps that exist. If everywhere is false, the list has only those of
// the namespace.
func missingApp(name, namespace string, all []todov1.TodoApp, everywhere bool) error {
	var here []string
	elsewhere := map[string][]string{}
	for _, app := range all {
		if app.Namespace == namespace {
			here = append(here, app.Name)
		} else {
			elsewhere[app.Namespace] = append(elsewhere[app.Namespace], app.Name)
		}
	}
	wanted := fmt.Sprintf("no TodoApp %q", name)
	if name == "" {
		wanted = "no such TodoApp"
	}
	var having []string
	for _, other := range slices.Sorted(maps.Keys(elsewhere)) {
		if slices.Contains(elsewhere[other], name) {
			having = append(having, other)
		}
	}
	switch similar := similarTo(name, here); {
	case len(having) == 1:
		return fmt.Errorf("%s in namespace %s; namespace %s has one: add -n %s", wanted, namespace, having[0], having[0])
	case len(having) > 1:
		return fmt.Errorf("%s in namespace %s; these namespaces have one: %s: add -n NAMESPACE", wanted, namespace, few(having))
	case len(similar) > 0:
		return fmt.Errorf("%s in namespace %s; did you mean %s?", wanted, namespace, strings.Join(similar, " or "))
	case len(here) > 0:
		return fmt.Errorf("%s in namespace %s, which has %s", wanted, namespace, few(here))
	case len(elsewhere) > 0:
		return fmt.Errorf("no TodoApp in namespace %s; there are some in %s: add -n NAMESPACE",
			namespace, few(slices.Sorted(maps.Keys(elsewhere))))
	case everywhere:
		return fmt.Errorf("no TodoApp in namespace %s, nor in any other: is this the right cluster? (--context)", namespace)
	default:
		return fmt.Errorf("%s in namespace %s, and you may not list those of other namespaces", wanted, namespace)
	}
}

// few joins the first names of a list and counts the others.
func few(names []string) string {
	const most = 8
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// similarTo returns the names that a typing error may have turned into the given name.
func similarTo(name string, names []string) []string {
	if name == "" {
		return nil
	}
	tree := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, one := range names {
		tree.AddCommand(&cobra.Command{Use: one, Run: func(*cobra.Command, []string) {}})
	}
	return tree.SuggestionsFor(name)
}

// completeApps completes the names of TodoApps, at most the given number of them; no limit if it is negative.
func (c *cluster) completeApps(most int) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var list todov1.TodoAppList
		if most >= 0 && len(args) >= most || c.connect() != nil ||
			c.List(command.Context(), &list, client.InNamespace(c.namespace)) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []cobra.Completion
		for _, app := range list.Items {
			if !slices.Contains(args, app.Name) {
				names = append(names, app.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
