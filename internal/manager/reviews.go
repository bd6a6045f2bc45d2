package manager

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

const (
	// reviewLife is how long an answer of the API server holds. A right that is withdrawn ends after it at the latest.
	reviewLife = time.Minute
	// reviewTimeout bounds the two requests of one review.
	reviewTimeout = 10 * time.Second
	// reviewsKept bounds the memory that clients with forged tokens can use.
	reviewsKept = 1000
	// longestToken is many times the length of a service account token. A longer text is not sent to the API server.
	longestToken = 16 << 10
)

// reviews asks the API server which clients may read a path, as the filter of controller-runtime does. That filter links gRPC, CEL
// and OpenTelemetry's exporter into the task API of every app (docs/decisions/2026-11-26-reviews-of-metrics.md).
type reviews struct {
	tokens authenticationclient.TokenReviewInterface
	rights authorizationclient.SubjectAccessReviewInterface
	known  *cache.LRUExpireCache
}

// reviewed identifies the requests for which one answer holds. It has a hash of the token, so that the cache holds no token.
type reviewed struct {
	token        [sha256.Size]byte
	method, path string
}

func newReviews(
	tokens authenticationclient.TokenReviewInterface, rights authorizationclient.SubjectAccessReviewInterface,
) *reviews {
	return &reviews{tokens, rights, cache.NewLRUExpireCache(reviewsKept)}
}

// filter implements server.Filter: it passes on the requests of clients that the API server admits.
func (r *reviews) filter(log logr.Logger, next http.Handler) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		status, err := r.review(q)
		if err != nil {
			log.Error(err, "Reviewing a client of the metrics failed")
		}
		if status != http.StatusOK {
			http.Error(w, http.StatusText(status), status)
			return
		}
		next.ServeHTTP(w, q)
	}), nil
}

// review returns the status of the response to a request. It is 200 if the client may send the request.
func (r *reviews) review(q *http.Request) (int, error) {
	kind, token, _ := strings.Cut(q.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(kind, "Bearer") || token == "" || len(token) > longestToken {
		return http.StatusUnauthorized, nil
	}
	key := reviewed{sha256.Sum256([]byte(token)), q.Method, q.URL.Path}
	if status, found := r.known.Get(key); found {
		return status.(int), nil
	}
	ctx, cancel := context.WithTimeout(q.Context(), reviewTimeout)
	defer cancel()
	status, err := r.ask(ctx, token, strings.ToLower(q.Method), q.URL.Path)
	if err != nil {
		return http.StatusInternalServerError, err
	}
	r.known.Add(key, status, reviewLife)
	return status, nil
}

// ask sends both reviews and returns the status of the response.
func (r *reviews) ask(ctx context.Context, token, verb, path string) (int, error) {
	review, err := r.tokens.Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token},
	}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("reviewing a token: %w", err)
	}
	if !review.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	user := review.Status.User
	extra := map[string]authorizationv1.ExtraValue{}
	for name, values := range user.Extra {
		extra[name] = authorizationv1.ExtraValue(values)
	}
	access, err := r.rights.Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: verb, Path: path},
	}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("reviewing the rights of %s: %w", user.Username, err)
	}
	if !access.Status.Allowed {
		return http.StatusForbidden, nil
	}
	return http.StatusOK, nil
}
