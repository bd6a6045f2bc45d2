package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// ProbesSpec sets how the kubelet checks the container. A probe that is not set is as before: readiness and startup connect to the
// port, and there is no liveness probe.
type ProbesSpec struct {
	// readiness says if the pod can serve. Only a pod that is ready gets requests, and a roll-out waits for it. Point it at a
	// path that fails while the database cannot be reached, such as /readyz. Default: a TCP connection to the port every 5s.
	// +optional
	Readiness *ProbeSpec `json:"readiness,omitempty"`
	// liveness says if the container works; if it fails, the kubelet restarts the container. Point it at a path that does not
	// depend on the database, such as /healthz. Default: none; period 10s if it is set.
	// +optional
	Liveness *ProbeSpec `json:"liveness,omitempty"`
	// startup delays the other two until it succeeds once. Default: a TCP connection to the port every second, 120 times.
	// +optional
	Startup *ProbeSpec `json:"startup,omitempty"`
}

// ProbeSpec is one check of the container.
// +kubebuilder:validation:XValidation:rule="!has(self.port) || type(self.port) == int || self.port == 'http'",message="the container has one named port, http: set port to http or to a number, or remove it"
type ProbeSpec struct {
	// path is requested by HTTP GET, and answers 200 to 399 if all is well. If it is not set, the probe only connects to the port.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.startsWith('/')",message="must begin with a slash, such as /readyz"
	Path string `json:"path,omitempty"`
	// port to connect to: a number, or http, which is the component's port; default http.
	// +optional
	// +kubebuilder:validation:XValidation:rule="type(self) == string || (self >= 1 && self <= 65535)",message="must be http or a number from 1 to 65535"
	Port *intstr.IntOrString `json:"port,omitempty"`
	// periodSeconds is the time between two checks; 1 to 3600, default 5 for readiness, 10 for liveness and 1 for startup.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	PeriodSeconds int32 `json:"periodSeconds,omitempty"`
	// timeoutSeconds is how long one check may take; 1 to 3600, default 5 with a path and 1 without.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
	// failureThreshold is how many checks must fail in a row; 1 to 3600, default 3, and 120 for startup.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	FailureThreshold int32 `json:"failureThreshold,omitempty"`
}
