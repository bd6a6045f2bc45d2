package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// layout holds the files, names and addresses of a cluster. Everything outside of its two directories carries Name, so
// that leftovers of a crash can be told from the objects of other programs.
type layout struct {
	Name  string // names the cgroup, the network and the NAT table
	State string // holds all disposable files
	Run   string // holds sockets, whose paths must be short
	Lock  string // names the running supervisor; see lock.go

	Bin        string // holds the pinned binaries
	CNIPlugins string

	Link         string
	NodeName     string
	NodeAddress  string
	PodRange     string
	ServiceRange string
	APIAddress   string // first of ServiceRange
	DNSAddress   string
	DNSPort      int

	PauseImage  string
	Provisioner string
}

func newLayout(bin string) layout {
	const name = "todoapp-cluster"
	return layout{
		Name: name, State: "/var/lib/" + name, Run: "/run/" + name, Lock: "/run/" + name + ".lock",
		Bin: bin, CNIPlugins: "/usr/lib/cni",
		Link: "todoapp0", NodeName: "todoapp", NodeAddress: "10.245.0.1",
		PodRange: "10.244.0.0/16", ServiceRange: "10.96.0.0/16",
		APIAddress: "10.96.0.1", DNSAddress: "10.96.0.10", DNSPort: 10053,
		PauseImage: "todoapp.dev/pause:1", Provisioner: "todoapp.dev/local",
	}
}

// PKI returns the directory of certificates, keys and kubeconfigs.
func (l layout) PKI() string { return filepath.Join(l.State, "pki") }

// Containerd returns the path of containerd's socket.
func (l layout) Containerd() string { return filepath.Join(l.Run, "containerd.sock") }

func (l layout) logs() string    { return filepath.Join(l.State, "log") }
func (l layout) config() string  { return filepath.Join(l.State, "config") }
func (l layout) volumes() string { return filepath.Join(l.State, "volumes") }
func (l layout) admin() string   { return filepath.Join(l.PKI(), "admin.kubeconfig") }

// kubernetes returns the path of one of the pinned Kubernetes binaries.
func (l layout) kubernetes(name string) string {
	return filepath.Join(l.Bin, "k8s", "current", name)
}

//go:embed config
var templates embed.FS

// render executes the template config/<name>.
func (l layout) render(name string) ([]byte, error) {
	parsed, err := template.ParseFS(templates, "config/"+name)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, l); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// writeConfig renders every template. CNI's configuration gets its own directory, because containerd reads every file
// there.
func (l layout) writeConfig() error {
	entries, err := templates.ReadDir("config")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		content, err := l.render(entry.Name())
		if err != nil {
			return err
		}
		dir := l.config()
		if filepath.Ext(entry.Name()) == ".conflist" {
			dir = filepath.Join(l.State, "cni")
		}
		if err := writeFile(filepath.Join(dir, entry.Name()), content); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file that only root can read, and creates its parent directories.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
