package desired

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
	"github.com/todoapp-operator/todoapp-operator/internal/origin"
)

// OperationsPort is the port on which the embedded API serves its health, its metrics and the key versions that it trusts.
const OperationsPort = 9090

const (
	authDirectory = "/etc/todoapp/auth"
	dataDirectory = "/data"
)

func backendDeployment(app *todov1.TodoApp, versions []int64, images Images) *appsv1ac.DeploymentApplyConfiguration {
	work := app.Spec.Backend.WorkloadSpec
	count := ptr.Deref(app.Spec.Backend.Replicas, 1)
	var d *appsv1ac.DeploymentApplyConfiguration
	if Embedded(app) {
		work.Template.Annotations = besideMesh(work.Template.Annotations)
		d = deployment(app, backendComponent(app), work, count, taskAPI(app, images), nil)
	} else {
		keys := map[string]string{todov1.AnnotationKeys: keyring.FormatVersions(versions)}
		d = deployment(app, backendComponent(app), work, count, ownBackend(app, images), keys)
	}
	return onVolume(app, autoscaled(d, app.Spec.Backend.Autoscaling))
}

// besideMesh returns the annotations of a pod of the task API, by which a service mesh leaves the operations port alone: the
// operator asks it by plain HTTP, which strict mutual TLS refuses. The template's own annotations take precedence.
func besideMesh(own map[string]string) map[string]string {
	port := strconv.Itoa(OperationsPort)
	annotations := map[string]string{
		"traffic.sidecar.istio.io/excludeInboundPorts": port,
		"config.linkerd.io/skip-inbound-ports":         port,
	}
	maps.Copy(annotations, own)
	return annotations
}

// onVolume makes a Deployment stop its pod before it starts another if they share the SQLite volume: SQLite has one writer.
func onVolume(app *todov1.TodoApp, d *appsv1ac.DeploymentApplyConfiguration) *appsv1ac.DeploymentApplyConfiguration {
	if UsesSQLite(app) {
		d.Spec.Strategy = appsv1ac.DeploymentStrategy().WithType(appsv1.RecreateDeploymentStrategyType)
	}
	return d
}

// taskAPI returns the pod of the embedded API. The API reads its keys from a mounted Secret, and again when the Secret changes.
func taskAPI(app *todov1.TodoApp, images Images) *corev1ac.PodSpecApplyConfiguration {
	c := container(backendComponent(app), images.TaskAPI, app.Spec.Backend.WorkloadSpec).
		WithArgs(taskAPIArgs(app)...).
		WithPorts(corev1ac.ContainerPort().WithName("operations").WithContainerPort(OperationsPort).
			WithProtocol(corev1.ProtocolTCP)).
		WithVolumeMounts(corev1ac.VolumeMount().WithName("auth").WithMountPath(authDirectory).WithReadOnly(true)).
		// The kubelet must not kill a pod whose database is away, so only the readiness probe depends on the database.
		WithStartupProbe(operations("/healthz").WithPeriodSeconds(1).WithFailureThreshold(120)).
		WithReadinessProbe(operations("/readyz").WithPeriodSeconds(2).WithFailureThreshold(5)).
		WithLivenessProbe(operations("/healthz").WithPeriodSeconds(10).WithTimeoutSeconds(5))
	c.SecurityContext.WithReadOnlyRootFilesystem(true)
	if c.Resources == nil {
		c.Resources = defaultResources()
	}
	pod := corev1ac.PodSpec().
		WithSecurityContext(images.users()).
		WithImagePullSecrets(images.pullSecrets()...).
		WithVolumes(corev1ac.Volume().WithName("auth").WithSecret(
			corev1ac.SecretVolumeSource().WithSecretName(BackendSecret(app)).WithDefaultMode(0o440)))
	if UsesSQLite(app) {
		return withData(app, pod, c)
	}
	// The API itself waits after SIGTERM, so there is no preStop hook: it can close idle connections while it waits.
	withVariables(c, variableFrom("TASKAPI_DATABASE_URL", app.Spec.Backend.Storage.Postgres.URLSecretRef),
		variable("TASKAPI_SHUTDOWN_DELAY", strconv.Itoa(drainSeconds)+"s"))
	withCA(pod, c, app.Spec.Backend.Storage.Postgres, "PGSSLROOTCERT")
	return pod.WithContainers(c)
}

