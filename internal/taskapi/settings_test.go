package taskapi

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestSettingsTakeEffect, whether they are given by flags or by the environment.
func TestSettingsTakeEffect(t *testing.T) {
	given := map[string]string{
		"issuer": "the-issuer", "audience": "the-audience", "rate-limit": "0.001", "max-lifetime": "1h", "leeway": "0s",
		"cors-allowed-origins": "https://a.example,https://b.example", "audit": "all",
		"trusted-proxies": "127.0.0.0/8",
	}
	var flags []string
	env := map[string]string{"BETTER_AUTH_SECRET": secret}
	for name, value := range given {
		flags = append(flags, "--"+name+"="+value)
		env[variable(name)] = value
	}
	for name, r := range map[string]func() *running{
		"flags":       func() *running { return start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, flags...) },
		"environment": func() *running { return start(t, env) },
	} {
		t.Run(name, func(t *testing.T) { tookEffect(t, r()) })
	}
}

func tookEffect(t *testing.T, r *running) {
	good := jwt.MapClaims{"iss": "the-issuer", "aud": "the-audience"}
	for name, c := range map[string]struct {
		claims jwt.MapClaims
		reason string
	}{
		"no issuer":      {jwt.MapClaims{"aud": "the-audience"}, "issuer"},
		"no audience":    {jwt.MapClaims{"iss": "the-issuer"}, "audience"},
		"swapped":        {jwt.MapClaims{"iss": "the-audience", "aud": "the-issuer"}, "issuer"},
		"too far ahead":  {with(good, "exp", time.Now().Add(2*time.Hour).Unix()), "lifetime"},
		"a second after": {with(good, "exp", time.Now().Add(-time.Second).Unix()), "expired"},
	} {
		if status, _ := r.get(t, c.claims, ""); status != 401 {
			t.Errorf("%s: %d", name, status)
		}
		entry := r.log.await(t, "authentication")
		if entry["reason"] != c.reason || entry["client"] != "192.0.2.1" {
			t.Errorf("%s: audited as %v", name, entry)
		}
	}
	for i, want := range []int{200, 429} {
		status, header := r.get(t, good, "https://b.example")
		if status != want {
			t.Errorf("request %d: %d, want %d", i, status, want)
		}
		if header.Get("Access-Control-Allow-Origin") != "https://b.example" {
			t.Errorf("request %d: %v", i, header)
		}
		if r.log.await(t, "authentication")["decision"] != "accepted" {
			t.Error("accepted tokens are not audited")
		}
	}
	if _, header := r.get(t, good, "https://c.example"); header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin is allowed: %v", header)
	}
}

// TestTheAuditHasItsOwnLevel: refusals are recorded however little is logged.
func TestTheAuditHasItsOwnLevel(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	ctx, stop := context.WithCancel(t.Context())
	log, done := newLines(), make(chan error)
	go func() {
		env := map[string]string{"BETTER_AUTH_SECRET": secret, "TASKAPI_LOG_LEVEL": "error", "TASKAPI_LISTEN": address,
			"TASKAPI_OPS_LISTEN": "127.0.0.1:0", "TASKAPI_DATABASE_URL": "sqlite://" + t.TempDir() + "/tasks.db"}
		done <- Run(ctx, "v1.2.3", nil, func(k string) string { return env[k] }, io.Discard, log.pipe)
	}()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		response, err := http.Get("http://" + address + "/api/alice/tasks")
		if err == nil {
			_ = response.Body.Close()
			break
		}
	}
	if entry := log.await(t, "authentication"); entry["reason"] != "missing" || entry["route"] != "/api/{user_id}/tasks" {
		t.Errorf("audited as %v", entry)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func with(claims jwt.MapClaims, name string, value any) jwt.MapClaims {
	all := jwt.MapClaims{name: value}
	for k, v := range claims {
		all[k] = v
	}
	return all
}

// get reads alice's tasks with a token of these claims, for a client behind a proxy.
func (r *running) get(t *testing.T, claims jwt.MapClaims, origin string) (int, http.Header) {
	t.Helper()
	claims = with(claims, "sub", "alice")
	if claims["exp"] == nil {
		claims["exp"] = time.Now().Add(15 * time.Minute).Unix()
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, r.api+"/api/alice/tasks", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"Bearer " + signed}, "X-Forwarded-For": {"192.0.2.1"}}
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode, response.Header
}
