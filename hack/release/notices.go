package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// notice matches the names of files that a licence requires a distribution to contain.
var notice = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|copyright|patents|unlicense)([._-].*)?$`)

// notices returns the licences and notices of this repository, of Go, and of every module in the program.
func (r release) notices(ctx context.Context, program string) (files, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("listing the modules of %s: %w", program, err)
	}
	folders, err := r.moduleFolders(ctx)
	if err != nil {
		return nil, err
	}
	collected := files{}
	if err := collected.collect("", r.root); err != nil {
		return nil, err
	}
	toolchain, err := r.output(exec.CommandContext(ctx, "go", "env", "GOROOT"))
	if err != nil {
		return nil, fmt.Errorf("finding Go: %w", err)
	}
	if err := collected.collect("go/", strings.TrimSpace(string(toolchain))); err != nil {
		return nil, err
	}
	for _, module := range info.Deps {
		if err := collected.collect(module.Path+"/", folders[module.Path]); err != nil {
			return nil, err
		}
	}
	return collected, nil
}

// moduleFolders returns the folder of each module that the sources require.
func (r release) moduleFolders(ctx context.Context) (map[string]string, error) {
	output, err := r.output(exec.CommandContext(ctx, "go", "list", "-m", "-json=Path,Dir", "all"))
	if err != nil {
		return nil, fmt.Errorf("listing modules: %w", err)
	}
	folders := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var module struct{ Path, Dir string }
		switch err := decoder.Decode(&module); {
		case errors.Is(err, io.EOF):
			return folders, nil
		case err != nil:
			return nil, fmt.Errorf("reading the list of modules: %w", err)
		}
		folders[module.Path] = module.Dir
	}
}

// collect adds the licences and notices in a folder. It fails if there are none.
func (f files) collect(prefix, folder string) error {
	if folder == "" {
		return fmt.Errorf("finding the licence of %s: the module is not downloaded", strings.TrimSuffix(prefix, "/"))
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("finding licences: %w", err)
	}
	found := false
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !notice.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return fmt.Errorf("reading a licence: %w", err)
		}
		f.add(prefix+entry.Name(), text)
		found = true
	}
	if !found {
		return fmt.Errorf("finding the licence of %s: %s has none", strings.TrimSuffix(prefix, "/"), folder)
	}
	return nil
}
