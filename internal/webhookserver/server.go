// Package webhookserver serves admission reviews to the API server alone, within bounds of memory and time.
//
// Every pod of a cluster reaches a webhook. So this server answers only paths that cannot be guessed, decodes nothing
// before it has compared the path, and holds a bounded number of connections that have not named such a path.
package webhookserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
)

const (
	// readTimeout bounds how long a client may take to send a request with its body.
	readTimeout = 10 * time.Second
	// headerTimeout bounds the TLS handshake, and the header of a request.
	headerTimeout = 5 * time.Second
	// writeTimeout bounds a whole request. The API server waits for less, by the configuration's timeoutSeconds.
	writeTimeout = 30 * time.Second
	idleTimeout  = 90 * time.Second
	stopTimeout  = time.Minute
	// headerBytes is many times the size of the header that an API server sends.
	headerBytes = 16 << 10
	// streams is how many requests one HTTP/2 connection may carry at once.
	streams = 100
)

// Options configure a Server.
type Options struct {
	// Host and Port are the address to listen on. An empty Host means all addresses.
	Host string
	Port int
	// TLS sets the certificate. If it is nil, the server reads tls.crt and tls.key of CertificateDir and follows their changes.
	TLS            func(*tls.Config)
	CertificateDir string
	// Serves reports whether the API server may ask at a path. A request at any other path gets 404. The last segment of
	// the path selects the webhook.
	Serves func(ctx context.Context, path string) bool
	// Ending is closed when the process is about to end. From then on each answer closes its connection: API servers reuse
	// connections, and an admission fails if its connection is closed while the request is on its way.
	Ending <-chan struct{}
}

// Server implements webhook.Server of controller-runtime.
type Server struct {
	ctrlwebhook.Server // keeps the registered webhooks and their metrics
	options            Options
	started            atomic.Bool
}

// New returns a server that listens once it is started.
func New(o Options) *Server {
	mux := ctrlwebhook.Options{WebhookMux: http.NewServeMux()}
	return &Server{Server: ctrlwebhook.NewServer(mux), options: o}
}

// Start implements manager.Runnable: it serves until the context ends, and lets the requests that have begun finish.
func (s *Server) Start(ctx context.Context) error {
	config, err := s.tlsConfig(ctx)
	if err != nil {
		return err
	}
	address := net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port))
	plain, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening for admission reviews: %w", err)
	}
	server := s.httpServer(ctx)
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		timeout, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		stopped <- server.Shutdown(timeout)
	})
	s.started.Store(true)
	err = server.Serve(tls.NewListener(newListener(plain, strangers), config))
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving admission reviews: %w", err)
	}
	if err := <-stopped; err != nil {
		return fmt.Errorf("ending the admission server: %w", err)
	}
	return nil
}

func (s *Server) tlsConfig(ctx context.Context) (*tls.Config, error) {
	config := &tls.Config{NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
	if s.options.TLS != nil {
		s.options.TLS(config)
		return config, nil
	}
	watcher, err := certwatcher.New(
		filepath.Join(s.options.CertificateDir, "tls.crt"), filepath.Join(s.options.CertificateDir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("reading the serving certificate: %w", err)
	}
	config.GetCertificate = watcher.GetCertificate
	go func() {
		if err := watcher.Start(ctx); err != nil {
			log.FromContext(ctx).Error(err, "Following the serving certificate failed")
		}
	}()
	return config, nil
}

func (s *Server) httpServer(ctx context.Context) *http.Server {
	// Any client can fail a handshake as often as it likes, so these errors are logged at the level debug.
	debug := logr.ToSlogHandler(log.FromContext(ctx).WithName("webhook-server").V(1))
	return &http.Server{
		Handler:           s.handler(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withConnection,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerBytes,
		HTTP2:          &http.HTTP2Config{MaxConcurrentStreams: streams},
		ErrorLog:       slog.NewLogLogger(debug, slog.LevelInfo),
	}
}

// StartedChecker implements webhook.Server: it reports whether the server answers a TLS handshake.
func (s *Server) StartedChecker() healthz.Checker {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it asks itself, and sends nothing
	return func(q *http.Request) error {
		if !s.started.Load() {
			return errors.New("the webhook server has not started")
		}
		ctx := context.Background()
		if q != nil {
			ctx = q.Context()
		}
		ctx, cancel := context.WithTimeout(ctx, headerTimeout)
		defer cancel()
		connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port)))
		if err != nil {
			return fmt.Errorf("connecting to the webhook server: %w", err)
		}
		if err := connection.Close(); err != nil {
			return fmt.Errorf("closing the connection to the webhook server: %w", err)
		}
		return nil
	}
}
