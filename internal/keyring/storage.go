package keyring

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// StorageKey is the entry of the keyring Secret that holds the ring.
const StorageKey = "keyring.json"

// storedKey is the JSON form of a key. Moments that have not come are omitted.
type storedKey struct {
	Version    int64     `json:"version"`
	Value      string    `json:"value"`
	Adopted    bool      `json:"adopted,omitempty"`
	CreatedAt  time.Time `json:"createdAt"`
	PromotedAt time.Time `json:"promotedAt,omitzero"`
	DemotedAt  time.Time `json:"demotedAt,omitzero"`
	RevokedAt  time.Time `json:"revokedAt,omitzero"`
	// RotateAfter and RevokeBefore are absent in rings of version 0.2.0 and before.
	RotateAfter  time.Time `json:"rotateAfter,omitzero"`
	RevokeBefore time.Time `json:"revokeBefore,omitzero"`
	// Rebuilt and Proven are absent in keys that were not read from the Secrets.
	Rebuilt bool      `json:"rebuilt,omitempty"`
	Proven  time.Time `json:"proven,omitzero"`
}

// Marshal encodes the ring as the data of the keyring Secret.
func (r Ring) Marshal() (map[string][]byte, error) {
	stored := make([]storedKey, len(r.Keys))
	for i, k := range r.Keys {
		stored[i] = storedKey{
			Version: k.Version, Value: string(k.Value), Adopted: k.Adopted, CreatedAt: k.CreatedAt,
			PromotedAt: k.PromotedAt, DemotedAt: k.DemotedAt, RevokedAt: k.RevokedAt,
			RotateAfter: k.RotateAfter, RevokeBefore: k.RevokeBefore, Rebuilt: k.Rebuilt, Proven: k.Proven,
		}
	}
	data, err := json.Marshal(stored)
	if err != nil {
		return nil, fmt.Errorf("encoding the ring: %w", err)
	}
	return map[string][]byte{StorageKey: data}, nil
}

// Unmarshal decodes the data of a keyring Secret. Data that Marshal would not have written is an error, which names the place and
// never a value.
func Unmarshal(data map[string][]byte) (Ring, error) {
	var stored []storedKey
	if json.Unmarshal(data[StorageKey], &stored) != nil || len(stored) == 0 {
		return Ring{}, fmt.Errorf("entry %s is not a list of keys", StorageKey)
	}
	var ring Ring
	for _, s := range stored {
		if s.Version <= ring.highest() || !Portable(Value(s.Value)) || s.CreatedAt.IsZero() {
			return Ring{}, fmt.Errorf("the key after version %d is incomplete or out of order", ring.highest())
		}
		ring.Keys = append(ring.Keys, Key{
			Version: s.Version, Value: Value(s.Value), Adopted: s.Adopted, CreatedAt: s.CreatedAt,
			PromotedAt: s.PromotedAt, DemotedAt: s.DemotedAt, RevokedAt: s.RevokedAt,
			RotateAfter: s.RotateAfter, RevokeBefore: s.RevokeBefore, Rebuilt: s.Rebuilt, Proven: s.Proven,
		})
	}
	if err := ring.sound(); err != nil {
		return Ring{}, err
	}
	return ring, nil
}

// sound returns an error if no sequence of steps leads to the ring, because a user edited it.
func (r Ring) sound() error {
	active, ok := r.Active()
	if !ok || !active.DemotedAt.IsZero() {
		return errors.New("no key is active")
	}
	if r.highest() > maxVersion/2 {
		return fmt.Errorf("version %d leaves no room for later ones", r.highest())
	}
	published := 0
	for _, k := range r.Keys {
		if k.PromotedAt.IsZero() && k.RevokedAt.IsZero() {
			published++
		}
	}
	if published > 1 {
		return errors.New("more than one key is published")
	}
	return nil
}
