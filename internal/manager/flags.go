package manager

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/shard"
	"github.com/todoapp-operator/todoapp-operator/webhook"
)

// settings holds the values of the flags.
type settings struct {
	image           string
	platformUsers   bool
	pullSecrets     string
	revisions       int
	namespace       string
	watchNamespaces string
	shard           shard.Shard
	metrics, health string
	metricsPerApp   bool
	metricsSecure   bool
	pprof           string
	version         string
	webhook         bool
	webhookPort     int
	certificateLife time.Duration
	certificateDir  string
	pathToken       string
	referenceRights webhook.ReferenceRights
	network         desired.Network
	logLevel        slog.Level
	control
}

// parse reads the flags. The defaults of the image and the namespace come from the environment.
func parse(args []string, env func(string) string, output io.Writer) (settings, error) {
	s := settings{}
	flags := flag.NewFlagSet("todoapp-operator manager", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&s.image, "task-api-image", env("TASK_API_IMAGE"),
		"`image` of the embedded task API: the operator's own (default $TASK_API_IMAGE)")
	flags.StringVar(&s.namespace, "namespace", env("POD_NAMESPACE"),
		"`namespace` the operator runs in, for its lease and its serving certificate (default $POD_NAMESPACE)")
	flags.StringVar(&s.watchNamespaces, "watch-namespaces", "",
		"comma-separated `namespaces` to watch (default all)")
	flags.Var(&s.shard, "watch-label-selector",
		"`selector` of the label todoapp.dev/shard: then only the TodoApps with such a label are reconciled (default all)")
	flags.StringVar(&s.metrics, "metrics-listen", ":8080", "`address` of the metrics; 0 serves none")
	flags.BoolVar(&s.metricsPerApp, "metrics-per-app", false,
		"expose the metrics of each app; by default only of those that are not as they should be, and counts of all")
	flags.BoolVar(&s.metricsSecure, "metrics-secure", false,
		"serve the metrics by TLS, and only to clients that may get /metrics of the API server; by default to all, without TLS")
	flags.StringVar(&s.health, "health-listen", ":8081", "`address` of /healthz and /readyz; 0 serves none")
	flags.StringVar(&s.pprof, "pprof-listen", "",
		"`address` of profiles under /debug/pprof; a port alone, such as :6060, is served on the loopback address (default none)")
	webhookFlags(flags, &s, env)
	controlFlags(flags, &s.control)
	workloadFlags(flags, &s)
	networkFlags(flags, &s.network)
	flags.TextVar(&s.logLevel, "log-level", s.logLevel, "`level` of the log: debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return settings{}, fmt.Errorf("reading the flags: %w", err)
	}
	s.network.OperatorNamespace = s.namespace
	if s.leaseName == "" {
		s.leaseName = s.shard.LeaseName()
	}
	if strings.HasPrefix(s.pprof, ":") {
		s.pprof = "127.0.0.1" + s.pprof // profiles show the memory, including keys
	}
	return s, s.check(flags.Args())
}

// workloadFlags adds the flags about the Deployments of apps.
func workloadFlags(flags *flag.FlagSet, s *settings) {
	flags.BoolVar(&s.platformUsers, "platform-users", false,
		"leave the users of the task API's pods to the platform, as OpenShift's restricted-v2 asks (default user 65532)")
	flags.StringVar(&s.pullSecrets, "app-image-pull-secrets", "",
		"comma-separated `names` of Secrets in the namespace of each app, with credentials to pull the task API (default none)")
	flags.IntVar(&s.revisions, "app-revision-history-limit", -1,
		"`number` of old ReplicaSets that Kubernetes keeps of each Deployment of an app; -1 leaves it to Kubernetes, which keeps 10")
}

// webhookFlags adds the flags about admission.
func webhookFlags(flags *flag.FlagSet, s *settings, env func(string) string) {
	flags.BoolVar(&s.webhook, "webhook", true, "serve the admission webhook")
	flags.IntVar(&s.webhookPort, "webhook-port", 10250, "`port` of the admission webhook")
	flags.DurationVar(&s.certificateLife, "webhook-certificate-lifetime", 90*24*time.Hour,
		"how long a serving certificate of the webhook is good; it is renewed when a third of that is left")
	flags.StringVar(&s.certificateDir, "webhook-certificate-dir", "",
		"`directory` with the webhook's tls.crt and tls.key, which cert-manager for example renews (default: the manager generates them)")
	flags.StringVar(&s.pathToken, "webhook-path-token", env("WEBHOOK_PATH_TOKEN"),
		"`segment` that begins the webhook's paths, with --webhook-certificate-dir; without it every client in the cluster network "+
			"can call the webhook (default $WEBHOOK_PATH_TOKEN)")
	flags.TextVar(&s.referenceRights, "reference-rights", webhook.Enforce,
		"what admission does if a user refers to a Secret or ConfigMap that the user may not get: `Enforce` refuses, Warn or Off")
}

// check returns an error for flags that are missing or contradict each other.
func (s settings) check(arguments []string) error {
	switch {
	case len(arguments) > 0:
		return fmt.Errorf("unexpected argument %q; todoapp-operator manager --help lists the flags", arguments[0])
	case s.image == "":
		return errors.New("no image for the task API: set --task-api-image or TASK_API_IMAGE")
	case s.namespace == "" && (s.webhook || s.leaderElection || s.network.Policies):
		return errors.New("no namespace for the lease, the certificate and what may reach apps: set --namespace or POD_NAMESPACE")
	case s.revisions < -1 || s.revisions > math.MaxInt32:
		return fmt.Errorf("--app-revision-history-limit must be a number of ReplicaSets, or -1: %d", s.revisions)
	}
	for _, name := range list(s.pullSecrets) {
		if faults := validation.IsDNS1123Subdomain(name); len(faults) > 0 {
			return fmt.Errorf("--app-image-pull-secrets must be names of Secrets: %q: %s", name, faults[0])
		}
	}
	return s.control.check() // not s.check, which is this method
}

// namespaces returns the namespaces to watch. It is empty for all.
func (s settings) namespaces() []string { return list(s.watchNamespaces) }

// list returns the words of a text, which commas or spaces separate.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// images returns the settings for the workloads of all apps.
func (s settings) images() desired.Images {
	images := desired.Images{TaskAPI: s.image, PlatformUsers: s.platformUsers, PullSecrets: list(s.pullSecrets)}
	if s.revisions >= 0 {
		images.RevisionHistory = ptr.To(int32(s.revisions)) //nolint:gosec // check limits it
	}
	return images
}
