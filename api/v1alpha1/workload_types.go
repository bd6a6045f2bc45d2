package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FrontendSpec configures the component that signs tokens.
type FrontendSpec struct {
	// image is the Next.js image to run. If it is not set, the operator writes the Secret and runs no frontend.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image,omitempty"`
	// replicas is the number of pods; 0 to 100, default 1. The operator overwrites the Deployment's replicas if a user sets them.
	// It is ignored while autoscaling is set.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`
	// autoscaling lets an autoscaler set the number of pods instead of replicas.
	// +optional
	Autoscaling *AutoscalingSpec `json:"autoscaling,omitempty"`
	// port of the container and of the Service; default 3000.
	// +optional
	// +default=3000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
	// sessionLifetime is how long the frontend accepts a session cookie signed with a replaced key, and signs it anew;
	// 0s to 87600h, default 168h (7 days, Better Auth's own default for sessions).
	// +optional
	// +default="168h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') && duration(self) >= duration('0s') && duration(self) <= duration('87600h')",messageExpression="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') ? (duration(self) < duration('0s') ? 'must not be negative' : 'must be at most 87600h (ten years)') : 'must be a Go duration such as 720h'"
	SessionLifetime *metav1.Duration `json:"sessionLifetime,omitempty"`
	// handoverPeriod is how long a frontend outside the cluster may go on signing with a replaced key; 0s to 87600h, default
	// 1h. It applies only if image is not set and no pod carries the app's labels.
	// +optional
	// +default="1h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') && duration(self) >= duration('0s') && duration(self) <= duration('87600h')",messageExpression="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') ? (duration(self) < duration('0s') ? 'must not be negative' : 'must be at most 87600h (ten years)') : 'must be a Go duration such as 720h'"
	HandoverPeriod *metav1.Duration `json:"handoverPeriod,omitempty"`
	// url is the address of the frontend for browsers, such as https://todo.example.com; default the host of the Ingress, if
	// there is an Ingress and the operator runs the frontend. It becomes BETTER_AUTH_URL, NEXT_PUBLIC_APP_URL,
	// NEXT_PUBLIC_API_URL and the origin that the API allows.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != ''",message="must be an http or https URL with a host, such as https://todo.example.com"
	URL string `json:"url,omitempty"`
	// secretRef names the Secret that the operator writes for the frontend; default <app>-frontend-auth.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`
	// database is the frontend's own database for users and sessions; its URL becomes DATABASE_URL.
	// +optional
	Database     *DatabaseSpec `json:"database,omitempty"`
	WorkloadSpec `json:",inline"`
}

// BackendSpec configures the component that verifies tokens and serves tasks.
//
// +kubebuilder:validation:XValidation:rule="!has(self.replicas) || self.replicas <= 1 || (has(self.storage) && has(self.storage.postgres)) || (has(self.image) && !(has(self.storage) && has(self.storage.sqlite)))",message="more than one replica needs storage.postgres: SQLite serves one pod"
// +kubebuilder:validation:XValidation:rule="!has(self.probes) || has(self.image)",message="probes are for a backend image of your own, and the task API has its own: remove probes, or set image"
// +kubebuilder:validation:XValidation:rule="!has(self.template) || !has(self.template.strategy) || (has(self.storage) && has(self.storage.postgres)) || (has(self.image) && !(has(self.storage) && has(self.storage.sqlite)))",message="template.strategy does not apply to a backend on SQLite, which stops its pod before it starts the next: remove it, or use storage.postgres"
// +kubebuilder:validation:XValidation:rule="has(self.image) || !has(oldSelf.storage) || !has(oldSelf.storage.sqlite) || (has(self.storage) && (has(self.storage.sqlite) || has(self.storage.postgres))) || (!has(oldSelf.storage.sqlite.storageClassName) && quantity(string(oldSelf.storage.sqlite.size)).compareTo(quantity('1Gi')) <= 0)",message="keep storage.sqlite: without it the volume would be one of 1Gi in the default class, and a volume can only grow and stays in its class"
// +kubebuilder:validation:XValidation:rule="has(oldSelf.image) || !has(oldSelf.storage) || has(oldSelf.storage.sqlite) || has(oldSelf.storage.postgres) || !has(self.storage) || !has(self.storage.sqlite) || (!has(self.storage.sqlite.storageClassName) && quantity(string(self.storage.sqlite.size)).compareTo(quantity('1Gi')) >= 0)",message="the volume is one of 1Gi in the default class already: it can only grow, and stays in its class"
// +kubebuilder:validation:XValidation:rule="!has(self.autoscaling) || (has(self.storage) && has(self.storage.postgres)) || (has(self.image) && !(has(self.storage) && has(self.storage.sqlite)))",message="autoscaling needs storage.postgres: SQLite serves one pod"
type BackendSpec struct {
	// image is a backend of your own. If it is not set, the operator runs its embedded task API from its own image.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image,omitempty"`
	// replicas is the number of pods; 0 to 100, default 1. More than one needs storage.postgres. The operator overwrites the
	// Deployment's replicas if a user sets them. It is ignored while autoscaling is set.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`
	// autoscaling lets an autoscaler set the number of pods instead of replicas.
	// +optional
	Autoscaling *AutoscalingSpec `json:"autoscaling,omitempty"`
	// port of the container and of the Service; default 8000. It cannot be 9090, on which the embedded API serves metrics and
	// the operator.
	// +optional
	// +default=8000
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="self != 9090",message="9090 is the operations port"
	Port int32 `json:"port,omitempty"`
	// secretRef names the Secret that the operator writes for the backend; default <app>-backend-auth.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`
	// storage selects the store of the tasks; default SQLite on a volume of 1Gi for the embedded API, and none for an image of
	// your own.
	// +optional
	// +default={}
	Storage StorageSpec `json:"storage,omitzero"`
	// cors lets browsers call the API from another origin.
	// +optional
	// +default={}
	CORS         CORSSpec `json:"cors,omitzero"`
	WorkloadSpec `json:",inline"`
}

