package keyring_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// sentinel is part of every key in these tests, and must not appear in any output.
const sentinel = "SENTINEL"

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// story is an app to which the events of a script happen. Its operator is the real Next with the real projections.
type story struct {
	t                 *testing.T
	now               time.Time
	policy            keyring.Policy
	source            keyring.Value
	ring, saved       keyring.Ring
	secrets           map[string]map[string][]byte
	proofs            map[string]time.Time
	frontend, backend keyring.Projection
	writtenAt         time.Time
	pods              map[string]keyring.Pod
	unseen, stopped   bool
	generated         int
}

func newStory(t *testing.T) *story {
	return &story{
		t: t, pods: map[string]keyring.Pod{}, secrets: map[string]map[string][]byte{},
		proofs: map[string]time.Time{},
		policy: keyring.Policy{
			Interval: days(30), MaxLifetime: days(7), Leeway: 30 * time.Second,
			SessionLifetime: days(7), HandoverPeriod: time.Hour, HistoryLimit: 10,
		},
	}
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// secretOf returns the key that a letter of a script represents.
func secretOf(letter string) keyring.Value {
	return keyring.Value(sentinel + "-" + letter + "-0123456789abcdefghijklmnop")
}

// duration reads "30d", "30d+10s" or what time.ParseDuration reads.
func (s *story) duration(text string) time.Duration {
	var sum time.Duration
	for part := range strings.SplitSeq(text, "+") {
		count, isDays := strings.CutSuffix(part, "d")
		if n, err := strconv.Atoi(count); isDays && err == nil {
			sum += days(n)
			continue
		}
		d, err := time.ParseDuration(part)
		if err != nil {
			s.t.Fatalf("%q is not a duration", text)
		}
		sum += d
	}
	return sum
}

// advance moves the clock: "+5s" or "-2h" relative to now, "30d" relative to the start.
func (s *story) advance(when string) {
	switch sign := when[0]; sign {
	case '+':
		s.now = s.now.Add(s.duration(when[1:]))
	case '-':
		s.now = s.now.Add(-s.duration(when[1:]))
	default:
		s.now = epoch.Add(s.duration(when))
	}
}

func (s *story) moment(t time.Time) string {
	since := t.Sub(epoch)
	return fmt.Sprintf("%dd %s", int(since.Hours())/24, t.Format(time.TimeOnly))
}

func (s *story) set(name, value string) {
	s.t.Helper()
	switch name {
	case "interval":
		s.policy.Interval = s.duration(value)
	case "maxLifetime":
		s.policy.MaxLifetime = s.duration(value)
	case "sessionLifetime":
		s.policy.SessionLifetime = s.duration(value)
	case "historyLimit":
		s.policy.HistoryLimit, _ = strconv.Atoi(value)
	case "rotateAfter":
		s.policy.RotateAfter = epoch.Add(s.duration(value))
	case "revokeBefore":
		s.policy.RevokeBefore = epoch.Add(s.duration(value))
	case "revokedKeys":
		s.policy.KeepRevoked = value == "KeepForDecryption"
	case "source":
		s.policy.ExternallySourced, s.source = true, secretOf(value)
	default:
		s.t.Fatalf("there is no setting %q", name)
	}
}

// happen carries out an event of a script: a subject, a verb and objects. The word "is" is ignored.
func (s *story) happen(words []string) {
	s.t.Helper()
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "is" })
	subject, verb, rest := words[0], words[1], words[2:]
	switch verb {
	case "passes", "exists":
	case "sets":
		s.set(rest[0], rest[1])
	case "offers":
		s.set("source", rest[0])
	case "starts", "learns":
		s.start(subject)
	case "hangs":
		s.pods[subject] = keyring.Pod{Name: subject}
	case "stops":
		s.stopped = s.stopped || subject == "operator"
		delete(s.pods, subject)
	case "unseen":
		s.unseen = true
	case "lost":
		s.lose(subject)
	case "saved":
		s.saved = s.ring
	case "restored":
		s.ring = s.saved
	case "unproven":
		delete(s.proofs, subject)
	case "holds":
		s.secrets[subject] = map[string][]byte{keyring.EntrySecret: []byte(secretOf(rest[0]))}
	default:
		s.t.Fatalf("nothing can be made of %q", strings.Join(words, " "))
	}
}

