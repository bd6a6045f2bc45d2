package plugin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// reason refers to the explanation of a condition's reason.
const explained = "see the reason in docs/troubleshooting.md"

// judgeStatus passes on what the operator reports.
func judgeStatus(f *facts) []finding {
	var found []finding
	app := f.app
	switch {
	case len(app.Status.Conditions) == 0:
		return []finding{fault("see the check \"operator\"; with --watch-namespaces, the operator must watch namespace "+app.Namespace,
			"the operator has not written a status yet")}
	case app.Status.ObservedGeneration < app.Generation:
		found = append(found, fault("see the check \"operator\", and read its log", "the operator has not acted on the last change"))
	}
	if app.Paused() {
		found = append(found, note("kubectl todoapp resume "+app.Name, "the app is paused: the operator writes nothing but the status"))
	}
	for _, c := range app.Status.Conditions {
		bad := c.Status != metav1.ConditionTrue
		switch {
		case c.Type == todov1.ConditionReady || c.Type == todov1.ConditionPaused || !bad:
		case c.Type == todov1.ConditionRotationComplete && c.Reason == todov1.ReasonDraining:
			found = append(found, ok("a rotation waits for old tokens to expire"))
		case c.Type == todov1.ConditionRotationComplete && onlyWaits(c):
			found = append(found, note("kubectl todoapp status "+app.Name+" -w", "a rotation is under way: %s", c.Message))
		default:
			found = append(found, fault(explained, "%s is %s (%s): %s", c.Type, c.Status, c.Reason, strings.TrimSuffix(c.Message, ".")))
		}
	}
	if len(found) == 0 {
		return []finding{ok("the operator reports no problem")}
	}
	return found
}

// onlyWaits reports whether a rotation that is not complete waits for something that comes by itself. A message about the trouble
// of one pod tells of a fault.
func onlyWaits(c metav1.Condition) bool {
	switch c.Reason {
	case todov1.ReasonHandover, todov1.ReasonTooManyKeys, todov1.ReasonQueued:
		return true
	default:
		return c.Reason == todov1.ReasonWaitingForPods && !strings.Contains(c.Message, "Pod ")
	}
}

// judgePods judges if pods are ready and use the present keys.
func judgePods(f *facts) []finding {
	var found []finding
	for i := range f.pods {
		pod := &f.pods[i]
		if state := phaseOf(&pod.Pod); state != "Ready" && state != "Terminating" && state != "Succeeded" {
			found = append(found, fault(fmt.Sprintf("kubectl -n %s describe pod %s; kubectl -n %s logs %s",
				pod.Namespace, pod.Name, pod.Namespace, pod.Name), "pod %s is %s", pod.Name, state))
		}
		if stale := f.staleness(pod); stale.Text != "" {
			found = append(found, stale)
		}
	}
	switch {
	case len(found) > 0:
		return found
	case len(f.pods) == 0:
		return []finding{note("", "no pod carries the label %s=%s", todov1.LabelApp, f.app.Name)}
	default:
		return []finding{ok("%s, ready and with the present keys", plural(len(f.pods), "pod"))}
	}
}

// settling is how long a kubelet may take to renew a mounted Secret.
const settling = 2 * time.Minute

// staleness returns a fault if a pod uses other keys than its Secret holds.
func (f *facts) staleness(pod *podFact) finding {
	secret := f.secretOf(&pod.Pod)
	if secret == nil || pod.DeletionTimestamp != nil {
		return finding{}
	}
	versions, changed := secret.Annotations[todov1.AnnotationKeys], changedAt(secret)
	restart := fmt.Sprintf("kubectl -n %s delete pod %s, which starts again with the present keys", pod.Namespace, pod.Name)
	own, annotated := pod.Annotations[todov1.AnnotationKeys]
	switch {
	case pod.asked && pod.err == nil && !sameVersions(pod.answer.Versions, versions) && f.now.Sub(changed) > settling:
		return fault(restart, "pod %s trusts keys %s, and Secret %s holds %s for %s: its mounted files are stale",
			pod.Name, versionsText(pod.answer.Versions), secret.Name, versions, age(new(metav1.NewTime(changed)), f.now))
	case annotated && own != versions && f.now.Sub(changed) > settling:
		return fault(restart, "pod %s was started with keys %s, and Secret %s holds %s: its environment is stale",
			pod.Name, own, secret.Name, versions)
	case !annotated && !desired.Managed(&pod.Pod) && f.older(pod, changed):
		return fault("restart it: kubectl rollout restart its Deployment", "pod %s is older than the last change of Secret %s (%s): "+
			"its environment is stale", pod.Name, secret.Name, clock(changed))
	}
	return finding{}
}

