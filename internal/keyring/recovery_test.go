package keyring_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// found lists Secrets that an operator without a ring may find. Letters represent keys.
var found = []secret{
	{"nothing", map[string]string{"OTHER": "A", keyring.EntrySecret: ""}},
	{"A", map[string]string{keyring.EntrySecret: "A"}},
	{"B", map[string]string{keyring.EntrySecret: "B"}},
	{"1:A", list("1:A", "1")},
	{"1:A,2:B", list("1:A,2:B", "2,1")},
	{"2:B,1:A", list("2:B,1:A", "2,1")},
	{"2:B,1:A, A not carried over", list("2:B,1:A", "2")},
	{"2:B", list("2:B", "2")},
	{"3:C,2:B,1:A", list("3:C,2:B,1:A", "3,2,1")},
	{"1:B", list("1:B", "1")},
}

// spoilt lists Secrets that are unusable, or that only their owner can resolve.
var spoilt = []secret{
	{"A and a line break", map[string]string{keyring.EntrySecret: "A\n"}},
	{"1:A,2:B,3:C", list("1:A,2:B,3:C", "3,2,1")},
	{"9007199254740991:A", list("9007199254740991:A", "")},
	{"1:A without a single secret", map[string]string{keyring.EntrySecrets: "1:A"}},
	{"1:A but B is the secret", map[string]string{keyring.EntrySecrets: "1:A", keyring.EntrySecret: "B"}},
	{"1:A,", map[string]string{keyring.EntrySecrets: "1:A,", keyring.EntrySecret: "A"}},
	{"1:A with a line break in it", map[string]string{keyring.EntrySecrets: "1:A\nA"}},
	{"1:A, carries over junk", map[string]string{keyring.EntrySecrets: "1:A", keyring.EntryCookieVersions: "A"}},
}

type secret struct {
	name string
	data map[string]string
}

// list returns the data of a Secret with a list, whose first entry signs, and the versions whose sessions are carried over.
func list(entries, carried string) map[string]string {
	_, rest, _ := strings.Cut(entries, ":")
	first, _, _ := strings.Cut(rest, ",")
	return map[string]string{
		keyring.EntrySecrets: entries, keyring.EntrySecret: first, keyring.EntryCookieVersions: carried,
	}
}

// secretData returns the data of a Secret, with keys for letters. A backend carries no sessions over.
func secretData(data map[string]string, backend bool) map[string][]byte {
	full := map[string][]byte{}
	letters := strings.NewReplacer("A", string(secretOf("A")), "B", string(secretOf("B")), "C", string(secretOf("C")))
	for entry, value := range data {
		full[entry] = []byte(letters.Replace(value))
	}
	if backend {
		delete(full, keyring.EntryCookieVersions)
	}
	return full
}

// TestRecovery compares the ring that each pair of Secrets makes with testdata/recovery.txt.
func TestRecovery(t *testing.T) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%-28s%-28s%s\n", "the frontend's Secret", "the backend's", "what becomes of them")
	for _, front := range found {
		for _, back := range found {
			tellRemains(&out, front, back)
		}
	}
	for _, bad := range spoilt {
		tellRemains(&out, bad, found[0])
		tellRemains(&out, found[0], bad)
	}
	if bytes.Contains(out.Bytes(), []byte(sentinel)) {
		t.Error("a secret is shown")
	}
	if *update {
		if err := os.WriteFile("testdata/recovery.txt", out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/recovery.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("testdata/recovery.txt has changed (-update accepts it):\n%s", out.Bytes())
	}
}

func tellRemains(out io.Writer, front, back secret) {
	step, err := keyring.Next(keyring.Ring{}, keyring.Inputs{
		Now: epoch, Policy: keyring.Policy{MaxLifetime: days(7), SessionLifetime: days(30)},
		Recovery: keyring.Recovery{Frontend: secretData(front.data, false), Backend: secretData(back.data, true)},
		Fresh:    func() keyring.Value { return secretOf("fresh") },
	})
	_, _ = fmt.Fprintf(out, "%-28s%-28s%s\n", front.name, back.name, becomes(step, err))
}

func becomes(step keyring.Step, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	var states []string
	for _, k := range slices.Backward(step.Ring.Keys) {
		states = append(states, fmt.Sprintf("%d %s", k.Version, step.Ring.State(k, epoch, days(7))))
	}
	return string(step.Action) + ": " + strings.Join(states, ", ")
}

