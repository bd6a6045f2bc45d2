// Package signer stands in for a frontend. It reads keys from its environment when it starts, as Better Auth does, and
// signs a token for every request.
package signer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// Port is the port of a signer, which is the default of the operator's frontends.
const Port = 3000

// Token is the answer of a signer.
type Token struct {
	Token   string    `json:"token"`
	KeyID   string    `json:"keyID"`
	Expires time.Time `json:"expires"`
}

// Signer signs with the first of its keys until it ends.
type Signer struct {
	key      keyring.Entry
	lifetime time.Duration
	issuer   string
	audience string

	mu       sync.Mutex
	released chan struct{} // nil unless held
}

// FromEnvironment returns a signer with the keys of its Secret. It fails if the entries of the Secret disagree.
func FromEnvironment() (*Signer, error) {
	entries, err := keyring.ParseList(os.Getenv(keyring.EntrySecrets))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", keyring.EntrySecrets, err)
	}
	first := entries[0]
	if string(first.Value) != os.Getenv(keyring.EntrySecret) ||
		strconv.FormatInt(first.Version, 10) != os.Getenv(keyring.EntryKeyVersion) {
		return nil, fmt.Errorf("%s does not begin with the key of %s and %s",
			keyring.EntrySecrets, keyring.EntrySecret, keyring.EntryKeyVersion)
	}
	lifetime, err := time.ParseDuration(os.Getenv("JWT_MAX_LIFETIME"))
	if err != nil {
		return nil, fmt.Errorf("reading JWT_MAX_LIFETIME: %w", err)
	}
	return &Signer{key: first, lifetime: lifetime, issuer: os.Getenv("JWT_ISSUER"), audience: os.Getenv("JWT_AUDIENCE")}, nil
}

// Handler serves GET /token?sub=<user>. After POST /hold the signer ignores termination and keeps signing until POST
// /release.
func (s *Signer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		token, err := s.sign(r.FormValue("sub"), time.Now())
		if err == nil {
			err = json.NewEncoder(w).Encode(token)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("POST /hold", func(http.ResponseWriter, *http.Request) { s.hold() })
	mux.HandleFunc("POST /release", func(http.ResponseWriter, *http.Request) { s.release() })
	return mux
}

// sign returns a token that lives as long as the API accepts.
func (s *Signer) sign(subject string, now time.Time) (Token, error) {
	claims := jwt.RegisteredClaims{
		Subject: subject, Issuer: s.issuer,
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(s.lifetime)),
	}
	if s.audience != "" {
		claims.Audience = jwt.ClaimStrings{s.audience}
	}
	id := strconv.FormatInt(s.key.Version, 10)
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["kid"] = id
	signed, err := token.SignedString([]byte(s.key.Value))
	if err != nil {
		return Token{}, fmt.Errorf("signing: %w", err)
	}
	return Token{signed, id, claims.ExpiresAt.Time}, nil
}

func (s *Signer) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = make(chan struct{})
}

func (s *Signer) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released != nil {
		close(s.released)
		s.released = nil
	}
}

// Wait returns when the signer may end.
func (s *Signer) Wait() {
	s.mu.Lock()
	released := s.released
	s.mu.Unlock()
	if released != nil {
		<-released
	}
}