// older reports whether a pod was created before a change of its Secret. Both times are whole seconds: if they are equal, it
// decides by whether the rotation waits for the pod.
func (f *facts) older(pod *podFact, changed time.Time) bool {
	created, rotation := pod.CreationTimestamp.Time, f.app.Status.Rotation
	return created.Before(changed) || created.Equal(changed) && rotation != nil && slices.Contains(rotation.WaitingFor, pod.Name)
}

// secretOf returns the Secret of a pod's component; nil if it was not read.
func (f *facts) secretOf(pod *corev1.Pod) *corev1.Secret {
	if pod.Labels[todov1.LabelComponent] == todov1.ComponentFrontend {
		return f.frontend.object
	}
	return f.backend.object
}

// changedAt returns when the operator last changed a Secret, by the API server's clock.
func changedAt(secret *corev1.Secret) time.Time {
	last := secret.CreationTimestamp.Time
	for _, entry := range secret.ManagedFields {
		if entry.Manager == operatorName && entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

func versionsText(versions []int64) string {
	var texts []string
	for _, v := range versions {
		texts = append(texts, strconv.FormatInt(v, 10))
	}
	return strings.Join(texts, ",")
}

// sameVersions reports whether a pod trusts the versions of an annotation, in any order.
func sameVersions(trusted []int64, annotation string) bool {
	wanted := strings.Split(annotation, ",")
	slices.Sort(wanted)
	has := strings.Split(versionsText(trusted), ",")
	slices.Sort(has)
	return slices.Equal(wanted, has)
}

// judgeFrontend judges if frontends sign with the app's secret.
func judgeFrontend(f *facts) []finding {
	var found []finding
	own := desired.FrontendSecret(f.app)
	for i := range f.pods {
		pod := &f.pods[i]
		if pod.Labels[todov1.LabelComponent] == todov1.ComponentFrontend {
			found = append(found, frontendSecrets(&pod.Pod, own)...)
		}
		if n := pod.refusals[string(authn.UnknownKey)] + pod.refusals[string(authn.Signature)]; n > 0 {
			found = append(found, note("kubectl -n "+pod.Namespace+" logs "+pod.Name+" | grep '\"decision\":\"refused\"'; if it goes on, "+
				"compare where the frontend reads BETTER_AUTH_SECRET with Secret "+own,
				"pod %s has refused %s of unknown keys since it started: a frontend signs with another secret, or old tokens "+
					"of revoked keys are in use", pod.Name, plural(n, "token")))
		}
	}
	if len(found) == 0 {
		return []finding{ok("no sign of a frontend with another secret")}
	}
	return found
}

// frontendSecrets returns findings about the Secrets that a frontend reads. A variable of another Secret is a fault. A pod that
// does not read the app's Secret may have a copy of its keys, for example from a vault, so that is a note.
func frontendSecrets(pod *corev1.Pod, own string) []finding {
	found := otherSecrets(pod, own)
	if len(found) > 0 || readsSecret(pod, own) {
		return found
	}
	return []finding{note("take the keys from Secret "+own+", best with envFrom, and restart the pod: a copy misses rotations",
		"pod %s does not read Secret %s: it signs with keys of another source, or not at all", pod.Name, own)}
}

// readsSecret reports whether a pod takes variables or files from a Secret.
func readsSecret(pod *corev1.Pod, name string) bool {
	for _, volume := range pod.Spec.Volumes {
		if volume.Secret != nil && volume.Secret.SecretName == name {
			return true
		}
		if volume.Projected != nil && slices.ContainsFunc(volume.Projected.Sources, func(s corev1.VolumeProjection) bool {
			return s.Secret != nil && s.Secret.Name == name
		}) {
			return true
		}
	}
	return slices.ContainsFunc(slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers), func(c corev1.Container) bool {
		return slices.ContainsFunc(c.EnvFrom, func(s corev1.EnvFromSource) bool {
			return s.SecretRef != nil && s.SecretRef.Name == name
		}) || slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool {
			return v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil && v.ValueFrom.SecretKeyRef.Name == name
		})
	})
}

// otherSecrets returns a fault for each variable of a frontend that takes keys from elsewhere than the app's Secret.
func otherSecrets(pod *corev1.Pod, own string) []finding {
	var found []finding
	for _, container := range pod.Spec.Containers {
		for _, v := range container.Env {
			if v.Name != "BETTER_AUTH_SECRET" && v.Name != "BETTER_AUTH_SECRETS" {
				continue
			}
			advice := "take it from Secret " + own + ", best with envFrom, and restart the pod"
			switch {
			case v.ValueFrom == nil:
				found = append(found, fault(advice, "pod %s sets %s to a value of its own", pod.Name, v.Name))
			case v.ValueFrom.SecretKeyRef != nil && v.ValueFrom.SecretKeyRef.Name != own:
				found = append(found, fault(advice, "pod %s takes %s from Secret %s", pod.Name, v.Name, v.ValueFrom.SecretKeyRef.Name))
			}
		}
	}
	return found
}
