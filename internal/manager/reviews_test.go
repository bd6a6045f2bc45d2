package manager

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

// reviewServer answers reviews: of the tokens that name a user, only that of prometheus may get /metrics.
type reviewServer struct {
	authenticationclient.TokenReviewInterface
	asked  int
	broken bool
}

func (s *reviewServer) Create(_ context.Context, r *authenticationv1.TokenReview, _ metav1.CreateOptions,
) (*authenticationv1.TokenReview, error) {
	if s.asked++; s.broken {
		return nil, errors.New("the API server is away")
	}
	name, genuine := strings.CutPrefix(r.Spec.Token, "token-of-")
	r.Status = authenticationv1.TokenReviewStatus{Authenticated: genuine, User: authenticationv1.UserInfo{
		Username: name, UID: "1", Groups: []string{"scrapers"}, Extra: map[string]authenticationv1.ExtraValue{"pod": {"a"}},
	}}
	return r, nil
}

// rightsServer answers reviews of rights.
type rightsServer struct {
	authorizationclient.SubjectAccessReviewInterface
}

func (rightsServer) Create(_ context.Context, r *authorizationv1.SubjectAccessReview, _ metav1.CreateOptions,
) (*authorizationv1.SubjectAccessReview, error) {
	r.Status.Allowed = reflect.DeepEqual(r.Spec, authorizationv1.SubjectAccessReviewSpec{
		User: "prometheus", UID: "1", Groups: []string{"scrapers"}, Extra: map[string]authorizationv1.ExtraValue{"pod": {"a"}},
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: "get", Path: "/metrics"},
	})
	return r, nil
}

// TestReviews checks which requests pass, and that the API server is asked once for each.
func TestReviews(t *testing.T) {
	tokens := &reviewServer{}
	filter := newReviews(tokens, rightsServer{}).filter
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	handler, err := filter(logr.Discard(), metrics)
	must(t, err)
	send := func(method, path, authorization string) int {
		q := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		if authorization != "" {
			q.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, q)
		return w.Code
	}
	for name, c := range map[string]struct {
		method, path, authorization string
		want, asked                 int
	}{
		"no token":                     {"GET", "/metrics", "", http.StatusUnauthorized, 0},
		"a password":                   {"GET", "/metrics", "Basic token-of-prometheus", http.StatusUnauthorized, 0},
		"an empty token":               {"GET", "/metrics", "Bearer  ", http.StatusUnauthorized, 0},
		"a text that is no token":      {"GET", "/metrics", "Bearer token-of-" + strings.Repeat("a", 1<<20), http.StatusUnauthorized, 0},
		"a forged token":               {"GET", "/metrics", "Bearer forged", http.StatusUnauthorized, 1},
		"a client without the right":   {"GET", "/metrics", "Bearer token-of-other", http.StatusForbidden, 1},
		"a client with the right":      {"GET", "/metrics", "bearer token-of-prometheus", http.StatusOK, 1},
		"the same client, other verb":  {"POST", "/metrics", "Bearer token-of-prometheus", http.StatusForbidden, 1},
		"the same client, other path":  {"GET", "/debug", "Bearer token-of-prometheus", http.StatusForbidden, 1},
		"a name in place of the token": {"GET", "/metrics", "Bearer prometheus", http.StatusUnauthorized, 1},
	} {
		tokens.asked = 0
		for range 2 {
			if got := send(c.method, c.path, c.authorization); got != c.want {
				t.Errorf("%s: answered %d, expected %d", name, got, c.want)
			}
		}
		if tokens.asked != c.asked {
			t.Errorf("%s: the API server was asked %d times, expected %d", name, tokens.asked, c.asked)
		}
	}
	tokens.broken = true
	if got := send("GET", "/metrics", "Bearer token-of-late"); got != http.StatusInternalServerError {
		t.Errorf("without the API server a client is answered %d", got)
	}
	tokens.broken = false
	if got := send("GET", "/metrics", "Bearer token-of-late"); got != http.StatusForbidden {
		t.Errorf("a failed review is remembered: answered %d", got)
	}
}