func taskAPIArgs(app *todov1.TodoApp) []string {
	tokens := app.Spec.Auth.Tokens
	args := []string{
		"api",
		"--listen=:" + strconv.Itoa(int(app.Spec.Backend.Port)),
		"--ops-listen=:" + strconv.Itoa(OperationsPort),
		"--auth-dir=" + authDirectory,
		"--max-lifetime=" + tokens.MaxLifetime.Duration.String(),
		"--leeway=" + tokens.Leeway.Duration.String(),
	}
	if UsesSQLite(app) {
		args = append(args, "--database-url=sqlite://"+dataDirectory+"/tasks.db")
	}
	if tokens.Issuer != "" {
		args = append(args, "--issuer="+literal(tokens.Issuer))
	}
	if tokens.Audience != "" {
		args = append(args, "--audience="+literal(tokens.Audience))
	}
	if origins := allowedOrigins(app); len(origins) > 0 {
		args = append(args, "--cors-allowed-origins="+strings.Join(origins, ","))
	}
	return args
}

// allowedOrigins returns the origins that the app names or, if it names none, that of the frontend. An origin that no browser
// sends is left out: it would allow nothing, and the API does not start with it.
func allowedOrigins(app *todov1.TodoApp) []string {
	named := app.Spec.Backend.CORS.AllowedOrigins
	if len(named) == 0 {
		named = []string{FrontendURL(app)}
	}
	var origins []string
	for _, address := range named {
		sent := address
		if address != origin.Any {
			sent = origin.Of(address)
		}
		if sent != "" && !slices.Contains(origins, sent) {
			origins = append(origins, sent)
		}
	}
	return origins
}

// ownBackend returns a pod of the app's own image, which reads its keys from its environment.
func ownBackend(app *todov1.TodoApp, images Images) *corev1ac.PodSpecApplyConfiguration {
	spec := app.Spec.Backend
	c := probed(container(backendComponent(app), spec.Image, spec.WorkloadSpec), spec.Probes).
		WithEnvFrom(environmentOf(BackendSecret(app)))
	withVariables(c, tokenVariables(app.Spec.Auth.Tokens)...)
	pod := corev1ac.PodSpec().WithSecurityContext(securityContext())
	if spec.Storage.Postgres != nil {
		withVariables(c, variableFrom("DATABASE_URL", spec.Storage.Postgres.URLSecretRef))
		withCA(pod, c, spec.Storage.Postgres, "PGSSLROOTCERT")
	}
	if UsesSQLite(app) {
		if !images.PlatformUsers {
			pod.SecurityContext.WithFSGroup(nonRoot)
		}
		return withData(app, pod, c)
	}
	return pod.WithContainers(c)
}

func operations(path string) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().WithHTTPGet(
		corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString("operations")))
}

// defaultResources returns the requests of the embedded API if the app specifies none.
func defaultResources() *corev1ac.ResourceRequirementsApplyConfiguration {
	return corev1ac.ResourceRequirements().WithRequests(corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("10m"),
		corev1.ResourceMemory: resource.MustParse("48Mi"),
	})
}

// withData adds a container that mounts the data volume to a pod.
func withData(app *todov1.TodoApp, pod *corev1ac.PodSpecApplyConfiguration, c *corev1ac.ContainerApplyConfiguration,
) *corev1ac.PodSpecApplyConfiguration {
	c.WithVolumeMounts(corev1ac.VolumeMount().WithName("data").WithMountPath(dataDirectory))
	return pod.WithContainers(c).WithVolumes(corev1ac.Volume().WithName("data").WithPersistentVolumeClaim(
		corev1ac.PersistentVolumeClaimVolumeSource().WithClaimName(Data(app))))
}

// dataClaim returns the claim for the volume of the SQLite file. It has an owner only if it is to be deleted with the app.
func dataClaim(app *todov1.TodoApp) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	spec := todov1.SQLiteSpec{}
	if given := app.Spec.Backend.Storage.SQLite; given != nil {
		spec = *given
	}
	size := resource.MustParse("1Gi")
	if spec.Size != nil {
		size = *spec.Size
	}
	claim := corev1ac.PersistentVolumeClaim(Data(app), app.Namespace).
		WithLabels(Labels(app, todov1.ComponentBackend)).
		WithSpec(corev1ac.PersistentVolumeClaimSpec().
			WithAccessModes(corev1.ReadWriteOnce).
			WithResources(corev1ac.VolumeResourceRequirements().
				WithRequests(corev1.ResourceList{corev1.ResourceStorage: size})))
	claim.Spec.StorageClassName = spec.StorageClassName
	if spec.ReclaimPolicy == todov1.ReclaimDelete {
		claim.WithOwnerReferences(OwnerReference(app))
	}
	return claim
}
