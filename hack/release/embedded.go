package main

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// embedded is the npm package whose files the task API embeds, and embeddedFolder has them, with its licences.
	embedded       = "swagger-ui-dist"
	embeddedFolder = "internal/task/httpapi/swagger-ui"
)

// imageNotices returns the notices of the operator's program, and those of the package that it embeds.
func (r release) imageNotices(ctx context.Context, program string) (files, error) {
	collected, err := r.notices(ctx, program)
	if err != nil {
		return nil, err
	}
	return collected, collected.collect(embedded+"/", filepath.Join(r.root, embeddedFolder))
}

// component is an entry of CycloneDX's list.
type component struct {
	Ref      string    `json:"bom-ref"`
	Type     string    `json:"type"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Hashes   []hash    `json:"hashes"`
	Licenses []license `json:"licenses"`
	PURL     string    `json:"purl"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type license struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

// embeddedComponent describes the embedded package, as package-lock.json pins it.
func (r release) embeddedComponent() (component, error) {
	text, err := os.ReadFile(filepath.Join(r.root, embeddedFolder, "package-lock.json"))
	if err != nil {
		return component{}, fmt.Errorf("reading the version of %s: %w", embedded, err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity, License string }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return component{}, fmt.Errorf("reading the version of %s: %w", embedded, err)
	}
	pinned := lock.Packages["node_modules/"+embedded]
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(pinned.Integrity, "sha512-"))
	if err != nil || len(sum) != sha512.Size {
		return component{}, fmt.Errorf("reading the checksum of %s: %q is not the SHA-512 of a package", embedded, pinned.Integrity)
	}
	purl := "pkg:npm/" + embedded + "@" + pinned.Version
	described := component{Ref: purl, Type: "library", Name: embedded, Version: pinned.Version, PURL: purl,
		Hashes: []hash{{"SHA-512", hex.EncodeToString(sum)}}, Licenses: make([]license, 1)}
	described.Licenses[0].License.ID = pinned.License
	return described, nil
}

// withComponent adds a component to a list of modules.
func withComponent(modules []byte, added component) ([]byte, error) {
	var list map[string]any
	if err := json.Unmarshal(modules, &list); err != nil {
		return nil, fmt.Errorf("reading the list of modules: %w", err)
	}
	components, ok := list["components"].([]any)
	if !ok {
		return nil, fmt.Errorf("adding %s to the list of modules: it has no components", added.Name)
	}
	list["components"] = append(components, added)
	all, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the list of modules: %w", err)
	}
	return append(all, '\n'), nil
}
