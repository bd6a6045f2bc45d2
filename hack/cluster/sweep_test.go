package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestParseMounts(t *testing.T) {
	l := newLayout("")
	info := `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
40 22 0:40 / /var/lib/todoapp-cluster/kubelet/pods/a\040b/volumes/x rw shared:7 master:1 - tmpfs tmpfs rw
41 22 0:41 / /run/todoapp-cluster/netns/cni-1 rw - nsfs nsfs rw
42 22 0:42 / /var/lib/todoapp-cluster-of-another/x rw - tmpfs tmpfs rw
nonsense
`
	all := parseMounts([]byte(info))
	if len(all) != 5 || all[1] != (mount{"/sys/fs/cgroup", "cgroup2"}) {
		t.Errorf("parsed %v", all)
	}
	want := []string{"/var/lib/todoapp-cluster/kubelet/pods/a b/volumes/x", "/run/todoapp-cluster/netns/cni-1"}
	if got := l.mountsInside(all); !slices.Equal(got, want) {
		t.Errorf("inside are %q, want %q", got, want)
	}
}

func TestLinksOfRoutes(t *testing.T) {
	routes := "10.244.0.2 dev veth1234 scope host \n10.244.0.3 dev veth5678 scope host \nunreachable 10.244.9.0/24\n"
	if got := linksOf(routes); !slices.Equal(got, []string{"veth1234", "veth5678"}) {
		t.Errorf("links are %q", got)
	}
}

func TestOnlyMarkedProcessesAreKilled(t *testing.T) {
	mark := fmt.Sprintf("CLUSTER_TEST_%d=1", os.Getpid())
	marked, similar := exec.Command("sleep", "60"), exec.Command("sleep", "60")
	marked.Env = append(os.Environ(), mark)
	similar.Env = append(os.Environ(), mark+"1", "X="+mark)
	for _, cmd := range []*exec.Cmd{marked, similar} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := killMarked(mark); found != 1 || err != nil {
		t.Errorf("killed %d, %v", found, err)
	}
	_ = marked.Wait()
	if found, err := killMarked(mark); found != 0 || err != nil {
		t.Errorf("afterwards killed %d, %v", found, err)
	}
	if err := similar.Process.Kill(); err != nil {
		t.Errorf("the other process: %v", err)
	}
	_ = similar.Wait()
}

func TestDeadSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if isDeadSocket(path) {
		t.Error("a socket with a listener is called dead")
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if !isDeadSocket(path) {
		t.Error("a socket without a listener is called alive")
	}
}
