package taskapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const secret = "a-secret-of-the-test-0123456789012345678901"

// running is the api command under test.
type running struct {
	t        *testing.T
	api, ops string
	stop     context.CancelFunc
	done     chan error
	log      *lines
}

// lines collects a log, and hands each line on.
type lines struct {
	pipe *io.PipeWriter
	next chan string
}

func newLines() *lines {
	read, write := io.Pipe()
	l := &lines{pipe: write, next: make(chan string, 10_000)}
	go func() {
		for scanner := bufio.NewScanner(read); scanner.Scan(); {
			l.next <- scanner.Text()
		}
	}()
	return l
}

// await returns the first line from now on that has the message.
func (l *lines) await(t *testing.T, message string) map[string]any {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case line := <-l.next:
			var entry map[string]any
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatalf("the log is not JSON: %q", line)
			}
			if entry["msg"] == message {
				return entry
			}
		case <-deadline:
			t.Fatalf("%q was never logged", message)
		}
	}
}

// start runs the command and waits until its store is open.
func start(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	r := launch(t, env, args...)
	r.log.await(t, "serving")
	return r
}

// launch runs the command on free ports with a new SQLite file, unless the arguments say otherwise.
func launch(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, stop: cancel, done: make(chan error, 1), log: newLines()}
	database := "sqlite://" + filepath.Join(t.TempDir(), "tasks.db")
	args = append([]string{"--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0", "--database-url=" + database}, args...)
	go func() {
		r.done <- Run(ctx, "v1.2.3", args, func(k string) string { return env[k] }, io.Discard, r.log.pipe)
		_ = r.log.pipe.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-r.done; err != nil {
			t.Error(err)
		}
	})
	entry := r.log.await(t, "listening")
	r.api, r.ops = fmt.Sprint("http://", entry["listen"]), fmt.Sprint("http://", entry["ops_listen"])
	return r
}

func tokenFor(subject, kid, key string) string {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": subject, "exp": time.Now().Add(15 * time.Minute).Unix(),
	})
	if kid != "" {
		token.Header["kid"] = kid
	}
	signed, err := token.SignedString([]byte(key))
	if err != nil {
		panic(err)
	}
	return signed
}

// ask sends one request and returns the status and the body.
func (r *running) ask(method, url, token, body string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func (r *running) want(status int, part, method, url, token, body string) {
	r.t.Helper()
	got, content := r.ask(method, url, token, body)
	if got != status || !strings.Contains(content, part) {
		r.t.Errorf("%s %s: %d %s, want %d with %q", method, url, got, content, status, part)
	}
}

func TestTheWholeCommand(t *testing.T) {
	r := start(t, map[string]string{"BETTER_AUTH_SECRETS": "3:" + secret + ",2:older-" + secret})
	alice := tokenFor("alice", "3", secret)
	r.want(201, `"title":"milk"`, "POST", r.api+"/api/alice/tasks", alice, `{"title":" milk "}`)
	r.want(200, `"completed":true`, "PATCH", r.api+"/api/alice/tasks/1/complete", alice, "")
	r.want(200, `[{"id":1,`, "GET", r.api+"/api/alice/tasks", tokenFor("alice", "", "older-"+secret), "")
	r.want(403, "another user", "GET", r.api+"/api/bob/tasks", alice, "")
	r.want(401, "missing token", "GET", r.api+"/api/alice/tasks", "", "")
	r.want(200, `{"versions":[3,2],"active":3}`, "GET", r.ops+"/keyring", "", "")
	for _, port := range []string{r.api, r.ops} {
		r.want(200, "ok", "GET", port+"/healthz", "", "")
		r.want(200, "ready", "GET", port+"/readyz", "", "")
	}
	r.want(404, "", "GET", r.api+"/metrics", "", "")
	r.want(404, "", "GET", r.api+"/keyring", "", "")
	r.want(404, "", "GET", r.ops+"/api/alice/tasks", "", "")
	for _, line := range []string{
		`taskapi_http_requests_total{method="POST",route="/api/{user_id}/tasks",status="201"} 1`,
		`taskapi_auth_failures_total{reason="missing"} 1`,
		`taskapi_auth_failures_total{reason="foreign"} 1`,
		`taskapi_keys_loaded 2`,
		`version="v1.2.3"} 1`,
		`taskapi_store_duration_seconds_count{operation="create"} 1`,
		`taskapi_store_connections{state="max"}`,
		`taskapi_key_reloads_total{result="bad"} 0`,
	} {
		r.want(200, line, "GET", r.ops+"/metrics", "", "")
	}
}

// TestShortSecretsAreToldOfButServed by their version, at the start and after a reload.
func TestShortSecretsAreToldOfButServed(t *testing.T) {
	const told = "a secret has fewer than 32 characters: whoever guesses it can sign tokens; make one with openssl rand -base64 32"
	says := func(r *running, versions string) {
		t.Helper()
		if entry := r.log.await(t, told); fmt.Sprint(entry["versions"]) != versions || strings.Contains(fmt.Sprint(entry), "guessable") {
			t.Errorf("the log says %v", entry)
		}
	}
	dir := t.TempDir()
	swap(t, dir, "..g1", "2:"+secret+",1:guessable-1")
	r := launch(t, nil, "--auth-dir="+dir)
	says(r, "[1]")
	r.log.await(t, "serving")
	swap(t, dir, "..g2", "3:guessable-3,2:"+secret)
	says(r, "[3]")
	r.want(200, "[]", "GET", r.api+"/api/alice/tasks", tokenFor("alice", "3", "guessable-3"), "")
	says(launch(t, map[string]string{"BETTER_AUTH_SECRET": "guessable-0"}), "[1]")
}

// TestTasksAreNobodyElses: another user of the machine cannot read the file, nor what SQLite lays beside it.
func TestTasksAreNobodyElses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tasks.db")
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url=sqlite://"+file)
	r.want(201, "mine", "POST", r.api+"/api/alice/tasks", tokenFor("alice", "", secret), `{"title":"mine"}`)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := attempt(t, map[string]string{"TASKAPI_DATABASE_URL": "sqlite://" + file}, "backup", copied); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, file + "-wal", file + "-shm", copied} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", filepath.Base(path), info.Mode())
		}
	}
}

