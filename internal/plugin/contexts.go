package plugin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/utils/ptr"
)

// contexts returns the names of the contexts of the kubeconfig.
func (c *cluster) contexts() ([]string, error) {
	config, err := c.flags.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return slices.Sorted(maps.Keys(config.Contexts)), nil
}

// clusterName names the cluster by the context of the kubeconfig; by its address if there is no context.
func (c *cluster) clusterName() string {
	name := ptr.Deref(c.flags.Context, "")
	if config, err := c.flags.ToRawKubeConfigLoader().RawConfig(); err == nil && name == "" {
		name = config.CurrentContext
	}
	if name == "" {
		return "the cluster at " + c.config.Host
	}
	return "context " + name
}

// checkKubeconfig returns an error if neither a kubeconfig nor a flag names a cluster. The libraries take a port of this machine
// then, where usually nothing listens.
func (c *cluster) checkKubeconfig() error {
	config, err := c.flags.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	if len(config.Clusters) > 0 || ptr.Deref(c.flags.APIServer, "") != "" || c.config.BearerTokenFile != "" {
		return nil
	}
	return usagef("no kubeconfig names a cluster: name its file with --kubeconfig or the variable KUBECONFIG")
}

// checkContext returns an error with the names of all contexts if the flag --context names none of them.
func (c *cluster) checkContext() error {
	if c.flags.Context == nil || *c.flags.Context == "" {
		return nil
	}
	names, err := c.contexts()
	if err != nil || slices.Contains(names, *c.flags.Context) {
		return err
	}
	if similar := similarTo(*c.flags.Context, names); len(similar) > 0 {
		return usagef("the kubeconfig has no context %q; did you mean %s?", *c.flags.Context, strings.Join(similar, " or "))
	}
	if len(names) == 0 {
		return usagef("the kubeconfig has no context %q, nor any other: is it the right file? (--kubeconfig)", *c.flags.Context)
	}
	return usagef("the kubeconfig has no context %q; it has %s", *c.flags.Context, few(names))
}
