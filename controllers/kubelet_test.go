package controllers

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func TestRefreshingBacksOff(t *testing.T) {
	changed := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		note     string
		versions []int64
		after    time.Duration
		want     bool
	}{
		"never touched":          {"", []int64{1, 2}, 0, true},
		"touched for other keys": {refreshNote{"1", changed}.String(), []int64{1, 2}, time.Second, true},
		"just touched":           {refreshNote{"1,2", changed}.String(), []int64{1, 2}, time.Second, false},
		"touched in vain":        {refreshNote{"1,2", changed}.String(), []int64{1, 2}, 2 * time.Second, true},
		"in vain for a while: not so soon": {refreshNote{"1,2", changed.Add(time.Minute)}.String(), []int64{1, 2},
			90 * time.Second, false},
		"in vain for a while: later, once more": {refreshNote{"1,2", changed.Add(time.Minute)}.String(), []int64{1, 2},
			2 * time.Minute, true},
		"in vain for a day: every five minutes": {refreshNote{"1,2", changed.Add(24 * time.Hour)}.String(), []int64{1, 2},
			24*time.Hour + 5*time.Minute, true},
		"touched by a clock that was ahead": {refreshNote{"1,2", changed.Add(10 * time.Minute)}.String(), []int64{1, 2}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{todov1.AnnotationRefresh: c.note}}}
			if got := len(overdue([]*corev1.Pod{&pod}, c.versions, changed, changed.Add(c.after))) == 1; got != c.want {
				t.Errorf("overdue is %v", got)
			}
		})
	}
}
