package plugin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// askWithin bounds how long a pod may take to answer.
const askWithin = 5 * time.Second

// pods lists the pods that carry the label of an app, by component and name.
func (c *cluster) pods(ctx context.Context, app *todov1.TodoApp) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := c.List(ctx, &list, client.InNamespace(app.Namespace), client.MatchingLabels{todov1.LabelApp: app.Name})
	if err != nil {
		return nil, fmt.Errorf("listing the pods of TodoApp %s: %w", app.Name, err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int {
		return cmp.Or(strings.Compare(a.Labels[todov1.LabelComponent], b.Labels[todov1.LabelComponent]),
			strings.Compare(a.Name, b.Name))
	})
	return list.Items, nil
}

// podStates returns the pods of an app with their keys. It asks the pods of the embedded API, all at once.
func (c *cluster) podStates(ctx context.Context, app *todov1.TodoApp) ([]podState, error) {
	pods, err := c.pods(ctx, app)
	if err != nil {
		return nil, err
	}
	states := make([]podState, len(pods))
	var asking sync.WaitGroup
	for i := range pods {
		states[i] = stateOf(&pods[i])
		if reloads(app, &pods[i]) {
			asking.Go(func() { c.ask(ctx, &pods[i], &states[i]) })
		}
	}
	asking.Wait()
	return states, nil
}

// ask completes the state of a pod of the embedded API with what the pod answers. If the pod names its keys and not their uses, it
// is of an earlier release or has just ended, and the uses stay unknown.
func (c *cluster) ask(ctx context.Context, pod *corev1.Pod, state *podState) {
	if len(state.Trusts) == 0 {
		answer, err := c.keyringOf(ctx, pod)
		state.Trusts, state.Unknown = answer.Versions, ""
		if err != nil {
			state.Unknown = "not known: " + err.Error()
			return
		}
	}
	state.LastUses, _ = c.lastUses(ctx, pod)
}

// stateOf returns a pod with the keys that its annotation names.
func stateOf(pod *corev1.Pod) podState {
	state := podState{
		Name: pod.Name, Component: pod.Labels[todov1.LabelComponent], Node: pod.Spec.NodeName, State: phaseOf(pod),
		Unknown: "not known: no annotation " + todov1.AnnotationKeys,
	}
	versions, err := keyring.ParseVersions(pod.Annotations[todov1.AnnotationKeys])
	if err != nil {
		return state
	}
	state.Trusts, state.Unknown = versions, ""
	if state.Component == todov1.ComponentFrontend {
		state.Signs = versions[0]
	}
	return state
}

// phaseOf returns the state of a pod as kubectl get shows it.
func phaseOf(pod *corev1.Pod) string {
	if pod.DeletionTimestamp != nil {
		return "Terminating"
	}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if s.State.Waiting != nil && s.State.Waiting.Reason != "" {
			return s.State.Waiting.Reason
		}
	}
	if pod.Status.Phase == corev1.PodRunning {
		if podReady(pod) {
			return "Ready"
		}
		return "NotReady"
	}
	return string(pod.Status.Phase)
}

func podReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// reloads reports whether a pod runs the embedded API, which says which keys it trusts.
func reloads(app *todov1.TodoApp, pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return embedded(app) && pod.Labels[todov1.LabelComponent] == todov1.ComponentBackend && desired.Managed(pod) &&
		owner != nil && strings.HasPrefix(owner.Name, desired.Backend(app))
}

// podAnswer is the answer of a pod of the embedded API.
type podAnswer struct {
	Versions []int64 `json:"versions"`
	Store    string  `json:"store"`
	// Date is the clock of the pod.
	Date time.Time `json:"-"`
}

// keyringOf asks a pod of the embedded API which keys it trusts.
func (c *cluster) keyringOf(ctx context.Context, pod *corev1.Pod) (podAnswer, error) {
	var answer podAnswer
	if pod.Status.Phase != corev1.PodRunning {
		return answer, fmt.Errorf("the pod is %s", phaseOf(pod))
	}
	response, err := c.requestPod(ctx, pod, desired.OperationsPort, "/keyring", nil)
	if err != nil {
		return answer, err
	}
	if response.status != http.StatusOK {
		return answer, fmt.Errorf("the pod answers %d", response.status)
	}
	if err := json.Unmarshal(response.body, &answer); err != nil {
		return answer, fmt.Errorf("reading the pod's answer: %w", err)
	}
	answer.Date = response.date
	return answer, nil
}

// podResponse is the answer of a pod to a request. The date is the clock of the pod.
type podResponse struct {
	status int
	body   []byte
	date   time.Time
}

// requestPod sends a GET request to a port of a pod through the API server, as kubectl port-forward does.
// No NetworkPolicy or mesh is in between.
func (c *cluster) requestPod(
	ctx context.Context, pod *corev1.Pod, port int32, path string, header http.Header,
) (podResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	address, err := c.forward(ctx, pod, port)
	if err != nil {
		return podResponse{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return podResponse{}, fmt.Errorf("asking pod %s: %w", pod.Name, err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	direct := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without a proxy
	response, err := direct.Do(request)
	if err != nil {
		return podResponse{}, fmt.Errorf("asking pod %s: %w", pod.Name, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return podResponse{}, fmt.Errorf("reading the answer of pod %s: %w", pod.Name, err)
	}
	date, _ := http.ParseTime(response.Header.Get("Date"))
	return podResponse{response.StatusCode, body, date}, nil
}
