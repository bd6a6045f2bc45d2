package load

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/signer"
)

const (
	// keepEvery is the interval at which a user's token is kept.
	keepEvery = 500 * time.Millisecond
	// margin is how long before its expiry a token is last used, so that it reaches the backend in time.
	margin = time.Second
)

// wallet keeps tokens until they expire.
type wallet struct {
	mu   sync.Mutex
	held map[string][]held
}

type held struct {
	token  signer.Token
	signed time.Time
}

func (w *wallet) keep(user string, token signer.Token) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.held[user]
	if len(kept) == 0 || time.Since(kept[len(kept)-1].signed) >= keepEvery {
		w.held[user] = append(kept, held{token, time.Now()})
	}
}

// pick returns the oldest token every other time, and otherwise a random one.
func (w *wallet) pick(user string) (signer.Token, time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := time.Now().Add(margin)
	kept := slices.DeleteFunc(w.held[user], func(h held) bool { return h.token.Expires.Before(end) })
	w.held[user] = kept
	if len(kept) == 0 {
		return signer.Token{}, time.Time{}, false
	}
	h := kept[0]
	if rand.IntN(2) == 0 {
		h = kept[rand.IntN(len(kept))]
	}
	return h.token, h.signed, true
}