// StorageSpec selects the store of the tasks: one of its members.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.sqlite) && has(self.postgres))",message="set sqlite or postgres, not both"
type StorageSpec struct {
	// sqlite keeps tasks in a file on a volume, for one pod.
	// +optional
	SQLite *SQLiteSpec `json:"sqlite,omitempty"`
	// postgres keeps tasks in a PostgreSQL database, such as PostgreSQL itself, Neon or CockroachDB.
	// +optional
	Postgres *DatabaseSpec `json:"postgres,omitempty"`
}

// ReclaimPolicy says what becomes of the data volume, or of the keyring Secret, when its TodoApp is deleted.
//
// +kubebuilder:validation:Enum=Retain;Delete
type ReclaimPolicy string

const (
	// ReclaimRetain keeps it: the next TodoApp of the same name finds its tasks, or its keys, again.
	ReclaimRetain ReclaimPolicy = "Retain"
	// ReclaimDelete deletes it with the TodoApp.
	ReclaimDelete ReclaimPolicy = "Delete"
)

// SQLiteSpec is the volume for the SQLite file.
//
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",message="storageClassName cannot be changed: a claim stays in its class"
type SQLiteSpec struct {
	// size of the volume; it can only grow; default 1Gi. A volume that is already larger keeps its size.
	// +optional
	// +default="1Gi"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).isGreaterThan(quantity('0'))",message="must be more than 0"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",message="a volume can only grow"
	Size *resource.Quantity `json:"size,omitempty"`
	// storageClassName of the volume; default the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
	// reclaimPolicy says what becomes of the volume when the TodoApp is deleted: Retain (the default) or Delete.
	// +optional
	// +default="Retain"
	ReclaimPolicy ReclaimPolicy `json:"reclaimPolicy,omitempty"`
}

// CORSSpec lets browsers call the API from another origin.
type CORSSpec struct {
	// allowedOrigins are origins as browsers send them, such as https://todo.example.com: the host in lower case and ASCII,
	// no path, and no port that the scheme has by default; * allows every origin. Default the origin of frontend.url, if it is
	// set.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:items:XValidation:rule="self == '*' || self.matches('^https?://([a-z0-9_-]+(\\\\.[a-z0-9_-]+)*|\\\\[[0-9a-f:.]+\\\\])(:[1-9][0-9]{0,4})?$')",message="must be an origin as browsers send it, such as https://todo.example.com: lower case, without a path or a user, or just *"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^(http://.*:80|https://.*:443)$')",message="must be an origin as browsers send it: they leave out port 80 of http and 443 of https"
	AllowedOrigins []string `json:"allowedOrigins,omitempty"`
}

// WorkloadSpec holds the fields of both components.
type WorkloadSpec struct {
	// env adds environment variables to the container. It may not set BETTER_AUTH_SECRET, BETTER_AUTH_SECRETS,
	// BETTER_AUTH_KEY_VERSION, BETTER_AUTH_COOKIE_VERSIONS, BETTER_AUTH_LEGACY_SECRET or BETTER_AUTH_URL; of the other
	// variables that the operator sets, one here wins.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:XValidation:rule="self.all(e, !(e.name in ['BETTER_AUTH_SECRET', 'BETTER_AUTH_SECRETS', 'BETTER_AUTH_KEY_VERSION', 'BETTER_AUTH_COOKIE_VERSIONS', 'BETTER_AUTH_LEGACY_SECRET', 'BETTER_AUTH_URL']))",message="the operator sets BETTER_AUTH_SECRET, BETTER_AUTH_SECRETS, BETTER_AUTH_KEY_VERSION, BETTER_AUTH_COOKIE_VERSIONS, BETTER_AUTH_LEGACY_SECRET and BETTER_AUTH_URL itself: remove them from env"
	Env []corev1.EnvVar `json:"env,omitempty"`
	// resources of the container.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitzero"`
	// template adds fields to the pods.
	// +optional
	Template PodTemplate `json:"template,omitzero"`
	// probes set how the kubelet checks the container. For a backend, they apply to an image of your own only: the task API has
	// its own. A frontend with probes also gets HOSTNAME=0.0.0.0 and PORT, unless env sets them.
	// +optional
	Probes *ProbesSpec `json:"probes,omitempty"`
}
