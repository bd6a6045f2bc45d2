// Package keysource is where the task API's verification keys come from: the environment, or a directory that is
// watched while the API runs.
package keysource

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// The names under which Better Auth and the Secrets of an app carry the keys. The list wins over the single key.
const (
	listName   = "BETTER_AUTH_SECRETS"
	singleName = "BETTER_AUTH_SECRET"
)

// FromEnv reads the keys from environment variables; an empty one counts as not set.
func FromEnv(env func(string) string) (*authn.Keys, error) {
	if list := env(listName); list != "" {
		return fromList(list)
	}
	if single := env(singleName); single != "" {
		return fromSingle(single)
	}
	return nil, fmt.Errorf("neither %s nor %s is set", listName, singleName)
}

// readDir returns the file of those names that counts, as a mounted Secret has them. Errors name files, never their content.
//
// The files of a mounted Secret are links through one link that is swapped, whereupon what it led to is removed. They are
// read again where that happened meanwhile: a list that has just gone would look like one that was never there.
func readDir(dir string) (name, content string, err error) {
	for {
		generation := generationOf(dir)
		name, content, err = readFiles(generation)
		if generationOf(dir) == generation {
			return name, content, err
		}
	}
}

// generationOf is where the files of a mounted Secret are now; of any other directory it is the directory.
func generationOf(dir string) string {
	target, err := os.Readlink(filepath.Join(dir, "..data"))
	if err != nil {
		return dir
	}
	return filepath.Join(dir, target)
}

func readFiles(dir string) (name, content string, err error) {
	for _, name := range []string{listName, singleName} {
		content, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // the operator names the directory
		if err == nil {
			return name, string(content), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", "", fmt.Errorf("reading the keys: %w", err)
		}
	}
	return "", "", fmt.Errorf("directory %s has neither a file %s nor %s", dir, listName, singleName)
}

func parse(name, content string) (*authn.Keys, error) {
	if name == listName {
		return fromList(content)
	}
	return fromSingle(content)
}

func fromList(list string) (*authn.Keys, error) {
	entries, err := keyring.ParseList(list)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", listName, err)
	}
	keys, err := authn.NewKeys(entries)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", listName, err)
	}
	return keys, nil
}

// fromSingle takes the value as it stands, a trailing line break included: that is what Better Auth signs with.
func fromSingle(value string) (*authn.Keys, error) {
	keys, err := authn.NewKeys([]keyring.Entry{{Version: 1, Value: keyring.Value(value)}})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", singleName, err)
	}
	return keys, nil
}
