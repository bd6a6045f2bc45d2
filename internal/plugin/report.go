package plugin

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// reportCommand returns the command that collects what a bug report needs.
func reportCommand(c *cluster, version string) *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "report [NAME] -o FILE.zip",
		Short: "Collect objects, Events, logs and findings for a bug report, without secrets",
		Long: "Collect objects, Events, logs, versions and the findings of doctor in an archive for a bug report. Values of Secrets " +
			"and variables, annotations of others, and fields of logs that users fill are replaced by their length and a digest. Logs of " +
			"your own images are left out. Read the archive before you publish it: it has names of objects, hosts and images.",
		Example: "  kubectl todoapp report shop -o report.zip",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("name one TodoApp, or none for the operator alone")
			}
			return nil
		},
		ValidArgsFunction: c.completeApps(1),
	}
	command.Flags().StringVarP(&file, "output", "o", "", "the new `file` to write (required)")
	command.RunE = c.connected(onApps("get"), func(ctx context.Context, args []string) error {
		if file == "" {
			return usagef("-o FILE.zip is required")
		}
		if file == "json" || file == "yaml" {
			return usagef("-o names the archive to write here, such as -o report.zip; it has the objects as YAML")
		}
		if _, err := os.Lstat(file); err == nil {
			return fmt.Errorf("%s exists: choose another name", file)
		}
		f, err := c.gather(ctx, args, "")
		if err != nil {
			return err
		}
		stop := c.working("reading objects and logs")
		files := c.collect(ctx, f)
		files["versions.txt"] = c.versions(version, f)
		stop()
		return c.archive(file, files)
	})
	return command
}

