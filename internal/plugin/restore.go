package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// restoreCommand returns the command that replaces the tasks of an app by a backup.
func restoreCommand(c *cluster) *cobra.Command {
	var yes bool
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "restore NAME FILE",
		Short: "Replace the tasks of a TodoApp that stores them in SQLite by a backup",
		Long: "Replace the tasks of a TodoApp that stores them in SQLite by a backup. The backend stops meanwhile: the command sets " +
			"spec.backend.replicas to 0, checks and copies the file in a pod of its own, and sets the replicas again. If the file " +
			"is not whole, the tasks stay as they are.",
		Example: "  kubectl todoapp restore shop tasks.db",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("name one TodoApp and the file of a backup")
			}
			return nil
		},
		ValidArgsFunction: func(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return nil, cobra.ShellCompDirectiveDefault // a file
			}
			return c.completeApps(1)(command, args, typed)
		},
	}
	command.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	durationFlag(command.Flags(), &timeout, "timeout", defaultTimeout, "how long the restore may take")
	rights := append(onApps("get", "patch"), right{verb: "get", group: "apps", resource: "deployments"},
		right{verb: "list", resource: "pods"}, right{verb: "create", resource: "pods"}, right{verb: "delete", resource: "pods"},
		right{verb: "create", resource: "pods", subresource: "attach"}, right{verb: "get", resource: "pods", subresource: "log"})
	command.RunE = c.connected(rights, func(ctx context.Context, args []string) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return c.restore(ctx, args[0], args[1], yes)
	})
	return command
}

// restore verifies all it can before it stops the backend, and starts the backend again also if it fails.
func (c *cluster) restore(ctx context.Context, name, path string, yes bool) (err error) {
	app, err := c.app(ctx, name)
	if err != nil {
		return err
	}
	if err := errors.Join(hasFile(app), notPaused(app)); err != nil {
		return err
	}
	backup, err := openBackup(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backup.Close()) }()
	var deployment appsv1.Deployment
	if err := c.Get(ctx, client.ObjectKey{Namespace: app.Namespace, Name: desired.Backend(app)}, &deployment); err != nil {
		return fmt.Errorf("reading the backend's Deployment: %w", err)
	}
	c.printf("%s", restoreNotice(name, path))
	if err := c.confirmed(name, yes); err != nil {
		return err
	}
	before := ptr.Deref(app.Spec.Backend.Replicas, 1)
	c.printf(stoppingText)
	if err := c.scale(ctx, app, 0); err != nil {
		return err
	}
	defer func() {
		// Also if the context has ended: the backend must not stay away.
		again, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		c.printf(startingText)
		err = errors.Join(err, c.scale(again, app, before))
	}()
	if err := c.awaitStopped(ctx, app); err != nil {
		return err
	}
	return c.copyIn(ctx, restorePod(app, &deployment), backup)
}

// These are the lines that tell of the progress of a restore.
const (
	stoppingText = "stopping the backend ...\n"
	startingText = "starting the backend ...\n"
)

func restoredText(bytes int64) string { return "restored " + size(bytes) + "\n" }

// restoreNotice says what a restore does, before the user confirms it.
func restoreNotice(name, path string) string {
	return indented(fmt.Sprintf("The tasks of TodoApp %s are replaced by those of %s, and the backend is away meanwhile. Tasks that "+
		"were added since the backup are lost.", name, path), 0)
}

// openBackup opens a file and verifies that it is of SQLite.
func openBackup(path string) (*os.File, error) {
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	head := make([]byte, len(sqliteMagic))
	_, err = io.ReadFull(file, head)
	if err != nil || string(head) != sqliteMagic {
		return nil, errors.Join(fmt.Errorf("%s is no SQLite file: nothing was changed", path), file.Close())
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the backup: %w", err), file.Close())
	}
	return file, nil
}

// scale sets the replicas of the backend of an app.
func (c *cluster) scale(ctx context.Context, app *todov1.TodoApp, replicas int32) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"backend": map[string]any{"replicas": replicas}}})
	if err != nil {
		return fmt.Errorf("encoding the change: %w", err)
	}
	if err := c.Patch(ctx, app, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(fieldOwner)); err != nil {
		return fmt.Errorf("setting the replicas of TodoApp %s to %d: %w", app.Name, replicas, err)
	}
	return nil
}

