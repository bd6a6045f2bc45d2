package controllers

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestRetired(t *testing.T) {
	ring := keyring.Ring{Keys: []keyring.Key{{Version: 1}, {Version: 2, RevokedAt: time.Now()}, {Version: 3}}}
	for name, c := range map[string]struct {
		before string
		now    []int64
		want   []int64
	}{
		"nothing left":            {"3,1", []int64{3, 1}, nil},
		"one left with time":      {"3,1", []int64{3}, []int64{1}},
		"one left by revocation":  {"3,2", []int64{3}, nil},
		"one that nobody knows":   {"3,9", []int64{3}, nil},
		"one that has come":       {"1", []int64{1, 3}, nil},
		"a Secret without a word": {"", []int64{3}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{todov1.AnnotationKeys: c.before}}}
			p := &plan{
				seen: &world{secrets: map[string]*corev1.Secret{todov1.ComponentBackend: secret}},
				step: keyring.Step{Ring: ring},
				keys: desired.Keys{Backend: keyring.Projection{Versions: c.now}},
			}
			if got := p.retired(); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if got := (&plan{seen: &world{}}).retired(); got != nil {
		t.Errorf("without a Secret: %v", got)
	}
}
