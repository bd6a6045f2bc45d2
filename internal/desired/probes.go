package desired

import (
	"cmp"
	"strconv"

	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// probed adds a preStop hook to a container of the app's own image, and the probes of the spec or, if it has none, probes that
// connect to the port.
func probed(c *corev1ac.ContainerApplyConfiguration, probes *todov1.ProbesSpec) *corev1ac.ContainerApplyConfiguration {
	c.WithLifecycle(serving())
	if probes == nil {
		probes = &todov1.ProbesSpec{}
	}
	c.WithStartupProbe(probe(probes.Startup, 1, 120)).WithReadinessProbe(probe(probes.Readiness, 5, 0))
	if probes.Liveness != nil {
		c.WithLivenessProbe(probe(probes.Liveness, 10, 0))
	}
	return c
}

// pathTimeout is how many seconds a request of a probe may take if the spec does not say it. Such a request may wait for a
// database.
const pathTimeout = 5

// probe returns a probe with a default period and threshold. A threshold of zero leaves the default to Kubernetes.
func probe(spec *todov1.ProbeSpec, period, failures int32) *corev1ac.ProbeApplyConfiguration {
	if spec == nil {
		spec = &todov1.ProbeSpec{}
	}
	port := intstr.FromString("http")
	if spec.Port != nil {
		port = *spec.Port
	}
	p, timeout := corev1ac.Probe().WithPeriodSeconds(cmp.Or(spec.PeriodSeconds, period)), spec.TimeoutSeconds
	if spec.Path == "" {
		p.WithTCPSocket(corev1ac.TCPSocketAction().WithPort(port))
	} else {
		p.WithHTTPGet(corev1ac.HTTPGetAction().WithPath(spec.Path).WithPort(port))
		timeout = cmp.Or(timeout, pathTimeout)
	}
	if timeout > 0 {
		p.WithTimeoutSeconds(timeout)
	}
	if failures = cmp.Or(spec.FailureThreshold, failures); failures > 0 {
		p.WithFailureThreshold(failures)
	}
	return p
}

// listenVariables returns the variables by which a frontend with probes listens on all addresses and on its port: the server of
// Next.js listens on the pod's name otherwise. A frontend without probes gets none, because they would restart its pods.
func listenVariables(spec todov1.FrontendSpec) []*corev1ac.EnvVarApplyConfiguration {
	if spec.Probes == nil {
		return nil
	}
	return []*corev1ac.EnvVarApplyConfiguration{
		variable("HOSTNAME", "0.0.0.0"), variable("PORT", strconv.Itoa(int(spec.Port))),
	}
}
