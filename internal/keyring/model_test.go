package keyring_test

import (
	"fmt"
	"hash/maphash"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// outcome is the result of a run: the number of states and, if an invariant broke, its name and the moves that led to it.
type outcome struct {
	states, transitions, questions int
	broken                         string
	trace                          []string
}

// fingerprint identifies a state by 128 bits of hash.
type fingerprint [2]uint64

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func (w *clusterState) fingerprint() fingerprint {
	return fingerprint{maphash.Comparable(seeds[0], *w), maphash.Comparable(seeds[1], *w)}
}

// visit records the move and the earlier visit that led to a state.
type visit struct {
	parent int32
	how    uint8
}

// explore visits every state breadth first, so that the trace to a violation is as short as possible.
func explore(l *model) outcome {
	first := l.initial()
	visits, ahead := []visit{{parent: -1}}, []clusterState{first}
	seen := map[fingerprint]struct{}{first.fingerprint(): {}}
	var out outcome
	for i := 0; len(ahead) > 0 && out.broken == ""; i++ {
		w := ahead[0]
		ahead = ahead[1:]
		out.broken = l.check(&w)
		if out.broken == "" && i%16 == 0 {
			out.broken = l.checkProgress(w)
		}
		if out.broken != "" {
			out.trace = l.trace(visits, i)
			break
		}
		for how, m := range l.moves(&w) {
			out.transitions++
			if m.broken != "" {
				out.broken, out.trace = m.broken, append(l.trace(visits, i), m.String())
				break
			}
			after := l.settled(m.after)
			if _, ok := seen[after.fingerprint()]; !ok {
				seen[after.fingerprint()] = struct{}{}
				visits = append(visits, visit{parent: int32(i), how: uint8(how)})
				ahead = append(ahead, after)
			}
		}
	}
	out.states, out.questions = len(visits), len(l.decisions)
	return out
}

// trace repeats the moves that led to a visit.
func (l *model) trace(visits []visit, i int) []string {
	var hows []uint8
	for ; visits[i].parent >= 0; i = int(visits[i].parent) {
		hows = append(hows, visits[i].how)
	}
	w := l.initial()
	var trace []string
	for _, how := range slices.Backward(hows) {
		m := l.moves(&w)[how]
		trace = append(trace, m.String())
		w = l.settled(m.after)
	}
	return trace
}

func (o outcome) String() string {
	text := fmt.Sprintf("%d states, %d transitions, %d distinct decisions", o.states, o.transitions, o.questions)
	if o.broken == "" {
		return text
	}
	return fmt.Sprintf("%s\nviolates %s\n  %s", text, o.broken, strings.Join(o.trace, "\n  "))
}

// scenarios returns bounded scenarios, which together take about a minute. With MODEL=large it returns larger ones.
func scenarios() map[string]scenario {
	one, two := uint16(interval+15), uint16(2*interval+15)
	small := map[string]scenario{
		"two rotations, backends reload":           {managers: 1, historyLimit: 1, horizon: two},
		"a rotation, backends restart":             {managers: 1, historyLimit: 1, restart: true, lag: true, horizon: one},
		"a rotation, pods come and go":             {managers: 1, historyLimit: 1, emptied: true, lag: true, horizon: one},
		"a rotation, unseen frontend":              {managers: 1, unseen: true, emptied: true, lag: true, horizon: one},
		"a revocation in a rotation":               {managers: 1, historyLimit: 1, revocations: 1, horizon: one},
		"a revocation, keys kept":                  {managers: 1, historyLimit: 1, revocations: 1, keepRevoked: true, horizon: one},
		"a source and two lost Secrets":            {managers: 1, changes: 2, lone: true, faults: 2, horizon: 1},
		"two Secrets lost or spoilt in a rotation": {managers: 1, historyLimit: 1, faults: 2, horizon: one},
		"a source that changes and a revocation":   {managers: 1, historyLimit: 0, revocations: 1, changes: 2, lone: true, horizon: 7},
		"a source that changes, revoked keys kept": {managers: 1, revocations: 1, changes: 1, lone: true, keepRevoked: true,
			lag: true, horizon: 7},
		"a source, a revocation and a lost Secret": {managers: 1, revocations: 1, changes: 1, lone: true, faults: 1, horizon: 3},
		"a keyring restored in a rotation":         {managers: 1, historyLimit: 1, faults: 1, restores: true, horizon: one},
		"a restored keyring and a lost Secret":     {managers: 1, historyLimit: 1, faults: 2, restores: true, lone: true, horizon: one},
		"a restored keyring and a revocation": {managers: 1, historyLimit: 1, revocations: 1, faults: 1, restores: true, lone: true,
			lag: true, horizon: 10},
		"pods that get no node in a rotation": {managers: 1, historyLimit: 1, unscheduled: true, lone: true, lag: true, horizon: one},
		"pods that get no node in a revocation": {managers: 1, historyLimit: 1, unscheduled: true, restart: true, lone: true,
			revocations: 1, lag: true, horizon: 10},
		"creation by two managers":                  {managers: 2, creation: true, emptied: true, lag: true, horizon: 10},
		"a rotation by two managers":                {managers: 2, historyLimit: 1, horizon: one},
		"a rotation by two managers, caches behind": {managers: 2, historyLimit: 1, lone: true, lag: true, horizon: one},
		"two revocations, caches behind":            {managers: 1, historyLimit: 1, revocations: 2, lone: true, lag: true, horizon: 4},
		"a lost Secret, caches behind":              {managers: 1, historyLimit: 1, faults: 1, lone: true, lag: true, horizon: one},
		"a restored keyring, caches behind": {managers: 1, historyLimit: 1, faults: 1, restores: true, lone: true, lag: true,
			horizon: one},
		"rotations held or paused": {managers: 1, historyLimit: 1, holds: true, horizon: two},
		"a rotation held or paused, pods come and go": {managers: 1, historyLimit: 1, holds: true, restart: true, emptied: true,
			unscheduled: true, lone: true, lag: true, horizon: one},
		"a rotation held or paused, unseen frontend": {managers: 1, holds: true, unseen: true, emptied: true, lag: true, horizon: one},
		"a rotation held or paused, and a revocation": {managers: 1, historyLimit: 1, holds: true, revocations: 1, lone: true,
			lag: true, horizon: one},
		"a rotation held or paused, and a lost Secret": {managers: 1, historyLimit: 1, holds: true, faults: 1, restores: true,
			lone: true, lag: true, horizon: one},
		"a rotation held or paused, and a source":   {managers: 1, holds: true, revocations: 1, changes: 2, lone: true, horizon: 3},
		"a rotation held or paused by two managers": {managers: 2, historyLimit: 1, holds: true, lone: true, horizon: one},
	}
	if os.Getenv("MODEL") != "large" {
		return small
	}
	large := map[string]scenario{
		"two rotations, backends restart":                   {managers: 1, historyLimit: 1, restart: true, horizon: two},
		"two rotations, pods come and go":                   {managers: 1, historyLimit: 0, emptied: true, horizon: two},
		"a rotation, backends restart, come and go":         {managers: 1, historyLimit: 1, restart: true, emptied: true, horizon: one},
		"two rotations, unseen frontend":                    {managers: 1, unseen: true, emptied: true, horizon: two},
		"a revocation in a rotation, backends restart":      {managers: 1, historyLimit: 1, revocations: 1, restart: true, horizon: one},
		"a revocation in two rotations":                     {managers: 1, historyLimit: 1, revocations: 1, horizon: two},
		"a revocation and a lost Secret":                    {managers: 1, historyLimit: 1, revocations: 1, faults: 1, horizon: one},
		"two Secrets lost or spoilt in two rotations":       {managers: 1, historyLimit: 1, faults: 2, horizon: two},
		"two Secrets lost or spoilt in two rotations, lone": {managers: 1, historyLimit: 1, faults: 2, lone: true, horizon: two},
		"a source, a revocation and two lost Secrets":       {managers: 1, revocations: 1, changes: 1, lone: true, faults: 2, horizon: 3},
		"a source there and back, and a lost ring":          {managers: 1, revocations: 1, changes: 2, lone: true, faults: 1, horizon: 3},
		"a restored keyring, a rotation and a revocation": {managers: 1, historyLimit: 1, revocations: 1, faults: 1, restores: true,
			lone: true, horizon: one},
		"pods that get no node, and a revocation in a rotation": {managers: 1, historyLimit: 1, unscheduled: true, emptied: true,
			lone: true, revocations: 1, horizon: one},
		"two managers and a revocation": {managers: 2, historyLimit: 1, revocations: 1, horizon: one},
		"two managers, two rotations":   {managers: 2, historyLimit: 1, horizon: two},
	}
	for name, s := range small {
		if !s.lag {
			s.lag = true
			large[name+", caches behind"] = s
		}
	}
	return large
}

// TestModel visits every state of each scenario and checks every invariant in each.
func TestModel(t *testing.T) {
	var total atomic.Int64
	t.Cleanup(func() { fmt.Printf("model: %d states, all invariants hold: %t\n", total.Load(), !t.Failed()) })
	for name, s := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			out := explore(newModel(s))
			total.Add(int64(out.states))
			t.Logf("%s (%.1fs)", out, time.Since(start).Seconds())
			if out.broken != "" {
				t.Fail()
			}
		})
	}
}