// TestProfilesAreServedOnlyIfAskedFor, on the loopback address for a port alone.
func TestProfilesAreServedOnlyIfAskedFor(t *testing.T) {
	if got := profilesAddress(":6060"); got != "127.0.0.1:6060" {
		t.Errorf("a port alone is served at %s", got)
	}
	if got := profilesAddress("0.0.0.0:6060") + profilesAddress(""); got != "0.0.0.0:6060" {
		t.Errorf("addresses change to %s", got)
	}
	off := start(t, map[string]string{"BETTER_AUTH_SECRET": secret})
	off.want(404, "", "GET", off.ops+"/debug/pprof/", "", "")
	off.want(404, "", "GET", off.api+"/debug/pprof/", "", "")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	on := start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--pprof-listen="+address)
	on.want(404, "", "GET", on.ops+"/debug/pprof/", "", "")
	on.want(200, "goroutine", "GET", "http://"+address+"/debug/pprof/", "", "")
	on.want(200, "goroutine profile", "GET", "http://"+address+"/debug/pprof/goroutine?debug=1", "", "")
}

// TestNoAnswerIsSniffed on either port, whatever its status.
func TestNoAnswerIsSniffed(t *testing.T) {
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret})
	alice := "Bearer " + tokenFor("alice", "", secret)
	for _, c := range []struct {
		method, url, token string
		status             int
	}{
		{"GET", r.api + "/docs", "", 200}, {"GET", r.api + "/openapi.json", "", 200}, {"HEAD", r.api + "/docs", "", 200},
		{"GET", r.api + "/readyz", "", 200}, {"GET", r.api + "/nothing", "", 404}, {"POST", r.api + "/docs", "", 405},
		{"GET", r.api + "/api/alice/tasks", "", 401}, {"GET", r.api + "/api/bob/tasks", alice, 403},
		{"GET", r.api + "/api/alice/tasks", alice, 200}, {"POST", r.api + "/api/alice/tasks", alice, 415},
		{"GET", r.api + "/api/alice/tasks/1", alice, 404}, {"GET", r.api + "/api/alice/tasks?limit=x", alice, 422},
		{"OPTIONS", r.api + "/api/alice/tasks", alice, 405},
		{"GET", r.ops + "/metrics", "", 200}, {"GET", r.ops + "/keyring", "", 200}, {"GET", r.ops + "/healthz", "", 200},
		{"GET", r.ops + "/docs", "", 404},
	} {
		request, err := http.NewRequest(c.method, c.url, strings.NewReader(map[string]string{"POST": "x"}[c.method]))
		if err != nil {
			t.Fatal(err)
		}
		if c.token != "" {
			request.Header.Set("Authorization", c.token)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := response.Header.Values("X-Content-Type-Options"); response.StatusCode != c.status || fmt.Sprint(got) != "[nosniff]" {
			t.Errorf("%s %s: %d with %v, want %d with nosniff", c.method, c.url, response.StatusCode, got, c.status)
		}
	}
}
