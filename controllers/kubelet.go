package controllers

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// A kubelet renews a mounted Secret within a minute or two, and at once if the pod changes. So the operator annotates the pods
// whose keys are out of date.

const (
	// firstRetry is the shortest time between two annotations of a pod: a kubelet takes about half a second.
	firstRetry = 2 * time.Second
	// lastRetry is the longest, for a pod that does not answer.
	lastRetry = 5 * time.Minute
)

// overdue returns the pods to annotate now, which were not annotated for these versions yet, or long enough ago. The time
// between two annotations doubles with the time since the ring has changed, also if the clock was set back.
func overdue(pods []*corev1.Pod, versions []int64, changed, now time.Time) []*corev1.Pod {
	var due []*corev1.Pod
	for _, pod := range pods {
		note := parseNote(pod.Annotations[todov1.AnnotationRefresh])
		wait := min(max(firstRetry, note.at.Sub(changed)), lastRetry)
		if note.versions != keyring.FormatVersions(versions) || now.Sub(note.at).Abs() >= wait {
			due = append(due, pod)
		}
	}
	return due
}

// refreshNote is the annotation of a pod: the versions that it is to load, and when that was written.
type refreshNote struct {
	versions string
	at       time.Time
}

func (n refreshNote) String() string { return n.versions + " " + n.at.UTC().Format(time.RFC3339Nano) }

// parseNote reads an annotation. It returns the zero value for an unreadable one.
func parseNote(s string) refreshNote {
	versions, at, _ := strings.Cut(s, " ")
	moment, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return refreshNote{}
	}
	return refreshNote{versions, moment}
}
