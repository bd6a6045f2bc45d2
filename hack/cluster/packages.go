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

// unread are the folders of packages that no program needs to run.
var unread = regexp.MustCompile(`^/usr/share/(doc|doc-base|man|info|locale|lintian|bug|bash-completion)(/|$)`)

// debianPackages are the packages that this machine has installed.
type debianPackages struct {
	depends  map[string][]string // each dependency with its alternatives, as "a | b"
	provider map[string]string   // of virtual packages
}

// packaged lists the files of packages and of all that they depend on, except
// what is not wanted. It installs the packages when they are missing.
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

// parsePackages reads lines of state, name, what it provides, what it depends on.
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

// packageName drops the version and the architecture, as of "python3:any (>= 3.11)".
func packageName(dependency string) string {
	name, _, _ := strings.Cut(dependency, "(")
	name, _, _ = strings.Cut(name, ":")
	return strings.TrimSpace(name)
}

func (d debianPackages) has(name string) bool {
	_, ok := d.depends[name]
	return ok
}

// closure is what packages need to run, themselves included, sorted.
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

// answer is the package that meets a dependency: one that is installed, or is
// not wanted anyway.
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

// libraries are the shared libraries that a program loads when it starts, the
// loader among them; none when it is static.
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