// awaitStopped waits until no pod of the backend is left.
func (c *cluster) awaitStopped(ctx context.Context, app *todov1.TodoApp) error {
	for {
		pods, err := c.pods(ctx, app)
		if err != nil {
			return err
		}
		left := 0
		for i := range pods {
			if reloads(app, &pods[i]) && pods[i].Status.Phase != corev1.PodSucceeded && pods[i].Status.Phase != corev1.PodFailed {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if !pause(ctx, followEvery) {
			return fmt.Errorf("%d pods of the backend have not stopped: the tasks are as they were. Is the operator at work, and is the "+
				"app not paused? See kubectl todoapp doctor %s", left, app.Name)
		}
	}
}

// restorePod returns a pod that restores a backup from its standard input, with the image, the volume and the placement of the
// backend. It carries no label of the app, so no rotation waits for it.
func restorePod(app *todov1.TodoApp, deployment *appsv1.Deployment) *corev1.Pod {
	template := deployment.Spec.Template.DeepCopy()
	spec := template.Spec
	container := spec.Containers[0]
	container.Args = []string{"api", "restore", "-"}
	container.Stdin, container.StdinOnce = true, true
	container.StartupProbe, container.ReadinessProbe, container.LivenessProbe = nil, nil, nil
	container.Ports, container.Lifecycle = nil, nil
	spec.Containers = []corev1.Container{container}
	spec.RestartPolicy = corev1.RestartPolicyNever
	spec.TopologySpreadConstraints = nil
	spec.ActiveDeadlineSeconds = ptr.To(int64(time.Hour / time.Second))
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, GenerateName: app.Name + "-restore-"}, Spec: spec,
	}
}

// copyIn runs a pod that restores, sends the backup to it, and deletes it.
func (c *cluster) copyIn(ctx context.Context, pod *corev1.Pod, backup io.Reader) (err error) {
	if err := c.Create(ctx, pod, client.FieldOwner(fieldOwner)); err != nil {
		return fmt.Errorf("creating the pod that restores: %w", err)
	}
	defer func() {
		again, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		failure := c.Delete(again, pod, client.GracePeriodSeconds(0))
		if failure != nil && !apierrors.IsNotFound(failure) {
			err = errors.Join(err, fmt.Errorf("deleting pod %s: %w", pod.Name, failure))
		}
	}()
	if err := c.awaitPhase(ctx, pod, "start", corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed); err != nil {
		return err
	}
	n := &counter{Reader: backup}
	stop := c.showProgress("sent", n)
	var said bytes.Buffer
	err = c.attach(ctx, pod, remotecommand.StreamOptions{Stdin: n, Stdout: &said, Stderr: &said})
	stop()
	if err != nil && pod.Status.Phase == corev1.PodRunning {
		c.notef("the connection to the pod ended: %s", err)
	}
	if err := c.awaitPhase(ctx, pod, "end", corev1.PodSucceeded, corev1.PodFailed); err != nil {
		return err
	}
	if pod.Status.Phase == corev1.PodFailed {
		return fmt.Errorf("the tasks are as they were: %s", c.lastWords(ctx, pod, said.String()))
	}
	c.printf("%s", restoredText(n.bytes.Load()))
	return nil
}

// awaitPhase waits until a pod has one of the given phases.
func (c *cluster) awaitPhase(ctx context.Context, pod *corev1.Pod, what string, phases ...corev1.PodPhase) error {
	for {
		if err := c.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil && ctx.Err() == nil {
			return fmt.Errorf("reading pod %s: %w", pod.Name, err)
		}
		for _, phase := range phases {
			if pod.Status.Phase == phase {
				return nil
			}
		}
		if !pause(ctx, followEvery/2) {
			return fmt.Errorf("pod %s did not %s in time (%s): kubectl -n %s describe pod %s",
				pod.Name, what, phaseOf(pod), pod.Namespace, pod.Name)
		}
	}
}

// lastWords returns the log of a pod that failed, or what it said before if the log cannot be read.
func (c *cluster) lastWords(ctx context.Context, pod *corev1.Pod, said string) string {
	log, err := c.api.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{TailLines: ptr.To(int64(5))}).DoRaw(ctx)
	if err != nil || len(bytes.TrimSpace(log)) == 0 {
		return strings.TrimSpace(said)
	}
	return string(bytes.TrimSpace(log))
}
