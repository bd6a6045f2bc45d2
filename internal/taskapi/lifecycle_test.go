package taskapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// swap delivers a Secret as the kubelet does: a new directory behind the ..data link, by rename.
func swap(t *testing.T, dir, generation, list string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(dir, generation), 0o700))
	must(os.WriteFile(filepath.Join(dir, generation, "BETTER_AUTH_SECRETS"), []byte(list), 0o600))
	must(os.Symlink(generation, filepath.Join(dir, "..tmp")))
	must(os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	if _, err := os.Lstat(filepath.Join(dir, "BETTER_AUTH_SECRETS")); err != nil {
		must(os.Symlink("..data/BETTER_AUTH_SECRETS", filepath.Join(dir, "BETTER_AUTH_SECRETS")))
	}
}

// TestRotationUnderLoad publishes, promotes and retires keys while clients never stop asking, and never see a failure.
func TestRotationUnderLoad(t *testing.T) {
	dir := t.TempDir()
	key := func(version int) string { return fmt.Sprintf("key-of-version-%d-%s", version, secret) }
	entry := func(version int) string { return fmt.Sprintf("%d:%s", version, key(version)) }
	swap(t, dir, "..g0", entry(1))
	r := start(t, nil, "--auth-dir="+dir)
	var signer, asked atomic.Int64
	signer.Store(1)
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	for range 8 {
		clients.Go(func() {
			for ctx.Err() == nil {
				version := int(signer.Load())
				token := tokenFor("alice", fmt.Sprint(version), key(version))
				if status, body := r.ask("GET", r.api+"/api/alice/tasks", token, ""); status != 200 {
					t.Errorf("with key %d: %d %s", version, status, body)
				}
				asked.Add(1)
			}
		})
	}
	deliver := func(generation, list, message string) map[string]any {
		t.Helper()
		begin := time.Now()
		swap(t, dir, generation, list)
		entry := r.log.await(t, message)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%s was visible after %v", generation, took)
		}
		return entry
	}
	for next := 2; next <= 6; next++ {
		deliver(fmt.Sprintf("..publish%d", next), entry(next-1)+","+entry(next), "keys reloaded")
		signer.Store(int64(next))
		deliver(fmt.Sprintf("..promote%d", next), entry(next)+","+entry(next-1), "keys reloaded")
		r.want(200, fmt.Sprintf(`{"versions":[%d,%d],"active":%d}`, next, next-1, next), "GET", r.ops+"/keyring", "", "")
		deliver(fmt.Sprintf("..broken%d", next), "nonsense "+key(next), "keeping the last good keys")
		r.want(200, "ready", "GET", r.ops+"/readyz", "", "")
		r.want(200, fmt.Sprintf(`{"versions":[%d,%d],"active":%d}`, next, next-1, next), "GET", r.ops+"/keyring", "", "")
	}
	r.want(200, `taskapi_key_reloads_total{result="bad"} 5`, "GET", r.ops+"/metrics", "", "")
	r.want(200, `taskapi_key_reloads_total{result="good"} 10`, "GET", r.ops+"/metrics", "", "")
	t.Logf("%d requests during 15 reloads", asked.Load())
}

