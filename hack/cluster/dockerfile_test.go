package main

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"go/version"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instructions returns the instructions of the repository's Dockerfile, each on one line.
func instructions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", "")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// TestDockerfileMakesThisImage runs the commands of the Dockerfile with a compiler that builds nothing. The result must
// have the files, owners and start command of the image that is built without Docker.
func TestDockerfileMakesThisImage(t *testing.T) {
	root := t.TempDir()
	binary := filepath.Join(root, "todoapp-operator")
	write(t, binary, "\x7fELF", 0o755)
	config, layer := opened(t, ofBinary(binary))
	want := map[string]string{}
	for name, h := range layer {
		want[strings.TrimSuffix(name, "/")] = fmt.Sprintf("%v of %d:%d at %d", h.FileInfo().Mode(), h.Uid, h.Gid, seconds(h))
	}
	all := instructions(t)
	entrypoint, err := json.Marshal(config.Entrypoint)
	if err != nil {
		t.Fatal(err)
	}
	last := []string{"FROM scratch", "COPY --from=build /image /", "USER " + config.User, "WORKDIR " + config.WorkingDir,
		"ENTRYPOINT " + string(entrypoint)}
	if got := all[len(all)-len(last):]; !slices.Equal(got, last) {
		t.Errorf("the Dockerfile ends with %q, the image without Docker with %q", got, last)
	}
	for name, got := range dockerfileTree(t, all, filepath.Join(root, "image")) {
		if got != want[name] {
			t.Errorf("%s is %q by the Dockerfile, and %q without Docker", name, got, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("the Dockerfile does not make %v", want)
	}
}

func seconds(h *tar.Header) int64 {
	if h.ModTime.IsZero() {
		return 0
	}
	return h.ModTime.Unix()
}

// dockerfileTree returns the files that the build stage puts into /image, which is a temporary folder here.
func dockerfileTree(t *testing.T, all []string, image string) map[string]string {
	t.Helper()
	i := slices.IndexFunc(all, func(line string) bool { return strings.Contains(line, "go build") })
	script := regexp.MustCompile(`^RUN( --mount=\S+)*`).ReplaceAllString(all[i], "")
	script = regexp.MustCompile(`/image\b`).ReplaceAllString(script, image)
	const compiler = `set -e; umask 022; go() { while [ "$1" != -o ]; do shift; done; : >"$2"; chmod 755 "$2"; }; `
	if output, err := exec.CommandContext(t.Context(), "sh", "-c", compiler+script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, output)
	}
	found := map[string]string{}
	if err := filepath.WalkDir(image, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == image {
			return err
		}
		info, err := os.Stat(path)
		if err == nil {
			found[strings.TrimPrefix(path, image+"/")] = fmt.Sprintf("%v of 0:0 at %d", info.Mode(), info.ModTime().Unix())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestDockerfileHasWhatItCompiles checks that go.mod allows the Dockerfile's compiler, and that it copies every file of
// this module that the binary needs on arm64.
func TestDockerfileHasWhatItCompiles(t *testing.T) {
	goMod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	needs := "go" + regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(string(goMod))[1]
	has := regexp.MustCompile(`golang:(\d+\.\d+\.\d+) `).FindStringSubmatch(instructions(t)[0])
	if has == nil || version.Lang("go"+has[1]) != version.Lang(needs) || version.Compare("go"+has[1], needs) < 0 {
		t.Errorf("the image of the compiler is %v, go.mod needs a patch of %s", has, needs)
	}
	ignored, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	const own = "{{with .Module}}{{if .Main}}{{$.ImportPath}}{{end}}{{end}}"
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", own, ".")
	list.Dir, list.Env = "../..", append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	packages, err := list.Output()
	if err != nil {
		t.Fatalf("listing what the binary is made of: %v", err)
	}
	const module = "github.com/todoapp-operator/todoapp-operator"
	for _, name := range strings.Fields(string(packages)) {
		folder, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(name, module), "/"), "/")
		if folder != "" && !slices.Contains(strings.Split(string(ignored), "\n"), "!"+folder) {
			t.Errorf("%s is not sent to Docker", name)
		}
	}
}