// collected lists the kinds of objects in a report: those in the namespace of an app or of the operator, and those of the cluster.
var (
	collected = []schema.GroupVersionKind{
		{Version: "v1", Kind: "Secret"}, // first: its values are removed from everything else
		{Group: todov1.GroupVersion.Group, Version: todov1.GroupVersion.Version, Kind: "TodoApp"},
		{Group: "apps", Version: "v1", Kind: "Deployment"}, {Group: "apps", Version: "v1", Kind: "ReplicaSet"},
		{Version: "v1", Kind: "Pod"}, {Version: "v1", Kind: "Service"}, {Version: "v1", Kind: "PersistentVolumeClaim"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"}, {Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
		{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}, {Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"},
		{Group: "events.k8s.io", Version: "v1", Kind: "Event"},
	}
	clusterWide = []schema.GroupVersionKind{
		{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingWebhookConfiguration"},
		{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingAdmissionPolicy"},
		{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingAdmissionPolicyBinding"},
	}
)

// collect reads the files of a report. A part that the user may not read is named in errors.txt.
func (c *cluster) collect(ctx context.Context, f *facts) map[string]string {
	r, files, documents := newRedactor(), map[string]string{}, map[string][]any{}
	var failures []string
	add := func(folder, namespace string, kinds []schema.GroupVersionKind, about func(*unstructured.Unstructured) bool) {
		for _, kind := range kinds {
			found, err := c.objects(ctx, r, namespace, kind, about)
			if err != nil {
				failures = append(failures, fmt.Sprintf("%s of %s: %s", kind.Kind, folder, shortError(err)))
			} else if len(found) > 0 {
				documents[folder+"/"+strings.ToLower(kind.Kind)+"s.yaml"] = found
			}
		}
	}
	if f.app != nil {
		add("app", f.app.Namespace, collected, func(o *unstructured.Unstructured) bool { return aboutApp(f.app, o) })
	}
	add("operator", f.operatorNamespace, collected, func(*unstructured.Unstructured) bool { return true })
	add("cluster", "", clusterWide, func(o *unstructured.Unstructured) bool {
		return strings.HasPrefix(o.GetName(), operatorName)
	})
	failures = append(failures, c.logs(ctx, r, f, files)...)
	findings := judge(f)
	for i := range findings {
		findings[i].Text, findings[i].Advice = r.scrub(findings[i].Text), r.scrub(findings[i].Advice)
	}
	documents["doctor.yaml"] = []any{findings}
	for name, list := range documents { // last: by now all secret values are known
		text, err := r.encode(list)
		if err != nil {
			failures = append(failures, name+": "+err.Error())
		}
		files[name] = text
	}
	files["errors.txt"] = r.scrub(strings.Join(failures, "\n") + "\n")
	return files
}

// aboutApp reports whether an object belongs to an app, by its name, its label or the object that an Event is about.
func aboutApp(app *todov1.TodoApp, object *unstructured.Unstructured) bool {
	regarding, _, _ := unstructured.NestedString(object.Object, "regarding", "name")
	return object.GetLabels()[todov1.LabelApp] == app.Name || object.GetName() == app.Name ||
		strings.HasPrefix(object.GetName(), app.Name+"-") || regarding == app.Name || strings.HasPrefix(regarding, app.Name+"-")
}

// objects returns the redacted objects of a kind. All Secrets of the namespace are learned, so that no other text shows their
// values.
func (c *cluster) objects(
	ctx context.Context, r *redactor, namespace string, kind schema.GroupVersionKind, about func(*unstructured.Unstructured) bool,
) ([]any, error) {
	if kind.Kind == "Secret" {
		var secrets corev1.SecretList
		if err := c.List(ctx, &secrets, client.InNamespace(namespace)); err != nil {
			return nil, fmt.Errorf("listing: %w", err)
		}
		for i := range secrets.Items {
			r.learnSecret(&secrets.Items[i])
		}
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	var found []any
	for i := range list.Items {
		object := &list.Items[i]
		r.object(object) // also of objects that are left out: their variables are learned
		if about(object) {
			found = append(found, object.Object)
		}
	}
	return found, nil
}

// logs adds the logs of the operator and of the embedded API. It returns what failed.
func (c *cluster) logs(ctx context.Context, r *redactor, f *facts, files map[string]string) (failures []string) {
	var operators corev1.PodList
	err := c.List(ctx, &operators, client.InNamespace(f.operatorNamespace),
		client.MatchingLabels{"app.kubernetes.io/name": operatorName})
	if err != nil {
		failures = append(failures, "pods of the operator: "+shortError(err))
	}
	pods := operators.Items
	for _, pod := range f.pods {
		if pod.asked {
			pods = append(pods, pod.Pod)
		}
	}
	for _, pod := range pods {
		for suffix, previous := range map[string]bool{"": false, ".previous": true} {
			options := &corev1.PodLogOptions{TailLines: new(int64(2000)), Previous: previous}
			text, err := c.api.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).DoRaw(ctx)
			switch {
			case err == nil && len(text) > 0:
				files["logs/"+pod.Name+suffix+".log"] = r.log(string(text))
			case err != nil && !previous:
				failures = append(failures, fmt.Sprintf("log of pod %s: %s", pod.Name, shortError(err)))
			}
		}
	}
	return failures
}

// versions returns the versions of the programs.
func (c *cluster) versions(version string, f *facts) string {
	server := "unknown"
	if info, err := c.api.Discovery().ServerVersion(); err == nil {
		server = info.GitVersion + " " + info.Platform
	}
	text := fmt.Sprintf("time: %s\nkubectl-todoapp: %s\nKubernetes: %s\n", clock(f.now), orDash(version), server)
	if d := f.operator.object; d != nil {
		for _, container := range d.Spec.Template.Spec.Containers {
			text += "operator: " + container.Image + "\n"
		}
	}
	return text
}

// archive writes the files into a new archive. If it fails, there is no archive.
func (c *cluster) archive(path string, files map[string]string) (err error) {
	partial, err := os.CreateTemp(filepath.Dir(path), ".todoapp-report-")
	if err != nil {
		return fmt.Errorf("creating the report: %w", err)
	}
	defer func() { _ = os.Remove(partial.Name()) }()
	if err := errors.Join(writeZip(partial, files, time.Now()), partial.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial.Name(), path); err != nil {
		return fmt.Errorf("naming the report: %w", err)
	}
	c.printf("%s", reportText(path, files))
	return nil
}

// reportText says what a report contains.
func reportText(path string, files map[string]string) string {
	text := fmt.Sprintf("%s has %s.", path, plural(len(files), "file"))
	if missing := strings.TrimSpace(files["errors.txt"]); missing != "" {
		text += fmt.Sprintf(" %s could not be read; errors.txt names them.", plural(strings.Count(missing, "\n")+1, "part"))
	}
	return indented(text+" Values of Secrets and variables are replaced by their length and a digest. Read it before you publish it: "+
		"it has names of objects, hosts and images.", 0)
}

// writeZip writes files in the order of their names.
func writeZip(to *os.File, files map[string]string, modified time.Time) error {
	archive := zip.NewWriter(to)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		entry, err := archive.CreateHeader(&zip.FileHeader{Name: "report/" + name, Method: zip.Deflate, Modified: modified})
		if err != nil {
			return fmt.Errorf("adding %s to the report: %w", name, err)
		}
		if _, err := entry.Write([]byte(files[name])); err != nil {
			return fmt.Errorf("adding %s to the report: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("completing the report: %w", err)
	}
	return nil
}
