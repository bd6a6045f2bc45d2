package desired

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// nonRoot is the user and group of the operator's own image.
const nonRoot = 65532

// drainSeconds is the time for which a stopping pod still serves, until proxies have removed it from their endpoints.
const drainSeconds = 3

// deployment returns the Deployment of a component's pod. The annotations are the operator's and take precedence over the app's.
func deployment(app *todov1.TodoApp, of component, work todov1.WorkloadSpec, count int32,
	pod *corev1ac.PodSpecApplyConfiguration, annotations map[string]string,
) *appsv1ac.DeploymentApplyConfiguration {
	labels := maps.Clone(work.Template.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, Labels(app, of.label))
	template := corev1ac.PodTemplateSpec().WithLabels(labels).
		WithAnnotations(work.Template.Annotations).WithAnnotations(annotations).
		WithSpec(placed(app, of, work.Template, pod))
	return appsv1ac.Deployment(of.name, app.Namespace).
		WithLabels(Labels(app, of.label)).
		WithOwnerReferences(OwnerReference(app)).
		WithSpec(appsv1ac.DeploymentSpec().
			WithReplicas(count).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(app, of.label))).
			WithStrategy(rolling(work.Template.Strategy)).
			WithTemplate(template))
}

// container returns the common part of both components' containers, within the restricted Pod Security Standard.
func container(of component, image string, work todov1.WorkloadSpec) *corev1ac.ContainerApplyConfiguration {
	c := corev1ac.Container().
		WithName(of.label).
		WithImage(image).
		WithPorts(corev1ac.ContainerPort().WithName("http").WithContainerPort(of.port).WithProtocol(corev1.ProtocolTCP)).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL")))
	if work.Template.ImagePullPolicy != "" {
		c.WithImagePullPolicy(work.Template.ImagePullPolicy)
	}
	c.Env = config[[]corev1ac.EnvVarApplyConfiguration](work.Env)
	c.EnvFrom = config[[]corev1ac.EnvFromSourceApplyConfiguration](work.Template.EnvFrom)
	c.VolumeMounts = config[[]corev1ac.VolumeMountApplyConfiguration](work.Template.VolumeMounts)
	if asked := work.Resources; len(asked.Requests)+len(asked.Limits)+len(asked.Claims) > 0 {
		c.Resources = config[*corev1ac.ResourceRequirementsApplyConfiguration](asked)
	}
	return c
}

func securityContext() *corev1ac.PodSecurityContextApplyConfiguration {
	return corev1ac.PodSecurityContext().WithRunAsNonRoot(true).
		WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))
}

// users returns the security context of pods of the operator's own image.
func (i Images) users() *corev1ac.PodSecurityContextApplyConfiguration {
	if i.PlatformUsers {
		return securityContext()
	}
	return securityContext().WithRunAsUser(nonRoot).WithRunAsGroup(nonRoot).WithFSGroup(nonRoot)
}

// pullSecrets returns the pull Secrets of pods of the operator's own image.
func (i Images) pullSecrets() []*corev1ac.LocalObjectReferenceApplyConfiguration {
	var all []*corev1ac.LocalObjectReferenceApplyConfiguration
	for _, name := range i.PullSecrets {
		all = append(all, corev1ac.LocalObjectReference().WithName(name))
	}
	return all
}

// serving returns a preStop hook that delays the end of a container until proxies no longer route to it.
func serving() *corev1ac.LifecycleApplyConfiguration {
	return corev1ac.Lifecycle().WithPreStop(
		corev1ac.LifecycleHandler().WithSleep(corev1ac.SleepAction().WithSeconds(drainSeconds)))
}

// withVariables adds the operator's variables. If the app sets the same variable, the app's takes precedence: admission rejects
// the variables that an app must not set.
func withVariables(c *corev1ac.ContainerApplyConfiguration, variables ...*corev1ac.EnvVarApplyConfiguration) {
	for _, v := range variables {
		set := func(e corev1ac.EnvVarApplyConfiguration) bool { return *e.Name == *v.Name }
		if !slices.ContainsFunc(c.Env, set) {
			c.WithEnv(v)
		}
	}
}

func variable(name, value string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValue(literal(value))
}

// literal escapes $ as $$ in an argument or a variable, where Kubernetes would replace $(NAME).
func literal(value string) string { return strings.ReplaceAll(value, "$", "$$") }

func variableFrom(name string, ref todov1.SecretKeyReference) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().
		WithSecretKeyRef(corev1ac.SecretKeySelector().WithName(ref.Name).WithKey(ref.Key)))
}

func environmentOf(secret string) *corev1ac.EnvFromSourceApplyConfiguration {
	return corev1ac.EnvFromSource().WithSecretRef(corev1ac.SecretEnvSource().WithName(secret))
}

// tokenVariables returns the variables that give an app's own image the settings that the embedded API gets by flags.
func tokenVariables(t todov1.TokenSpec) []*corev1ac.EnvVarApplyConfiguration {
	var variables []*corev1ac.EnvVarApplyConfiguration
	if t.Issuer != "" {
		variables = append(variables, variable("JWT_ISSUER", t.Issuer))
	}
	if t.Audience != "" {
		variables = append(variables, variable("JWT_AUDIENCE", t.Audience))
	}
	return append(variables, variable("JWT_MAX_LIFETIME", t.MaxLifetime.Duration.String()))
}

// config converts a field of the app's spec to the apply configuration of the same type. Both are generated from one API type, so
// the conversion through JSON cannot fail.
func config[C any](part any) C {
	var c C
	data, err := json.Marshal(part)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		panic(err)
	}
	return c
}
