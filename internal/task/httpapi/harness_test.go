package httpapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

const (
	active  = "active-key-0123456789012345678901234567890"
	earlier = "earlier-key-012345678901234567890123456789"
)

// database gives a test an empty database.
var database func(t *testing.T) string

// TestMain holds the API to its contract twice: on SQLite and on PostgreSQL.
func TestMain(m *testing.M) {
	database = func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "tasks.db") }
	if status := m.Run(); status != 0 {
		os.Exit(status)
	}
	server, err := pgtest.Start(false)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	database = func(t *testing.T) string { return server.URL(server.Fresh(t)) }
	status := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

// served is an API on a real port, over a real store.
type served struct {
	t       *testing.T
	api     *API
	address string
	ops     string
	log     *buffer
	counted *counts
}

// buffer is a log that a test may read while the server writes it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// counts is an Observer that remembers.
type counts struct {
	mu      sync.Mutex
	routes  []string
	reasons []authn.Reason
	// used holds the versions of the keys whose tokens were accepted.
	used []int64
}

func (c *counts) Request(route, method string, status int, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.routes = append(c.routes, method+" "+route+" "+strconv.Itoa(status))
}

func (c *counts) Accepted(keyVersion int64, _ time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = append(c.used, keyVersion)
}

func (c *counts) Refused(reason authn.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reasons = append(c.reasons, reason)
}

func (c *counts) saw(route string, status int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.routes, route+" "+strconv.Itoa(status))
}

// next awaits the first request that was counted for a method and route, and returns its status.
func (c *counts) next(t *testing.T, route string) int {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		c.mu.Lock()
		for _, counted := range c.routes {
			if status, found := strings.CutPrefix(counted, route); found {
				c.mu.Unlock()
				code, err := strconv.Atoi(status)
				if err != nil {
					t.Fatal(err)
				}
				return code
			}
		}
		c.mu.Unlock()
	}
	t.Fatalf("%s was never counted", route)
	return 0
}

func serving(t *testing.T, changes ...func(*Config)) *served {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), database(t), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := authn.NewKeys([]keyring.Entry{{Version: 3, Value: active}, {Version: 2, Value: earlier}})
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t: t, log: &buffer{}, counted: &counts{}}
	config := Config{
		Store: store, Keys: func() *authn.Keys { return keys },
		Policy:  authn.Policy{MaxLifetime: 168 * time.Hour, Leeway: 30 * time.Second},
		Log:     slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Audit:   slog.New(slog.NewJSONHandler(s.log, nil)),
		Metrics: http.NotFoundHandler(), Observer: s.counted, Now: time.Now,
	}
	for _, change := range changes {
		change(&config)
	}
	s.api = New(config)
	public, ops := httptest.NewServer(s.api.Public()), httptest.NewServer(s.api.Operations())
	s.address, s.ops = public.Listener.Addr().String(), ops.Listener.Addr().String()
	t.Cleanup(func() {
		public.Close()
		ops.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func tokenOf(subject string) string { return tokenWith(jwt.MapClaims{"sub": subject}) }

func tokenWith(claims jwt.MapClaims) string {
	if claims["exp"] == nil {
		claims["exp"] = time.Now().Add(15 * time.Minute).Unix()
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["kid"] = "3"
	signed, err := token.SignedString([]byte(active))
	if err != nil {
		panic(err)
	}
	return signed
}

// headers are name and value by turns; a value "-" takes a header away that the harness would send.
func (s *served) do(method, target, body string, headers ...string) answer {
	s.t.Helper()
	return s.at(s.address, method, target, body, headers...)
}

// at sends the target verbatim, which http.NewRequest would not.
func (s *served) at(address, method, target, body string, headers ...string) answer {
	s.t.Helper()
	path, query, _ := strings.Cut(target, "?")
	request := &http.Request{
		Method: method, URL: &url.URL{Scheme: "http", Host: address, Opaque: path, RawQuery: query},
		Header: http.Header{"Authorization": {"Bearer " + tokenOf("alice")}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Del(headers[i])
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "-" {
			request.Header.Add(headers[i], headers[i+1])
		}
	}
	response, err := http.DefaultTransport.RoundTrip(request) //nolint:bodyclose // read closes it
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	got := s.read(method+" "+target+" "+body, response)
	if address == s.address {
		conform(s.t, method, target, got.status, got.header, got.body)
	}
	return got
}

func (s *served) read(what string, response *http.Response) answer {
	s.t.Helper()
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	if len(what) > 200 {
		what = what[:200] + "…"
	}
	return answer{s.t, what, response.StatusCode, response.Header, string(content)}
}

// raw writes bytes to a connection and reads one answer.
func (s *served) raw(request string) answer {
	s.t.Helper()
	connection, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.WriteString(connection, request); err != nil {
		s.t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method}) //nolint:bodyclose // read closes it
	if err != nil {
		s.t.Fatalf("%q: %v", request, err)
	}
	return s.read(request, response)
}

const tasksOfAlice = "/api/alice/tasks"

// add creates a task of alice and returns its path and the answer.
func (s *served) add(title string) (string, answer) {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"title": title})
	if err != nil {
		s.t.Fatal(err)
	}
	created := s.do("POST", tasksOfAlice, string(body)).want(201)
	return created.header.Get("Location"), created
}
