package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admissionreview "k8s.io/api/admission/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/todoapp-operator/todoapp-operator/internal/manager"
)

// asManager makes this program a manager instead of a test: its value is the manager's arguments.
const asManager = "FLOODED_MANAGER"

// memoryLimit is the chart's, in MiB.
const memoryLimit = 512

func runManager(arguments string) int {
	if err := manager.Run(context.Background(), "test", strings.Fields(arguments), os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// managerProcess runs a manager in a process of its own until the test ends, and returns its id.
func managerProcess(t *testing.T, arguments string) int {
	t.Helper()
	config, err := clientcmd.Load(environment.KubeConfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate, user.ImpersonateGroups = operatorUser, []string{"system:masters"}
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), asManager+"="+arguments, "KUBECONFIG="+file, fmt.Sprintf("GOMEMLIMIT=%dMiB", memoryLimit))
	var output bytes.Buffer
	process.Stdout, process.Stderr = &output, &output
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	t.Cleanup(func() {
		select {
		case err := <-ended:
			t.Errorf("the manager ended: %v\n%.2000s", err, output.String())
		default:
			_ = process.Process.Kill()
			t.Logf("the manager was killed: %v", <-ended)
		}
	})
	return process.Process.Pid
}

// peakMemory returns the largest resident size that a process had, in MiB.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	var kilobytes int
	for line := range strings.Lines(string(status)) {
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); n == 1 {
			return kilobytes / 1024
		}
	}
	t.Fatal("the process has no peak of its memory")
	return 0
}

// fullSecrets makes Secrets of about 1 MB, and returns their names.
func fullSecrets(t *testing.T, ns string, count int) []string {
	t.Helper()
	names := make([]string, count)
	var writes sync.WaitGroup
	turns := make(chan struct{}, 8)
	for i := range names {
		names[i] = fmt.Sprint("full-", i)
		turns <- struct{}{}
		writes.Go(func() {
			defer func() { <-turns }()
			full := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: names[i]},
				Data: map[string][]byte{"content": bytes.Repeat([]byte{byte(i)}, 1_000_000)}}
			if err := admin.Create(context.Background(), full); err != nil {
				t.Error(err)
			}
		})
	}
	writes.Wait()
	return names
}

// review is what an API server sends about a Deployment that takes Secrets whole.
func review(t *testing.T, ns string, secrets []string) []byte {
	t.Helper()
	d := workloads(ns, "hostile")[0].(*appsv1.Deployment)
	d.APIVersion, d.Kind = "apps/v1", "Deployment"
	container := &d.Spec.Template.Spec.Containers[0]
	for _, name := range secrets {
		container.EnvFrom = append(container.EnvFrom, corev1.EnvFromSource{
			SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}})
	}
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(admissionreview.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionreview.AdmissionRequest{
			UID: "1", Kind: metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
			Resource:  metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
			Namespace: ns, Name: d.Name, Operation: admissionreview.Create, Object: runtime.RawExtension{Raw: raw},
			UserInfo: authenticationv1.UserInfo{Username: "admin", Groups: []string{"system:masters"}},
		}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '['
	}
	return len(p), nil
}

