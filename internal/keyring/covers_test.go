package keyring_test

import (
	"errors"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestCovers(t *testing.T) {
	at := time.Unix(1, 0)
	ring := keyring.Ring{Keys: []keyring.Key{
		{Version: 1, Value: secretOf("A"), CreatedAt: at, PromotedAt: at}, {Version: 2, Value: secretOf("B"), CreatedAt: at},
	}}
	for name, c := range map[string]struct {
		data map[string]string
		want bool
	}{
		"nothing":                         {map[string]string{"OTHER": "C"}, true},
		"an empty value":                  {map[string]string{keyring.EntrySecret: ""}, true},
		"the active key":                  {map[string]string{keyring.EntrySecret: "A"}, true},
		"another key of the ring":         {map[string]string{keyring.EntrySecret: "B"}, true},
		"another's":                       {map[string]string{keyring.EntrySecret: "C"}, false},
		"a list of the ring":              {list("7:A,8:B", ""), true},
		"a list with another's":           {list("1:A,2:C", ""), false},
		"another's list beside a key":     {map[string]string{keyring.EntrySecret: "A", keyring.EntrySecrets: "9:C"}, false},
		"another's value beside its list": {map[string]string{keyring.EntrySecret: "C", keyring.EntrySecrets: "1:A"}, false},
		"a list that is none":             {map[string]string{keyring.EntrySecrets: "A"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ring.Covers(secretData(c.data, true)); got != c.want {
				t.Errorf("got %v", got)
			}
			if (keyring.Ring{}).Covers(secretData(c.data, true)) && name != "nothing" && name != "an empty value" {
				t.Error("an empty ring covers it")
			}
		})
	}
}

// Two Secrets agree if and only if a ring can begin with them, at any moment.
func TestAgree(t *testing.T) {
	all := append(append([]secret{}, found...), spoilt...)
	for _, front := range all {
		for _, back := range all {
			recovery := keyring.Recovery{Frontend: secretData(front.data, false), Backend: secretData(back.data, true)}
			_, err := keyring.Next(keyring.Ring{}, keyring.Inputs{
				Now: time.Now(), Recovery: recovery, Fresh: func() keyring.Value { return secretOf("N") }})
			agree := recovery.Agree()
			for _, kind := range []error{nil, keyring.ErrDiffer, keyring.ErrUnusable} {
				if errors.Is(err, kind) != errors.Is(agree, kind) {
					t.Errorf("%s and %s: a ring begins with %v, they agree with %v", front.name, back.name, err, agree)
				}
			}
		}
	}
}
