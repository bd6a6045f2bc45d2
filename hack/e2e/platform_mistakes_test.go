//go:build e2e

package e2e

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// TestPlatformMistakesShow makes mistakes of a platform team that admission cannot know. The app's condition says what to do.
func TestPlatformMistakesShow(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	cases := []struct{ name, spec, condition, reason, message string }{
		{
			"unknown-gateway", `{gateway: {parentRefs: [{name: absent}], hostnames: [a.example.com]}}`, todov1.ConditionRouteAccepted, "",
			`^(Gateway absent has not answered: check that it exists and that its controller runs\.|` +
				`The cluster has no HTTPRoute of .+: install the Gateway API\. .+)$`,
		}, {
			"no-metrics", `{frontend: {image: "` + probeImage + `", autoscaling: {maxReplicas: 2}}}`,
			todov1.ConditionAutoscalerActive, todov1.ReasonNotScaling,
			`^HorizontalPodAutoscaler no-metrics-frontend does not scale \(.+\): .+ Check the metrics that it needs, such as those of ` +
				`metrics-server, and the CPU requests of the pods\.$`,
		}, {
			"absent-files", `{frontend: {image: "` + probeImage + `", template: {volumes: [{name: files, configMap: {name: absent}}],
				volumeMounts: [{name: files, mountPath: /files}]}}}`, todov1.ConditionFrontendAvailable, todov1.ReasonSecretMissing,
			`^ConfigMap absent not found: pod absent-files-frontend-\S+ cannot start without it\. It starts by itself once that exists\.$`,
		}, {
			"absent-class", `{frontend: {image: "` + probeImage + `", template: {priorityClassName: absent}}}`,
			todov1.ConditionFrontendAvailable, todov1.ReasonForbidden,
			`^The cluster refuses the pods: .*no PriorityClass with name absent was found\. ` +
				`Create it, or change spec\.frontend\.template\.priorityClassName\.$`,
		},
	}
	apps := make([]*todov1.TodoApp, len(cases))
	for i, c := range cases {
		apps[i] = e.apply(c.name, c.spec)
	}
	for i, c := range cases {
		e.matches(c.name, e.awaitCondition(apps[i], c.condition, metav1.ConditionFalse, c.reason).Message, c.message)
	}
}
