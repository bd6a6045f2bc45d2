package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// planWithin is how long pause waits for the operator's plan.
const planWithin = 15 * time.Second

// pauseCommand returns the command that stops the operator for one app.
func pauseCommand(c *cluster) *cobra.Command {
	command := &cobra.Command{
		Use:   "pause NAME",
		Short: "Stop the operator for one TodoApp, and show what it would do",
		Long: "Stop the operator for one TodoApp with the annotation todoapp.dev/paused, and show what it would do. Pods continue to " +
			"run. Nothing is revoked or healed while the app is paused.",
		Example: "  kubectl todoapp pause shop",
		Args:    oneName, ValidArgsFunction: c.completeApps(1),
	}
	command.RunE = c.connected(onApps("get", "patch"), func(ctx context.Context, args []string) error {
		app, err := c.app(ctx, args[0])
		if err != nil {
			return err
		}
		if err := c.annotate(ctx, app, todov1.AnnotationPaused, "true"); err != nil {
			return err
		}
		app, err = c.awaitPause(ctx, app)
		if err != nil {
			return err
		}
		c.printf("%s", pausedText(app))
		return nil
	})
	return command
}

// resumeCommand returns the command that ends a pause.
func resumeCommand(c *cluster) *cobra.Command {
	command := &cobra.Command{
		Use:     "resume NAME",
		Short:   "End the pause of a TodoApp",
		Long:    "End the pause of a TodoApp: remove the annotation todoapp.dev/paused. The plan that was held is carried out.",
		Example: "  kubectl todoapp resume shop",
		Args:    oneName, ValidArgsFunction: c.completeApps(1),
	}
	command.RunE = c.connected(onApps("get", "patch"), func(ctx context.Context, args []string) error {
		app, err := c.app(ctx, args[0])
		if err != nil {
			return err
		}
		if _, set := app.Annotations[todov1.AnnotationPaused]; !set {
			c.printf("TodoApp %s is not paused.\n", app.Name)
			return nil
		}
		plan := app.Status.Plan
		if err := c.annotate(ctx, app, todov1.AnnotationPaused, nil); err != nil {
			return err
		}
		c.printf("%s", resumedText(app.Name, plan))
		return nil
	})
	return command
}

// notPaused returns an error if an app is paused, for a command that needs the operator.
func notPaused(app *todov1.TodoApp) error {
	if !app.Paused() {
		return nil
	}
	return fmt.Errorf("TodoApp %s is paused, so the operator would not act. Nothing was changed: first run \"%s\"",
		app.Name, resumption(app))
}

// resumption returns the command that ends the pause of an app.
func resumption(app *todov1.TodoApp) string {
	return "kubectl todoapp resume " + app.Name + " -n " + app.Namespace
}

// annotate sets an annotation of an app, or removes it if the value is nil.
func (c *cluster) annotate(ctx context.Context, app *todov1.TodoApp, name string, value any) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{name: value}}})
	if err != nil {
		return fmt.Errorf("encoding the change: %w", err)
	}
	if err := c.Patch(ctx, app, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(fieldOwner)); err != nil {
		return fmt.Errorf("annotating TodoApp %s: %w", app.Name, err)
	}
	return nil
}

// awaitPause waits until the operator reports the pause. If it does not in time, the app is returned as it is.
func (c *cluster) awaitPause(ctx context.Context, app *todov1.TodoApp) (*todov1.TodoApp, error) {
	ctx, cancel := context.WithTimeout(ctx, planWithin)
	defer cancel()
	defer c.working("waiting for the operator's plan")()
	for !meta.IsStatusConditionTrue(app.Status.Conditions, todov1.ConditionPaused) && pause(ctx, followEvery/4) {
		again, err := c.app(ctx, app.Name)
		if err != nil && ctx.Err() == nil {
			return nil, err
		}
		if err == nil {
			app = again
		}
	}
	return app, nil
}

// pausedText describes a paused app.
func pausedText(app *todov1.TodoApp) string {
	if !meta.IsStatusConditionTrue(app.Status.Conditions, todov1.ConditionPaused) {
		return indented(fmt.Sprintf("The annotation is set, and the operator has not reported the pause within %s: see "+
			"\"kubectl todoapp doctor\".", planWithin), 0)
	}
	text := fmt.Sprintf("TodoApp %s is paused.", app.Name) + planText(" The operator would:", app.Status.Plan)
	if len(app.Status.Plan) == 0 {
		text += " There is nothing to do at present."
	}
	return text + "\nEnd the pause with: " + resumption(app) + "\n"
}

// resumedText describes an app whose pause has ended, and the plan that was held.
func resumedText(name string, plan []string) string {
	return fmt.Sprintf("TodoApp %s is resumed.", name) + planText(" The operator carries out:", plan) + "\n"
}

// planText lists a plan below a title; empty if there is no plan.
func planText(title string, plan []string) string {
	if len(plan) == 0 {
		return ""
	}
	text := title
	for _, line := range plan {
		text += "\n" + hanging("  - ", line)
		text = text[:len(text)-1]
	}
	return text
}
