//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
)

// startAgent runs the agent in its own namespace, which allows it to see the node's processes.
func startAgent(ctx context.Context) error {
	namespace, err := newNamespace(ctx, "privileged")
	if err != nil {
		return err
	}
	cluster.tools = namespace.Name
	ready := &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
		HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(agent.Port)}}}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster.tools, Name: "agent"},
		Spec: corev1.PodSpec{
			HostPID: true,
			Containers: []corev1.Container{{
				Name: "agent", Image: probeImage, Args: []string{"agent"}, ReadinessProbe: ready,
				SecurityContext: &corev1.SecurityContext{
					RunAsUser:       new(int64(0)),
					AppArmorProfile: &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined},
				},
			}},
		},
	}
	if err := cluster.Create(ctx, pod); err != nil {
		return fmt.Errorf("starting the agent: %w", err)
	}
	return poll(ctx, func() error {
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
			return fmt.Errorf("reading the agent: %w", err)
		}
		if !podReady(pod) {
			return fmt.Errorf("the agent is not ready: %+v", pod.Status.ContainerStatuses)
		}
		return nil
	})
}

// ask sends a request to the agent and decodes its answer.
func ask[O any](ctx context.Context, what string, in any) (O, error) {
	var out O
	body, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("encoding what the agent is asked: %w", err)
	}
	answer, err := cluster.api.CoreV1().RESTClient().Post().Namespace(cluster.tools).Resource("pods").
		Name("agent:" + strconv.Itoa(agent.Port)).SubResource("proxy").Suffix(what).Body(body).DoRaw(ctx)
	if err != nil {
		return out, fmt.Errorf("asking the agent: %w: %.500s", err, answer)
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return out, fmt.Errorf("reading the agent's answer: %w", err)
	}
	return out, nil
}

// request sends one request from inside the cluster.
func request(t *testing.T, c agent.Call) agent.Reply {
	t.Helper()
	reply, err := ask[agent.Reply](t.Context(), "call", c)
	must(t, err)
	return reply
}

// signal sends a signal to the processes of a pod, from its node.
func signal(t *testing.T, pod *corev1.Pod, name string) {
	t.Helper()
	_, err := ask[int](t.Context(), "signal", agent.Signal{PodUID: string(pod.UID), Name: name})
	must(t, err)
}

// moments repeats calls until each has the expected answer, and returns how long after the start that was.
func moments(t *testing.T, start time.Time, u agent.Until) []time.Duration {
	t.Helper()
	u.Within = 2 * time.Minute
	at, err := ask[[]time.Time](t.Context(), "until", u)
	must(t, err)
	durations := make([]time.Duration, len(at))
	for i := range at {
		durations[i] = at[i].Sub(start).Round(10 * time.Millisecond)
	}
	return durations
}

func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
