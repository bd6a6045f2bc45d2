// Package keysource loads the task API's verification keys from the environment, or from a directory that it watches
// while the API runs.
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

// These are the names of the keys in Better Auth and in the Secrets of an app. The list takes precedence over the single key.
const (
	listName   = "BETTER_AUTH_SECRETS"
	singleName = "BETTER_AUTH_SECRET"
)

// FromEnv reads the keys from environment variables. An empty variable counts as not set.
func FromEnv(env func(string) string) (*authn.Keys, error) {
	if list := env(listName); list != "" {
		return fromList(list)
	}
	if single := env(singleName); single != "" {
		return fromSingle(single)
	}
	return nil, fmt.Errorf("neither %s nor %s is set", listName, singleName)
}

// readDir returns the name and the content of the file that takes precedence. Errors name files, never their content.
//
// The files of a mounted Secret are links through one link. The kubelet swaps that link and then removes the old
// directory. If that happened during the read, readDir reads again: otherwise a list that was just removed would count
// as missing.
func readDir(dir string) (name, content string, err error) {
	for {
		generation := generationOf(dir)
		name, content, err = readFiles(generation)
		if generationOf(dir) == generation {
			return name, content, err
		}
	}
}

// generationOf returns the directory that holds the files of a mounted Secret now, or the directory itself if it is not
// such a mount.
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

// fromSingle uses the value unchanged, with a trailing line break if it has one, because Better Auth signs with that.
func fromSingle(value string) (*authn.Keys, error) {
	keys, err := authn.NewKeys([]keyring.Entry{{Version: 1, Value: keyring.Value(value)}})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", singleName, err)
	}
	return keys, nil
}