// TestFirstValue checks the first key of an app whose Secrets hold none.
func TestFirstValue(t *testing.T) {
	fresh := func() keyring.Value { return secretOf("fresh") }
	tests := map[string]struct {
		in   keyring.Inputs
		want keyring.Value
		err  error
	}{
		"generated":        {in: keyring.Inputs{Fresh: fresh}, want: fresh()},
		"source not asked": {in: keyring.Inputs{Fresh: fresh, Source: secretOf("A")}, want: fresh()},
		"sourced": {
			in: keyring.Inputs{Policy: keyring.Policy{ExternallySourced: true}, Source: secretOf("A")}, want: secretOf("A")},
		"source empty": {in: keyring.Inputs{Policy: keyring.Policy{ExternallySourced: true}}, err: keyring.ErrSourceMissing},
		"source unportable": {
			in: keyring.Inputs{Policy: keyring.Policy{ExternallySourced: true}, Source: "A,"}, err: keyring.ErrUnusable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.in.Now = epoch
			step, err := keyring.Next(keyring.Ring{}, test.in)
			if !errors.Is(err, test.err) || strings.Contains(errorText(err), sentinel) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if active, _ := step.Ring.Active(); active.Value != test.want {
				t.Error("the app begins with another value")
			}
		})
	}
}

// TestAVersionThatAPodHasIsNotGivenOutAgain checks a version that no Secret holds any more, after the ring is lost.
func TestAVersionThatAPodHasIsNotGivenOutAgain(t *testing.T) {
	one := keyring.Recovery{Frontend: secretData(list("1:A", "1"), false), Backend: secretData(list("1:A", "1"), true)}
	tests := map[string]struct {
		verifiers, signers []keyring.Pod
		next               int64
	}{
		"pods have what the Secrets say": {verifiers: []keyring.Pod{{Trusts: []int64{1}}}, next: 2},
		"a verifier has the next":        {verifiers: []keyring.Pod{{Trusts: []int64{1, 2}}}, next: 4},
		"a verifier has the one after":   {verifiers: []keyring.Pod{{Trusts: []int64{3}}}, next: 4},
		"a signer has the next":          {signers: []keyring.Pod{{Trusts: []int64{2, 1}}}, next: 4},
		"a signer keeps it, revoked":     {signers: []keyring.Pod{{Trusts: []int64{1, -2}}}, next: 4},
		"a pod claims one far away":      {verifiers: []keyring.Pod{{Trusts: []int64{1 << 50}}}, next: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := keyring.Inputs{Now: epoch, Recovery: one, Fresh: func() keyring.Value { return secretOf("fresh") }}
			in.Verifiers.Pods, in.Signers.Pods = test.verifiers, test.signers
			rebuilt, err := keyring.Next(keyring.Ring{}, in)
			if err != nil {
				t.Fatal(err)
			}
			in.Now = epoch.Add(time.Hour)
			in.Policy.RotateAfter = in.Now
			step, err := keyring.Next(rebuilt.Ring, in)
			if err != nil || len(step.Versions) != 1 || step.Versions[0] != test.next {
				t.Errorf("%s %v, want version %d: %v", step.Action, step.Versions, test.next, err)
			}
		})
	}
}

// FuzzRecovery begins a ring from arbitrary Secrets. An error must contain no value, and a ring must survive two rotations.
func FuzzRecovery(f *testing.F) {
	all := slices.Concat(found, spoilt)
	for i, front := range all {
		for _, back := range []secret{found[0], all[(i+1)%len(all)]} {
			a, b := secretData(front.data, false), secretData(back.data, true)
			f.Add(string(a[keyring.EntrySecret]), string(a[keyring.EntrySecrets]), string(a[keyring.EntryCookieVersions]),
				string(b[keyring.EntrySecret]), string(b[keyring.EntrySecrets]))
		}
	}
	f.Fuzz(func(t *testing.T, frontSecret, frontList, carried, backSecret, backList string) {
		front := map[string][]byte{
			keyring.EntrySecret: []byte(frontSecret), keyring.EntrySecrets: []byte(frontList),
			keyring.EntryCookieVersions: []byte(carried),
		}
		back := map[string][]byte{keyring.EntrySecret: []byte(backSecret), keyring.EntrySecrets: []byte(backList)}
		before := keyring.Recovery{Frontend: maps.Clone(front), Backend: maps.Clone(back)}
		policy := keyring.Policy{MaxLifetime: days(7), SessionLifetime: days(30)}
		step, err := keyring.Next(keyring.Ring{}, keyring.Inputs{
			Now: epoch, Policy: policy, Recovery: before, Fresh: func() keyring.Value { return secretOf("fresh") },
		})
		if err != nil {
			if strings.Contains(err.Error(), sentinel) {
				t.Fatal("the error shows a secret")
			}
			return
		}
		stored, err := step.Ring.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back2, err := keyring.Unmarshal(stored)
		if err != nil || !back2.Equal(step.Ring) {
			t.Fatalf("the ring does not come back as it was: %v", err)
		}
		checkRing(t, step.Ring, epoch, policy)
	})
}
