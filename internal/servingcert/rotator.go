// Package servingcert generates and renews the webhook's serving certificate, so that admission always has a valid one.
//
// A renewal has the order of a key rotation: the authority of the new certificate is published beside the old one; after
// the propagation delay the certificate is served; and the old authority is removed when it expires.
package servingcert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Options name the objects and set the durations.
type Options struct {
	// Namespace is the operator's namespace, and ServiceName the webhook's Service in it.
	Namespace, ServiceName string
	// SecretName is the Secret that all replicas share. It is created if it does not exist.
	SecretName string
	// WebhookConfigurationName is the ValidatingWebhookConfiguration that receives the authorities. It may be created after
	// the manager has started.
	WebhookConfigurationName string
	// Paths are the webhooks' paths without the token, by the name of the webhook. The configuration receives them with it.
	Paths map[string]string
	// RolledOut reports whether all replicas are of this release. It is asked while the configuration names a path without
	// a token, which releases before this one serve alone. If it is nil, all are.
	RolledOut func(context.Context) (bool, error)
	// Lifetime of a certificate. It is renewed when a third of that is left. Default 90 days.
	Lifetime time.Duration
	// PropagationDelay is how long the configuration must have trusted a new authority before its certificate is served: API
	// servers need that time to notice. Default 1 minute, or a twelfth of the lifetime if that is less.
	PropagationDelay time.Duration
	// PathDelay is how long a path is served after the configuration named it, and how long a rollout has been over before
	// the paths get their token: the time in which API servers learn of the change and a replica that ends has answered.
	// Default 15 seconds, or PropagationDelay if that is less.
	PathDelay time.Duration
	// Interval between two reconciles of the Secret and the configuration. Default 10 seconds, or a sixtieth of the lifetime
	// if that is less.
	Interval time.Duration
}

// Rotator provides the serving certificate of one replica. All replicas reconcile the same Secret and configuration. Each
// write carries the resource version that it is based on, so no replica reverts another's write.
type Rotator struct {
	client  client.Client
	reader  client.Reader
	options Options

	lock     sync.RWMutex
	keyPairs keyPairs
	serving  *tls.Certificate
	trusted  map[string]time.Time // by certificate: when its authority was added to the configuration
	ready    error

	token     string               // the first segment of the webhooks' paths
	named     map[string]time.Time // by path: when the configuration last named it
	rolledOut time.Time            // when all replicas were first of this release

	checking sync.Mutex // held while the configuration is read for a path that is not known
	checks   *rate.Limiter
}

// New returns a rotator; the reader must not be a cache. Add the rotator to the manager, TLS to the webhook server's options
// and Ready to the manager's readiness checks.
func New(c client.Client, reader client.Reader, o Options) (*Rotator, error) {
	if o.Namespace == "" || o.ServiceName == "" || o.SecretName == "" || o.WebhookConfigurationName == "" {
		return nil, errors.New("the webhook's namespace, Service, Secret and configuration must be named")
	}
	if o.Lifetime < 0 {
		return nil, fmt.Errorf("certificate lifetime must be positive: %s", o.Lifetime)
	}
	if o.Lifetime == 0 {
		o.Lifetime = 90 * 24 * time.Hour
	}
	if o.PropagationDelay == 0 {
		o.PropagationDelay = min(time.Minute, o.Lifetime/12)
	}
	if o.PathDelay == 0 {
		o.PathDelay = min(15*time.Second, o.PropagationDelay)
	}
	if o.Interval == 0 {
		o.Interval = min(10*time.Second, o.Lifetime/60)
	}
	return &Rotator{
		client: c, reader: reader, options: o,
		named: map[string]time.Time{}, checks: rate.NewLimiter(2, 5),
		trusted: map[string]time.Time{}, ready: errors.New("no serving certificate yet"),
	}, nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: every replica serves.
func (*Rotator) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable: it reconciles the certificate until the context ends.
func (r *Rotator) Start(ctx context.Context) error {
	logger := log.FromContext(ctx).WithName("webhook-certificate")
	for {
		wait := r.options.Interval
		if err := r.reconcile(ctx); err != nil && ctx.Err() == nil {
			logger.Error(err, "Reconciling the webhook's serving certificate failed; trying again")
			wait = min(wait, time.Second)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// attempts bounds how often a write is repeated that conflicts with another replica's.
const attempts = 5

// reconcile updates the Secret, the configuration and the served certificate once.
func (r *Rotator) reconcile(ctx context.Context) error {
	var err error
	for range attempts {
		err = r.reconcileOnce(ctx)
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			break
		}
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	if err == nil || r.serving == nil {
		r.ready = err
	}
	return err
}

// TLS makes a server present the certificate of the rotator. It is an element of webhook.Options.TLSOpts.
func (r *Rotator) TLS(config *tls.Config) {
	config.MinVersion = tls.VersionTLS12
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		r.lock.RLock()
		defer r.lock.RUnlock()
		if r.serving == nil {
			return nil, errors.New("no serving certificate yet")
		}
		return r.serving, nil
	}
}

// Expiry returns when the served certificate expires. It is zero if there is no certificate yet.
func (r *Rotator) Expiry() time.Time {
	r.lock.RLock()
	defer r.lock.RUnlock()
	if r.serving == nil {
		return time.Time{}
	}
	return r.serving.Leaf.NotAfter
}

// Ready implements healthz.Checker: it passes once the configuration trusts a certificate.
func (r *Rotator) Ready(*http.Request) error {
	r.lock.RLock()
	defer r.lock.RUnlock()
	if r.ready != nil {
		return fmt.Errorf("preparing the webhook's serving certificate: %w", r.ready)
	}
	return nil
}
