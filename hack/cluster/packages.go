package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// unread lists the folders of packages that running programs do not need.
var unread = regexp.MustCompile(`^/usr/share/(doc|doc-base|man|info|locale|lintian|bug|bash-completion)(/|$)`)

// debianPackages holds the packages that are installed on this machine.
type debianPackages struct {
	depends  map[string][]string // lists the alternatives of each dependency as "a | b"
	provider map[string]string   // maps virtual packages to packages that provide them
}

// packaged returns the files of packages and their dependencies, except the excluded ones. It installs missing
// packages.
func packaged(ctx context.Context, wanted, without []string) ([]string, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	here, err := listPackages(ctx)
	if err != nil {
		return nil, err
	}
	if absent := slices.DeleteFunc(slices.Clone(wanted), here.has); len(absent) > 0 {
		if os.Geteuid() != 0 {
			return nil, fmt.Errorf("this machine lacks the packages %s: install them, or do this as root", strings.Join(absent, " "))
		}
		if err := install(ctx, absent); err != nil {
			return nil, err
		}
		if here, err = listPackages(ctx); err != nil {
			return nil, err
		}
	}
	packages, err := here.closure(wanted, without)
	if err != nil {
		return nil, err
	}
	listed, err := output(ctx, "dpkg-query", append([]string{"--listfiles"}, packages...)...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Split(listed, "\n"), func(line string) bool {
		return !strings.HasPrefix(line, "/") || line == "/." || unread.MatchString(line)
	}), nil
}

func listPackages(ctx context.Context) (debianPackages, error) {
	listed, err := output(ctx, "dpkg-query", "--show",
		"--showformat", `${db:Status-Status}\t${Package}\t${Provides}\t${Pre-Depends}, ${Depends}\n`)
	if err != nil {
		return debianPackages{}, err
	}
	return parsePackages(listed), nil
}

// parsePackages parses lines of state, name, provided packages and dependencies.
func parsePackages(listed string) debianPackages {
	here := debianPackages{map[string][]string{}, map[string]string{}}
	for line := range strings.Lines(listed) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 4 || fields[0] != "installed" {
			continue
		}
		here.depends[fields[1]] = strings.Split(fields[3], ",")
		for virtual := range strings.SplitSeq(fields[2], ",") {
			here.provider[packageName(virtual)] = fields[1]
		}
	}
	return here
}

// packageName removes the version and the architecture, as in "python3:any (>= 3.11)".
func packageName(dependency string) string {
	name, _, _ := strings.Cut(dependency, "(")
	name, _, _ = strings.Cut(name, ":")
	return strings.TrimSpace(name)
}

func (d debianPackages) has(name string) bool {
	_, ok := d.depends[name]
	return ok
}

// closure returns the packages and all their dependencies, sorted.
func (d debianPackages) closure(wanted, without []string) ([]string, error) {
	var found []string
	for next := slices.Clone(wanted); len(next) > 0; next = next[1:] {
		name := next[0]
		if slices.Contains(found, name) || slices.Contains(without, name) {
			continue
		}
		found = append(found, name)
		for _, dependency := range d.depends[name] {
			if strings.TrimSpace(dependency) == "" {
				continue
			}
			answer, ok := d.answer(dependency, without)
			if !ok {
				return nil, fmt.Errorf("package %s needs %s, which is not installed", name, strings.TrimSpace(dependency))
			}
			next = append(next, answer)
		}
	}
	slices.Sort(found)
	return found, nil
}

// answer returns the package that satisfies a dependency: an installed or an excluded one.
func (d debianPackages) answer(dependency string, without []string) (string, bool) {
	for alternative := range strings.SplitSeq(dependency, "|") {
		name := packageName(alternative)
		if d.has(name) || slices.Contains(without, name) {
			return name, true
		}
		if provider, ok := d.provider[name]; ok {
			return provider, true
		}
	}
	return "", false
}

// libraries returns the shared libraries that a program loads, including the loader. A static program has none.
func libraries(ctx context.Context, program string) ([]string, error) {
	file, err := elf.Open(program)
	if err != nil {
		return nil, fmt.Errorf("reading program %s: %w", program, err)
	}
	defer func() { _ = file.Close() }()
	if !slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return nil, nil
	}
	listed, err := output(ctx, "ldd", program)
	if err != nil {
		return nil, err
	}
	var paths []string
	for line := range strings.Lines(listed) {
		// "libc.so.6 => /lib/libc.so.6 (0x7f)", "/lib64/ld.so (0x7f)", "linux-vdso.so.1 (0x7f)"
		name, path, linked := strings.Cut(strings.TrimSpace(line), " => ")
		if !linked {
			path = name
		}
		path, _, _ = strings.Cut(path, " (")
		switch {
		case strings.HasPrefix(path, "/"):
			paths = append(paths, path)
		case linked:
			return nil, fmt.Errorf("program %s needs %s: %s", program, name, path)
		}
	}
	return paths, nil
}
