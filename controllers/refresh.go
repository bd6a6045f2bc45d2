package controllers

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	// firstRetry is how long a touched pod is given before it is touched again: a kubelet takes about half a second.
	firstRetry = 2 * time.Second
	// lastRetry bounds the time between touches of a pod that does not answer.
	lastRetry = 5 * time.Minute
	// firstPoll is how soon a pod is asked again, lastPoll how late.
	firstPoll = 200 * time.Millisecond
	lastPoll  = 30 * time.Second
)

// overdue keeps the pods that were not touched for these versions yet, or so long ago that it was in vain.
// The time between touches doubles with the time since the ring has changed. A clock that was set back makes neither of
// them wait for the moment that it was at, here and in poll.
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

// poll is how soon to ask pods again that did not give the awaited answer: often at first, ever more rarely later.
func poll(changed, now time.Time) time.Duration {
	return min(max(firstPoll, now.Sub(changed).Abs()/4), lastPoll)
}

// changed is the last moment of a ring.
func changed(ring keyring.Ring) time.Time {
	var last time.Time
	for _, k := range ring.Keys {
		for _, moment := range []time.Time{k.CreatedAt, k.PromotedAt, k.DemotedAt, k.RevokedAt} {
			if moment.After(last) {
				last = moment
			}
		}
	}
	return last
}

// refreshNote is the annotation that touches a pod: which versions it was to learn, and when.
type refreshNote struct {
	versions string
	at       time.Time
}

func (n refreshNote) String() string { return n.versions + " " + n.at.UTC().Format(time.RFC3339Nano) }

// parseNote reads a note; an unreadable one is as good as none.
func parseNote(s string) refreshNote {
	versions, at, _ := strings.Cut(s, " ")
	moment, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return refreshNote{}
	}
	return refreshNote{versions, moment}
}
