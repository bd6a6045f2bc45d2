//go:build cluster

package main

import (
	"net/url"
	"strings"
	"testing"
)

// These tests start real clusters on this machine, with the binaries that hack/tools/build.sh has built. They need root
// and no running cluster.

const repository = "../.."

// TestWorkload runs pods that need everything that the operator's pods need.
func TestWorkload(t *testing.T) {
	before := footprint(t)
	c := newCluster(t)
	c.must("up")
	if said := c.must("up"); !strings.Contains(said, "running already") {
		t.Errorf("a second up said %q", said)
	}
	c.deployProbe()

	service := c.kubectl("-n", "probe", "get", "service", "probe", "-o", "jsonpath={.spec.clusterIP}")
	c.await("the Service to lead to the pods", func() error { return dials(service + ":80")(t.Context()) })
	const name = "probe.probe.svc.cluster.local"
	inside := func(path string) string { return "/fetch?url=" + url.QueryEscape("http://"+name+path) }
	for _, test := range []struct{ what, path, want string }{
		{"reads its Secret", "/secret", "sesame"},
		{"writes to its volume", "/write", "written"},
		{"resolves a Service", "/lookup?host=" + name, "[" + service + "]"},
		{"resolves by search path", "/lookup?host=probe", "[" + service + "]"},
		{"reaches a Service by name", inside("/secret"), "sesame"},
		{"reaches it through another pod", inside(inside("/secret")), "sesame"},
	} {
		// This is often enough for both pods to reach both pods.
		for range 8 {
			if got := c.ask("http://" + service + test.path); got != test.want {
				t.Errorf("a pod %s: got %q, want %q", test.what, got, test.want)
				break
			}
		}
	}
	if logs := c.kubectl("-n", "probe", "logs", "deployment/probe"); !strings.Contains(logs, "listening") {
		t.Errorf("logs are %q", logs)
	}
	proxied := c.kubectl("get", "--raw", "/api/v1/namespaces/probe/services/probe:80/proxy/secret")
	if proxied != "sesame" {
		t.Errorf("through the API server: %q", proxied)
	}
	c.deleteProbe()
	c.must("down")
	sameFootprint(t, before)
}

// TestCrash kills the supervisor of a busy cluster. up must repair it, and down must clean up.
func TestCrash(t *testing.T) {
	before := footprint(t)
	c := newCluster(t)
	for _, then := range []string{"up", "down"} {
		c.must("up")
		c.deployProbe()
		c.killSupervisor(ready)
		if said, err := c.run("status"); err == nil || !strings.Contains(said, "left things behind") {
			t.Errorf("status after a crash: %v: %s", err, said)
		}
		c.must(then)
		if then == "up" {
			c.deployProbe()
			c.must("down")
		}
		sameFootprint(t, before)
	}
}

// TestInterruptedStart kills or interrupts a start at each of its steps.
func TestInterruptedStart(t *testing.T) {
	before := footprint(t)
	c := newCluster(t)
	for _, step := range []string{"preparing", "starting etcd", "starting the API", "starting kubelet", "waiting for the node"} {
		t.Run("killed when "+step, func(t *testing.T) {
			c := c.in(t)
			wait := c.startUntil(step)
			c.killSupervisor(alive)
			if wait() == nil {
				t.Error("up succeeded without its supervisor")
			}
			c.must("down")
			sameFootprint(t, before)
		})
	}
	t.Run("Ctrl-C", func(t *testing.T) {
		c := c.in(t)
		wait := c.startUntil("waiting for the node")
		c.interrupt()
		if wait() == nil {
			t.Error("an interrupted up succeeded")
		}
		sameFootprint(t, before)
	})
}
