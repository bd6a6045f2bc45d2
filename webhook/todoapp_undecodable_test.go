package webhook

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// TestUndecodableSpecs: one that is new is rejected, one that was stored can be kept or repaired.
func TestUndecodableSpecs(t *testing.T) {
	good, bad := todoApp(), todoApp()
	bad.Spec, bad.Undecodable = todov1.TodoAppSpec{}, "parsing time"
	v := todoAppValidator{&reads{}, &reads{}}
	if _, err := v.ValidateCreate(t.Context(), bad); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "parsing time") {
		t.Errorf("created: %v", err)
	}
	if _, err := v.ValidateUpdate(t.Context(), good, bad); !apierrors.IsInvalid(err) {
		t.Errorf("made undecodable: %v", err)
	}
	if warnings, err := v.ValidateUpdate(t.Context(), bad, bad); err != nil || len(warnings) != 1 {
		t.Errorf("labelled: %v %v", warnings, err)
	}
	if _, err := v.ValidateUpdate(t.Context(), bad, todoApp(frontendRef("web"))); err != nil {
		t.Errorf("repaired: %v", err)
	}
}