// flood sends each kind of hostile request again and again, from several clients, until the context ends, and returns how many
// of each there were.
func flood(ctx context.Context, address string, kinds map[string]func(*http.Client) error) map[string]*atomic.Int64 {
	const clients = 3
	sent := map[string]*atomic.Int64{}
	var senders sync.WaitGroup
	for kind, send := range kinds {
		count := &atomic.Int64{}
		sent[kind] = count
		for range clients {
			senders.Go(func() {
				c := &http.Client{Timeout: 20 * time.Second,
					Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
				defer c.CloseIdleConnections()
				for ctx.Err() == nil {
					_ = send(c) // refused, cut off or answered: the manager's state counts
					count.Add(1)
				}
			})
		}
	}
	senders.Go(func() {
		var idle []net.Conn
		for ctx.Err() == nil && len(idle) < 2000 {
			if connection, err := net.Dial("tcp", address); err == nil {
				idle = append(idle, connection)
			}
		}
		<-ctx.Done()
		for _, connection := range idle {
			_ = connection.Close()
		}
	})
	senders.Wait()
	return sent
}

func posting(url string, body func() io.Reader) func(*http.Client) error {
	return func(c *http.Client) error {
		answer, err := c.Post(url, "application/json", body())
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		return errors.Join(err, answer.Body.Close())
	}
}

// Hostile reviews of every kind end neither a manager, which stays within the chart's memory limit, nor admission, which goes
// on for others.
func TestFlood(t *testing.T) {
	ns, p := namespace(t, "flood"), port(t)
	pid := managerProcess(t, fmt.Sprintf("--namespace=%s --watch-namespaces=%s --webhook-port=%d --metrics-listen=0 "+
		"--health-listen=0 --task-api-image=task-api", operatorNamespace, ns, p))
	names := fullSecrets(t, ns, 250)
	secret(t, ns, "mail", "PASSWORD", "x")
	create(t, app("shop", "{}"), ns)
	hooks := floodHooks(t, ns, p)
	address := fmt.Sprintf("127.0.0.1:%d", p)
	workloadPath := "https://" + address + *hooks.Webhooks[1].ClientConfig.Service.Path
	admits := func() error {
		object := app("other", "backend: {env: [{name: A, valueFrom: {secretKeyRef: {name: mail, key: PASSWORD}}}]}")
		object.SetNamespace(ns)
		return admin.Create(t.Context(), object, client.DryRunAll)
	}
	await(t, "an admission by the manager", 60*time.Second, func() error {
		if !listening(address) {
			return errors.New("it does not listen")
		}
		return admits()
	})
	many := make([]string, 20_000)
	for i := range many {
		many[i] = fmt.Sprint("missing-", i)
	}
	manyReferences, windows := review(t, ns, many), [][]byte{}
	for i := 0; i+99 <= len(names); i += 50 {
		windows = append(windows, review(t, ns, names[i:i+99]))
	}
	large := bytes.Repeat([]byte{'['}, 6<<20)
	var turn atomic.Int64
	ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
	defer stop()
	var took []time.Duration
	var others sync.WaitGroup
	others.Go(func() {
		for ctx.Err() == nil {
			begun := time.Now()
			if err := admits(); err != nil {
				t.Errorf("after %d admissions: %v", len(took), err)
			}
			took = append(took, time.Since(begun))
			<-time.After(20 * time.Millisecond)
		}
	})
	sent := flood(ctx, address, map[string]func(*http.Client) error{
		"bodies without end": posting("https://"+address+"/validate-workloads", func() io.Reader { return endless{} }),
		"wrong paths": posting("https://"+address+"/"+strings.Repeat("0", 40)+"/validate-workloads",
			func() io.Reader { return bytes.NewReader(manyReferences) }),
		"large bodies":    posting(workloadPath, func() io.Reader { return bytes.NewReader(large) }),
		"many references": posting(workloadPath, func() io.Reader { return bytes.NewReader(manyReferences) }),
		"full Secrets": posting(workloadPath, func() io.Reader {
			return bytes.NewReader(windows[int(turn.Add(1))%len(windows)])
		}),
	})
	others.Wait()
	slices.Sort(took)
	peak := peakMemory(t, pid)
	for kind, count := range sent {
		t.Logf("%d of %s", count.Load(), kind)
		if count.Load() == 0 {
			t.Errorf("nothing was sent of %s", kind)
		}
	}
	t.Logf("%d admissions, median %s, longest %s; at most %d MiB", len(took), took[len(took)/2], took[len(took)-1], peak)
	if peak > memoryLimit {
		t.Errorf("the manager took %d MiB, its limit is %d", peak, memoryLimit)
	}
	if median := took[len(took)/2]; median > 2*time.Second {
		t.Errorf("half of the admissions took more than %s", median)
	}
}

func listening(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

// floodHooks has the API server ask the flooded manager as well, which is one more replica beside the manager of all tests:
// it has the same certificate and paths.
func floodHooks(t *testing.T, ns string, port int) *admissionv1.ValidatingWebhookConfiguration {
	t.Helper()
	current := &admissionv1.ValidatingWebhookConfiguration{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: configName}, current); err != nil {
		t.Fatal(err)
	}
	hooks := hooksFor(t, ns, port)
	for i := range hooks.Webhooks {
		from := current.Webhooks[i].ClientConfig
		hooks.Webhooks[i].ClientConfig.CABundle = from.CABundle
		hooks.Webhooks[i].ClientConfig.Service.Name, hooks.Webhooks[i].ClientConfig.Service.Path = from.Service.Name, from.Service.Path
	}
	if err := admin.Create(t.Context(), hooks); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, hooks) })
	return hooks
}

// The chart has the limit that TestFlood holds a manager to.
func TestMemoryLimitIsTheCharts(t *testing.T) {
	file, err := os.Open("../../charts/todoapp-operator/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(bufio.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		Resources struct{ Limits struct{ Memory string } }
	}
	if err := yaml.Unmarshal(content, &values); err != nil || values.Resources.Limits.Memory != fmt.Sprintf("%dMi", memoryLimit) {
		t.Errorf("the chart's limit is %q: %v", values.Resources.Limits.Memory, err)
	}
}
