package plugin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// cluster is the cluster and the namespace that a command works on.
type cluster struct {
	genericiooptions.IOStreams
	flags *genericclioptions.ConfigFlags

	// The rest is set by connect.
	client.Client
	api       kubernetes.Interface
	config    *rest.Config
	namespace string
	// warnings holds the warnings of the API server.
	warnings warnings
}

// scheme returns the types that the commands read.
func scheme() *runtime.Scheme {
	types := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(types))
	utilruntime.Must(todov1.AddToScheme(types))
	return types
}

// connect makes the clients for the context and namespace of the command line. It sends no request.
func (c *cluster) connect() (err error) {
	if err := c.checkContext(); err != nil {
		return err
	}
	if c.namespace, _, err = c.flags.ToRawKubeConfigLoader().Namespace(); err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	if c.config, err = c.flags.ToRESTConfig(); err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	if err := c.checkKubeconfig(); err != nil {
		return err
	}
	c.config.QPS, c.config.Burst = 50, 100
	c.config.WarningHandler = &c.warnings
	if c.Client, err = client.New(c.config, client.Options{Scheme: scheme()}); err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	if c.api, err = kubernetes.NewForConfig(c.config); err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	return nil
}

// connected returns the function of a command that connects first, and turns refused requests into the rights that are missing.
func (c *cluster) connected(rights []right, run func(context.Context, []string) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		if err := c.connect(); err != nil {
			return err
		}
		return c.explain(command.Context(), rights, run(command.Context(), args))
	}
}

// serverTime returns the API server's clock, in whole seconds. The clock of this machine may be wrong.
func (c *cluster) serverTime(ctx context.Context) (time.Time, error) {
	web, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return time.Time{}, fmt.Errorf("reaching the cluster: %w", err)
	}
	url, _, err := rest.DefaultServerUrlFor(c.config)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url.JoinPath("version").String(), nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("asking the API server for the time: %w", err)
	}
	response, err := web.Do(request)
	if err != nil {
		return time.Time{}, fmt.Errorf("asking the API server for the time: %w", err)
	}
	moment, err := http.ParseTime(response.Header.Get("Date"))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return time.Time{}, fmt.Errorf("reading the time of the API server: %w", err)
	}
	if response.StatusCode == http.StatusUnauthorized {
		return time.Time{}, fmt.Errorf("asking the API server for the time: %w", apierrors.NewUnauthorized("it answers 401"))
	}
	return moment, nil
}

// printf writes to the standard output. A closed pipe ends the program elsewhere, so errors are dropped.
func (c *cluster) printf(format string, args ...any) { _, _ = fmt.Fprintf(c.Out, format, args...) }

// notef writes a remark to the standard error, which pipes do not read.
func (c *cluster) notef(format string, args ...any) {
	_, _ = fmt.Fprintf(c.ErrOut, format+"\n", args...)
}

// warnings collects the warnings of the API server.
type warnings []string

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _ string, text string) { *w = append(*w, text) }
