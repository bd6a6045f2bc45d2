package keyring_test

import (
	"fmt"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// content is the knowledge that a pod takes from a Secret.
type content struct {
	data            map[string][]byte
	entries         []keyring.Entry
	signs           uint8
	trusts, carried versionSet
	annotation      id
	proof           time.Time
}

// tables give each ring, content and annotation a small number.
type tables struct {
	rings       []keyring.Ring
	ringIDs     map[string]id
	contents    []content
	contentIDs  map[string]id
	annotations []string
	names       map[string]id
	refused     string
}

func newTables() tables {
	return tables{
		rings: make([]keyring.Ring, 2), ringIDs: map[string]id{},
		contents: make([]content, 2), contentIDs: map[string]id{},
		annotations: make([]string, 1), names: map[string]id{},
	}
}

// ringID encodes a ring for its Secret, decodes it again, and returns its number.
func (t *tables) ringID(ring keyring.Ring) id {
	stored, err := ring.Marshal()
	if err != nil {
		panic(err)
	}
	text := string(stored[keyring.StorageKey])
	if known, ok := t.ringIDs[text]; ok {
		return known
	}
	back, err := keyring.Unmarshal(stored)
	if err != nil || !back.Equal(ring) {
		t.refused = fmt.Sprintf("3: the ring does not come back from its Secret as it was: %v", err)
		return junk
	}
	t.rings = append(t.rings, back)
	t.ringIDs[text] = id(len(t.rings) - 1)
	return t.ringIDs[text]
}

func (t *tables) contentID(p keyring.Projection) id {
	list := p.Data[keyring.EntrySecrets]
	key := list + " " + p.Data[keyring.EntryCookieVersions] + " " + keyring.FormatVersions(p.Versions) +
		" " + p.RevokedBefore.String()
	if known, ok := t.contentIDs[key]; ok {
		return known
	}
	entries, err := keyring.ParseList(list)
	if err != nil {
		panic(err)
	}
	c := content{data: map[string][]byte{}, entries: entries, signs: uint8(entries[0].Version),
		proof: p.RevokedBefore}
	for name, value := range p.Data {
		c.data[name] = []byte(value)
	}
	for _, e := range entries {
		c.trusts |= 1 << e.Version
	}
	if carried := p.Data[keyring.EntryCookieVersions]; carried != "" {
		c.carried = setOf(carried)
	}
	c.annotation = t.annotationID(keyring.FormatVersions(p.Versions))
	t.contents = append(t.contents, c)
	t.contentIDs[key] = id(len(t.contents) - 1)
	return t.contentIDs[key]
}

func setOf(versions string) versionSet {
	list, err := keyring.ParseVersions(versions)
	if err != nil {
		panic(err)
	}
	var set versionSet
	for _, v := range list {
		if v > 0 {
			set |= 1 << v
		}
	}
	return set
}

func (t *tables) annotationID(text string) id {
	if known, ok := t.names[text]; ok {
		return known
	}
	t.annotations = append(t.annotations, text)
	t.names[text] = id(len(t.annotations) - 1)
	return t.names[text]
}
