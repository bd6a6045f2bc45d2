package controllers

import (
	"hash/maphash"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// mostSettled bounds the memory of settledObjects. It is enough for all objects of 10,000 apps.
const mostSettled = 100_000

// settledObjects remembers which versions of live objects matched which desired objects, because a comparison takes most of the
// time of a reconcile that changes nothing.
type settledObjects struct {
	mutex sync.Mutex
	seed  maphash.Seed
	known map[types.UID]settled
}

// settled is a version of a live object, and the hash of the desired object that it matched.
type settled struct {
	version string
	want    uint64
}

// has reports whether a live object in its present version matched a desired one before.
func (s *settledObjects) has(live client.Object, want []byte) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	known, ok := s.known[live.GetUID()]
	return ok && known.version == live.GetResourceVersion() && known.want == maphash.Bytes(s.seed, want)
}

// add remembers that a live object matches a desired one. If the memory is full of objects that may be deleted by now, it starts
// anew.
func (s *settledObjects) add(live client.Object, want []byte) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.known == nil || len(s.known) >= mostSettled {
		s.known, s.seed = map[types.UID]settled{}, maphash.MakeSeed()
	}
	s.known[live.GetUID()] = settled{live.GetResourceVersion(), maphash.Bytes(s.seed, want)}
}
