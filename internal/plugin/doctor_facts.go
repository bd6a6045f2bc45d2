package plugin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// operatorName is the name of the operator's objects.
const operatorName = "todoapp-operator"

// read is an object that was read, or the reason why it was not: both are nil if it does not exist.
type read[T any] struct {
	object *T
	err    error
}

// facts holds everything that the checks judge.
type facts struct {
	// now is the API server's clock, and local that of this machine at the same moment.
	now, local time.Time

	operatorNamespace string
	operator          read[appsv1.Deployment]
	lease             read[coordinationv1.Lease]
	// shards holds the Deployments of the operator beside the main one.
	shards  []managers
	webhook read[admissionv1.ValidatingWebhookConfiguration]
	// probe is the answer to a TodoApp that is created as a dry run, and warned says if the webhook warned about it.
	probe  error
	warned bool
	policy read[admissionv1.ValidatingAdmissionPolicy]
	bound  read[admissionv1.ValidatingAdmissionPolicyBinding]
	nodes  read[coordinationv1.LeaseList]

	app                        *todov1.TodoApp
	keyring, frontend, backend read[corev1.Secret]
	pods                       []podFact
	podsErr                    error
	policies                   read[networkingv1.NetworkPolicyList]
}

// podFact is a pod with its answers.
type podFact struct {
	corev1.Pod
	// asked says that the pod runs the embedded API. The rest is empty otherwise.
	asked  bool
	answer podAnswer
	err    error
	// refusals counts refused tokens by their reason, since the pod started.
	refusals map[string]int
	// status is the answer to a request with a token that was signed with the active key; 0 if none was sent.
	status   int
	tokenErr error
}

// gather reads the facts. What the user may not read is left out, with the error in its place.
func (c *cluster) gather(ctx context.Context, names []string, operatorNamespace string) (*facts, error) {
	f := &facts{operatorNamespace: operatorNamespace}
	if len(names) > 0 {
		app, err := c.app(ctx, names[0])
		if err != nil {
			return nil, err
		}
		f.app = app
	}
	var err error
	if f.now, err = c.serverTime(ctx); err != nil {
		return nil, err
	}
	f.local = time.Now()
	defer c.working("checking the operator, the cluster and the pods")()
	c.gatherOperator(ctx, f)
	if f.app != nil {
		c.gatherApp(ctx, f)
	}
	return f, nil
}

// gatherOperator reads the operator's own objects.
func (c *cluster) gatherOperator(ctx context.Context, f *facts) {
	f.webhook = get[admissionv1.ValidatingWebhookConfiguration](ctx, c, "", operatorName)
	if f.operatorNamespace == "" {
		f.operatorNamespace = "todoapp-system"
		if w := f.webhook.object; w != nil && len(w.Webhooks) > 0 && w.Webhooks[0].ClientConfig.Service != nil {
			f.operatorNamespace = w.Webhooks[0].ClientConfig.Service.Namespace
		}
	}
	f.operator = get[appsv1.Deployment](ctx, c, f.operatorNamespace, operatorName)
	f.lease = get[coordinationv1.Lease](ctx, c, f.operatorNamespace, leaseName(f.operator.object))
	f.shards = c.gatherShards(ctx, f.operatorNamespace)
	f.policy = get[admissionv1.ValidatingAdmissionPolicy](ctx, c, "", operatorName+"-managed-secrets")
	f.bound = get[admissionv1.ValidatingAdmissionPolicyBinding](ctx, c, "", operatorName+"-managed-secrets")
	leases := &coordinationv1.LeaseList{}
	if f.nodes.err = c.List(ctx, leases, client.InNamespace(corev1.NamespaceNodeLease)); f.nodes.err == nil {
		f.nodes.object = leases
	}
	c.warnings = nil
	probe := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, GenerateName: "doctor-"}}
	probe.Spec.Frontend.URL = "http://doctor.example" // the webhook warns about http
	f.probe = c.Create(ctx, probe, client.DryRunAll)
	f.warned = strings.Contains(strings.Join(c.warnings, "\n"), "spec.frontend.url")
}