// start makes a pod with the keys of its Secret. A name that begins with web- is a frontend, any other a backend.
func (s *story) start(name string) {
	if name == "operator" {
		s.stopped = false
		return
	}
	pod := keyring.Pod{Name: name, Trusts: s.backend.Versions}
	if isFrontend(name) {
		pod = keyring.Pod{Name: name, Trusts: s.frontend.Versions}
		if len(pod.Trusts) > 0 {
			pod.Signs = pod.Trusts[0]
		}
	}
	s.pods[name] = pod
}

func isFrontend(name string) bool { return strings.HasPrefix(name, "web-") }

func (s *story) lose(secret string) {
	if secret == "keyring" {
		s.ring = keyring.Ring{}
	}
	delete(s.secrets, secret)
	delete(s.proofs, secret)
}

func (s *story) next() (keyring.Step, error) {
	return keyring.Next(s.ring, keyring.Inputs{
		Now: s.now, Policy: s.policy, Source: s.source,
		Verifiers: s.fleet(false), Signers: s.fleet(true),
		Recovery: s.recovery(), Projected: s.recovery(),
		Fresh: func() keyring.Value {
			s.generated++
			return secretOf("fresh" + strconv.Itoa(s.generated))
		},
	})
}

func (s *story) recovery() keyring.Recovery {
	return keyring.Recovery{
		Frontend: s.secrets["frontend"], Backend: s.secrets["backend"],
		FrontendProof: s.proofs["frontend"], BackendProof: s.proofs["backend"],
	}
}

func (s *story) fleet(frontend bool) keyring.Fleet {
	var fleet keyring.Fleet
	for _, name := range slices.Sorted(maps.Keys(s.pods)) {
		if isFrontend(name) == frontend {
			fleet.Pods = append(fleet.Pods, s.pods[name])
		}
	}
	if frontend {
		fleet.ExternallyManaged, fleet.WrittenAt = s.unseen, s.writtenAt
	}
	return fleet
}

// apply stores the result of a step, in its encoded form, and reports whether anything was written.
func (s *story) apply(step keyring.Step) bool {
	s.t.Helper()
	stored, err := step.Ring.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	if s.ring, err = keyring.Unmarshal(stored); err != nil {
		s.t.Fatal(err)
	}
	s.backend, s.frontend = s.ring.Backend(s.now, s.policy), s.ring.Frontend(s.now, s.policy)
	backend, frontend := s.write("backend", s.backend), s.write("frontend", s.frontend)
	if frontend {
		s.writtenAt = s.now
	}
	return backend || frontend || step.Action != keyring.ActionNone
}

func (s *story) write(name string, p keyring.Projection) bool {
	data := map[string][]byte{}
	for entry, value := range p.Data {
		data[entry] = []byte(value)
	}
	s.proofs[name] = p.RevokedBefore
	if maps.EqualFunc(data, s.secrets[name], slices.Equal[[]byte]) {
		return false
	}
	s.secrets[name] = data
	return true
}

// row returns the cells of a timeline for a step. They contain versions, never a value.
func (s *story) row(event string, step keyring.Step) []string {
	action := "-"
	if step.Action != keyring.ActionNone {
		action = string(step.Action) + " " + keyring.FormatVersions(step.Versions)
	}
	var states []string
	for _, k := range slices.Backward(step.Ring.Keys) {
		state := step.Ring.State(k, s.now, s.policy.Validity())
		states = append(states, fmt.Sprintf("%d %s", k.Version, state))
	}
	return append([]string{
		s.moment(s.now), event, action, strings.Join(states, ", "),
		keyring.FormatVersions(s.frontend.Versions), s.frontend.Data[keyring.EntryCookieVersions],
		keyring.FormatVersions(s.backend.Versions),
	}, s.outlook(step)...)
}

func (s *story) outlook(step keyring.Step) []string {
	phase, due := string(step.Phase), "never"
	if step.Deferred {
		phase += ", another held"
	}
	if step.RevocationUnproven {
		phase += ", revocation unproven"
	}
	switch {
	case step.DueIn == time.Nanosecond:
		due = "at once"
	case step.DueIn > 0:
		due = s.moment(s.now.Add(step.DueIn))
	}
	return []string{phase, cmp.Or(strings.Join(step.Waiting, ", "), "-"), due}
}
