// Package shard tells which TodoApps a group of managers reconciles, and for which Lease the group competes.
package shard

import (
	"crypto/sha256"
	"fmt"

	"k8s.io/apimachinery/pkg/labels"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// Shard selects the TodoApps that a manager reconciles. Its Selector is nil for all.
type Shard struct{ labels.Selector }

// String implements flag.Value.
func (s *Shard) String() string {
	if s.Selector == nil {
		return ""
	}
	return s.Selector.String()
}

// Set implements flag.Value. It accepts only the label that the objects of an app carry too: the caches of all kinds are limited
// by it.
func (s *Shard) Set(text string) error {
	if s.Selector = nil; text == "" {
		return nil
	}
	parsed, err := labels.Parse(text)
	if err != nil {
		return fmt.Errorf("reading the label selector: %w", err)
	}
	requirements, _ := parsed.Requirements()
	for _, requirement := range requirements {
		if requirement.Key() != todov1.LabelShard {
			return fmt.Errorf("the selector must name the label %s only, not %s", todov1.LabelShard, requirement.Key())
		}
	}
	s.Selector = parsed
	return nil
}

// LeaseName returns the name of the Lease for which the managers of the shard compete. Managers with the same selector get the same
// name.
func (s *Shard) LeaseName() string {
	if s.Selector == nil {
		return "todoapp-operator"
	}
	hash := sha256.Sum256([]byte(s.Selector.String()))
	return fmt.Sprintf("todoapp-operator-%x", hash[:4])
}
