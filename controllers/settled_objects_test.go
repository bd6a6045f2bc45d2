package controllers

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestSettledObjects: a match counts for one version of one live object, and for one desired object.
func TestSettledObjects(t *testing.T) {
	live := func(uid, version string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid), ResourceVersion: version}}
	}
	var s settledObjects
	if s.has(live("a", "1"), []byte("x")) {
		t.Error("an object matches before it was compared")
	}
	s.add(live("a", "1"), []byte("x"))
	for name, c := range map[string]struct {
		uid, version, want string
		matches            bool
	}{
		"the same":                {"a", "1", "x", true},
		"a later version":         {"a", "2", "x", false},
		"another object":          {"b", "1", "x", false},
		"another desired content": {"a", "1", "y", false},
	} {
		if got := s.has(live(c.uid, c.version), []byte(c.want)); got != c.matches {
			t.Errorf("%s matches: %v", name, got)
		}
	}
	for i := range mostSettled + 1 {
		s.add(live(fmt.Sprint(i), "1"), []byte("x"))
	}
	if len(s.known) > mostSettled || !s.has(live(fmt.Sprint(mostSettled), "1"), []byte("x")) {
		t.Errorf("%d objects are remembered, the last one: %v", len(s.known), s.has(live(fmt.Sprint(mostSettled), "1"), []byte("x")))
	}
}
