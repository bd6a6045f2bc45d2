package controllers

import (
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// errReserved says that another app that names one of the same Secrets is at work.
var errReserved = errors.New("another app is about to write the same Secret")

// reservations are the Secrets that apps are deciding on. Of two apps that name one Secret, each may look before the
// other writes, and as both write under one field owner the API server would let the second overwrite the first.
type reservations struct {
	sync.Mutex
	taken map[types.NamespacedName]bool
}

// take reserves the Secrets of an app, or none when one of them is taken; release gives back what it reserved.
func (r *reservations) take(app *todov1.TodoApp) (release func(), err error) {
	r.Lock()
	defer r.Unlock()
	if r.taken == nil {
		r.taken = map[types.NamespacedName]bool{}
	}
	names := desired.Secrets(app)
	for _, name := range names {
		if r.taken[types.NamespacedName{Namespace: app.Namespace, Name: name}] {
			return func() {}, errReserved
		}
	}
	for _, name := range names {
		r.taken[types.NamespacedName{Namespace: app.Namespace, Name: name}] = true
	}
	return func() {
		r.Lock()
		defer r.Unlock()
		for _, name := range names {
			delete(r.taken, types.NamespacedName{Namespace: app.Namespace, Name: name})
		}
	}, nil
}