// gatherApp reads the objects of the app, and asks its pods.
func (c *cluster) gatherApp(ctx context.Context, f *facts) {
	f.keyring = get[corev1.Secret](ctx, c, f.app.Namespace, desired.Keyring(f.app))
	f.frontend = get[corev1.Secret](ctx, c, f.app.Namespace, desired.FrontendSecret(f.app))
	f.backend = get[corev1.Secret](ctx, c, f.app.Namespace, desired.BackendSecret(f.app))
	policies := &networkingv1.NetworkPolicyList{}
	if f.policies.err = c.List(ctx, policies, client.InNamespace(f.app.Namespace)); f.policies.err == nil {
		f.policies.object = policies
	}
	pods, err := c.pods(ctx, f.app)
	f.podsErr, f.pods = err, make([]podFact, len(pods))
	var asking sync.WaitGroup
	for i, pod := range pods {
		fact := &f.pods[i]
		*fact = podFact{Pod: pod, asked: reloads(f.app, &pod) && pod.DeletionTimestamp == nil}
		if fact.asked {
			asking.Go(func() { c.askPod(ctx, f, fact) }) // a pod that does not answer must not delay the others
		}
	}
	asking.Wait()
}

// askPod asks a pod of the embedded API for its keys and refusals, and tries a token.
func (c *cluster) askPod(ctx context.Context, f *facts, fact *podFact) {
	if fact.answer, fact.err = c.keyringOf(ctx, &fact.Pod); fact.err != nil {
		return
	}
	if metrics, err := c.requestPod(ctx, &fact.Pod, desired.OperationsPort, "/metrics", nil); err == nil {
		fact.refusals = refusalsIn(string(metrics.body))
	}
	if f.frontend.object == nil {
		fact.tokenErr = errors.Join(f.frontend.err, errNoSecret)
		return
	}
	token, err := signed(f.app, f.frontend.object, "doctor", f.now, time.Minute)
	if err != nil {
		fact.tokenErr = err
		return
	}
	response, err := c.requestPod(ctx, &fact.Pod, f.app.Spec.Backend.Port, "/api/doctor/tasks?limit=1",
		http.Header{"Authorization": {"Bearer " + token}})
	fact.status, fact.tokenErr = response.status, err
}

var errNoSecret = errors.New("the frontend's Secret was not read")

// refusedMetric matches a sample of the API's counter of refused tokens.
var refusedMetric = regexp.MustCompile(`(?m)^taskapi_auth_failures_total\{reason="(\w+)"\} ([0-9.e+]+)$`)

// refusalsIn returns the counts of refused tokens in a page of metrics.
func refusalsIn(page string) map[string]int {
	counts := map[string]int{}
	for _, sample := range refusedMetric.FindAllStringSubmatch(page, -1) {
		if count, err := strconv.ParseFloat(sample[2], 64); err == nil && count > 0 {
			counts[sample[1]] = int(count)
		}
	}
	return counts
}

// get reads an object that may not exist, and that the user may not be allowed to read.
func get[T any, P interface {
	*T
	client.Object
}](ctx context.Context, c *cluster, namespace, name string) read[T] {
	object := P(new(T))
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
	switch {
	case apierrors.IsNotFound(err):
		return read[T]{}
	case err != nil:
		return read[T]{err: fmt.Errorf("reading %s: %w", name, err)}
	}
	return read[T]{object: object}
}

// shortError returns the text of an error; of a missing right, only the right.
func shortError(err error) string {
	status := apierrors.APIStatus(nil)
	if apierrors.IsForbidden(err) && errors.As(err, &status) {
		text := status.Status().Message
		if _, after, found := strings.Cut(text, " cannot "); found {
			return "you may not " + after
		}
	}
	return err.Error()
}
