package integration_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pathsOf returns the path of each webhook of a configuration.
func pathsOf(t *testing.T, name string) []string {
	t.Helper()
	hooks := &admissionv1.ValidatingWebhookConfiguration{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: name}, hooks); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, hook := range hooks.Webhooks {
		path := ""
		if p := hook.ClientConfig.Service.Path; p != nil {
			path = *p
		}
		all = append(all, path)
	}
	return all
}

// statusAt posts a review as a pod would and returns the status code.
func statusAt(t *testing.T, port int, path string) int {
	t.Helper()
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer c.CloseIdleConnections()
	answer, err := c.Post(fmt.Sprintf("https://127.0.0.1:%d%s", port, path), "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// setPaths gives a configuration other paths, as whoever installs it anew does.
func setPaths(t *testing.T, name string, paths ...string) {
	t.Helper()
	hooks := &admissionv1.ValidatingWebhookConfiguration{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: name}, hooks); err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		hooks.Webhooks[i].ClientConfig.Service.Path = &path
	}
	if err := admin.Update(t.Context(), hooks); err != nil {
		t.Fatal(err)
	}
}

var plainPaths = []string{"/validate-todoapp-dev-v1alpha1-todoapp", "/validate-workloads"}

// Two replicas agree on paths with a token, which a restart keeps, and answer at no others.
func TestOnlyTheConfiguredPathIsServed(t *testing.T) {
	name, ports := namespace(t, "paths"), []int{port(t), port(t)}
	options := separate(t, name, ports[0])
	options.Interval = 50 * time.Millisecond
	var stops []func()
	for _, p := range ports {
		ready, stop := replica(t, options, p)
		await(t, "readiness", 10*time.Second, ready)
		stops = append(stops, stop)
	}
	paths := pathsOf(t, name)
	for i, path := range paths {
		if token := strings.TrimSuffix(path, plainPaths[i]); len(token) != 41 || !strings.HasSuffix(path, plainPaths[i]) {
			t.Errorf("the path is %q", path)
		}
		for _, p := range ports {
			if code := statusAt(t, p, path); code == http.StatusNotFound {
				t.Errorf("%s is not served", path)
			}
			for _, other := range []string{plainPaths[i], "/" + strings.Repeat("0", 40) + plainPaths[i], path + "/x", "/"} {
				if code := statusAt(t, p, other); code != http.StatusNotFound {
					t.Errorf("%s: %d", other, code)
				}
			}
		}
	}
	for _, stop := range stops {
		stop()
	}
	removeSecret(t, name)
	ready, _ := replica(t, options, ports[0])
	await(t, "readiness", 10*time.Second, ready)
	if now := pathsOf(t, name); strings.Join(now, " ") != strings.Join(paths, " ") {
		t.Errorf("after a restart without the Secret the paths are %v, were %v", now, paths)
	}
}

// A configuration of the release before, or one that was installed anew, names the paths without a token. No admission
// fails meanwhile; the paths get their token once the rollout is over, and the old ones are served no longer soon after.
func TestOldPathsAreServedWhileConfigured(t *testing.T) {
	name, p := namespace(t, "oldpaths"), port(t)
	options := separate(t, name, p)
	options.Interval, options.PropagationDelay = 50*time.Millisecond, time.Second
	var rolledOut atomic.Bool
	options.RolledOut = func(context.Context) (bool, error) { return rolledOut.Load(), nil }
	ready, _ := replica(t, options, p)
	await(t, "readiness", 10*time.Second, ready)
	secret := pathsOf(t, name)
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	load.Go(func() { admit(t, ctx, name) })
	setPaths(t, name, plainPaths...)
	for range 20 {
		<-time.After(100 * time.Millisecond) // twice the settling time: it lasts as long as the rollout
		if code := statusAt(t, p, plainPaths[0]); code == http.StatusNotFound {
			t.Fatal("a path that the configuration names is not served")
		}
	}
	if now := pathsOf(t, name); now[0] != plainPaths[0] {
		t.Errorf("before the rollout was over the path became %q", now[0])
	}
	rolledOut.Store(true)
	await(t, "the secret path", 10*time.Second, func() error {
		if now := pathsOf(t, name); now[0] != secret[0] || now[1] != secret[1] {
			return fmt.Errorf("the paths are %v", now)
		}
		return nil
	})
	await(t, "the end of the old path", 10*time.Second, func() error {
		if code := statusAt(t, p, plainPaths[0]); code != http.StatusNotFound {
			return errors.New("it is served")
		}
		return nil
	})
	stop()
	load.Wait()
}