// TestShutdown sends half a request, asks the server to stop, and sends the rest.
func TestShutdown(t *testing.T) {
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--shutdown-delay=300ms")
	connection, err := net.Dial("tcp", strings.TrimPrefix(r.api, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	const body = `{"title":"under way"}`
	_, _ = fmt.Fprintf(connection, "POST /api/alice/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", tokenFor("alice", "", secret), len(body))
	reader := bufio.NewReader(connection)
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	r.stop()
	for status := 0; status != 503; {
		status, _ = r.ask("GET", r.ops+"/readyz", "", "")
	}
	r.want(200, "ok", "GET", r.api+"/healthz", "", "")
	for refused := false; !refused; {
		probe, err := net.DialTimeout("tcp", strings.TrimPrefix(r.api, "http://"), time.Second)
		if refused = err != nil; !refused {
			_ = probe.Close()
		}
	}
	if _, err := io.WriteString(connection, body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusCreated {
		t.Fatalf("the request under way got %v, %v", response, err)
	}
	_ = response.Body.Close()
	if err := <-r.done; err != nil {
		t.Errorf("stopped with %v", err)
	}
	r.done <- nil
}

func TestWhatNoHandlerSees(t *testing.T) {
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret})
	for request, status := range map[string]string{
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n": "404",
		"GET /api/x/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + strings.Repeat("x", 40<<10) + "\r\n\r\n": "401",
		"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n":                        "431",
		"GET /healthz HTTP/1.1\r\n\r\n": "400",
		"nonsense\r\n\r\n":              "400",
		"GET http://elsewhere.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n": "200",
		"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: x\r\n\r\n":        "404",
	} {
		connection, err := net.Dial("tcp", strings.TrimPrefix(r.api, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(connection, request); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(connection)
		line, err := reader.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 "+status) {
			t.Errorf("%.60q: %q, %v, want %s", request, line, err, status)
		}
		header, err := textproto.NewReader(reader).ReadMIMEHeader()
		if err != nil || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Content-Type") == "" {
			t.Errorf("%.60q: the header is %v, %v", request, header, err)
		}
		_ = connection.Close()
	}
}

// TestSlowClientsAreCutOff trickles a header, which may take no longer than a whole request may.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret})
	connection, err := net.Dial("tcp", strings.TrimPrefix(r.api, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	begin := time.Now()
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	go func() {
		for rest := "GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1000); rest != ""; rest = rest[1:] {
			if _, err := io.WriteString(connection, rest[:1]); err != nil {
				return
			}
			<-pace.C
		}
	}()
	if err := connection.SetReadDeadline(begin.Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, connection)
	if took := time.Since(begin); took > readTimeout+5*time.Second {
		t.Errorf("cut off after %v", took)
	}
	if total := readTimeout + writeTimeout; total > time.Minute || idleTimeout > time.Minute {
		t.Error("a slow client may stay longer than a minute")
	}
}

func TestTracesReachACollector(t *testing.T) {
	bodies := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- string(content)
	}))
	defer collector.Close()
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL})
	r.want(200, "[]", "GET", r.api+"/api/alice/tasks", tokenFor("alice", "", secret), "")
	r.want(200, "ready", "GET", r.api+"/readyz", "", "")
	r.want(404, "", "GET", r.api+"/"+strings.Repeat("long", 600), "", "")
	const foreign = "0af7651916cd43dd8448eb211c80319c"
	request, err := http.NewRequest(http.MethodGet, r.api+"/api/alice/tasks/9", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"Bearer " + tokenFor("alice", "", secret)},
		"Traceparent": {"00-" + foreign + "-b7ad6b7169203331-01"}, "X-Forwarded-For": {"192.0.2.7"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusNotFound {
		t.Fatalf("%v, %v", response, err)
	}
	_ = response.Body.Close()
	r.stop()
	sent := <-bodies
	for _, part := range []string{
		`"name":"GET /api/{user_id}/tasks"`, `"name":"store list"`, `"links":[{"traceId":"` + foreign + `"`, `"todoapp-api"`,
	} {
		if !strings.Contains(sent, part) {
			t.Errorf("%s is missing in %s", part, sent)
		}
	}
	for _, part := range []string{
		"readyz", "longlong", "192.0.2.7", `"code":2`, `"spans":[{"traceId":"` + foreign, `},{"traceId":"` + foreign,
		tokenFor("alice", "", secret)[:40],
	} {
		if strings.Contains(sent, part) {
			t.Errorf("%s is in %s", part, sent)
		}
	}
}

func TestBackup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tasks.db")
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url=sqlite://"+file)
	alice := tokenFor("alice", "", secret)
	r.want(201, "keep me", "POST", r.api+"/api/alice/tasks", alice, `{"title":"keep me"}`)
	copied := filepath.Join(t.TempDir(), "copy.db")
	out, err := attempt(t, map[string]string{"TASKAPI_DATABASE_URL": "sqlite://" + file}, "backup", copied)
	if err != nil || !strings.Contains(out, copied) {
		t.Fatalf("%q, %v", out, err)
	}
	restored := start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url=sqlite://"+copied)
	restored.want(200, "keep me", "GET", restored.api+"/api/alice/tasks", alice, "")
}
