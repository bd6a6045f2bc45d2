// Package servingcert makes and renews the webhook's serving certificate, so that admission never fails for want of one.
//
// A renewal has the order of a key rotation: the new certificate's authority is published beside the old one, then,
// when API servers have had time to learn of it, the certificate is served, and the old authority goes when it expires.
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

// Options say where things are and how long they last.
type Options struct {
	// Namespace is the operator's; ServiceName the webhook's Service in it.
	Namespace, ServiceName string
	// SecretName is the Secret that all replicas share; it is made when it does not exist.
	SecretName string
	// WebhookConfigurationName is the ValidatingWebhookConfiguration that is given the authorities to trust.
	// It may come later than the manager.
	WebhookConfigurationName string
	// Paths are the webhooks' paths without the token, by the name of the webhook. The configuration is given them with it.
	Paths map[string]string
	// RolledOut reports whether all replicas are of this release. It is asked while the configuration names a path without
	// a token, which releases before this one serve alone. If it is nil, all are.
	RolledOut func(context.Context) (bool, error)
	// Lifetime of a certificate; it is renewed when a third of that is left. Default 90 days.
	Lifetime time.Duration
	// Settle is how long the configuration has trusted a new authority before its certificate is served: the time that
	// API servers may take to notice. Default 1 minute, or a twelfth of the lifetime where that is less.
	Settle time.Duration
	// PathSettle is how long a path is served after the configuration named it, and how long a rollout has been over before
	// the paths get their token: the time in which API servers learn of the change and a replica that ends has answered.
	// Default 15 seconds, or Settle if that is less.
	PathSettle time.Duration
	// Interval between two looks at the Secret and the configuration. Default 10 seconds, or a sixtieth of the lifetime
	// where that is less.
	Interval time.Duration
}

// Keeper keeps one replica's serving certificate. All replicas keep the same Secret and configuration; each write names
// the state that it was decided on, so none undoes another's.
type Keeper struct {
	client  client.Client
	reader  client.Reader
	options Options

	lock     sync.RWMutex
	pairs    pairs
	serving  *tls.Certificate
	believed map[string]time.Time // by certificate: since when its authority is in the configuration
	ready    error

	token     string               // the first segment of the webhooks' paths
	named     map[string]time.Time // by path: when the configuration was last seen to name it
	rolledOut time.Time            // since when all replicas are of this release

	checking sync.Mutex // held while the configuration is read for a path that is not known
	checks   *rate.Limiter
}

// New returns a keeper; the reader must not be a cache. Add it to the manager, hand TLS to the webhook server's options
// and Ready to the manager's readiness checks.
func New(c client.Client, reader client.Reader, o Options) (*Keeper, error) {
	if o.Namespace == "" || o.ServiceName == "" || o.SecretName == "" || o.WebhookConfigurationName == "" {
		return nil, errors.New("the webhook's namespace, Service, Secret and configuration must be named")
	}
	if o.Lifetime < 0 {
		return nil, fmt.Errorf("a certificate that lives for %s would be of no use", o.Lifetime)
	}
	if o.Lifetime == 0 {
		o.Lifetime = 90 * 24 * time.Hour
	}
	if o.Settle == 0 {
		o.Settle = min(time.Minute, o.Lifetime/12)
	}
	if o.PathSettle == 0 {
		o.PathSettle = min(15*time.Second, o.Settle)
	}
	if o.Interval == 0 {
		o.Interval = min(10*time.Second, o.Lifetime/60)
	}
	return &Keeper{
		client: c, reader: reader, options: o,
		named: map[string]time.Time{}, checks: rate.NewLimiter(2, 5),
		believed: map[string]time.Time{}, ready: errors.New("no serving certificate yet"),
	}, nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: every replica serves.
func (*Keeper) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable: it keeps the certificate until the context ends.
func (k *Keeper) Start(ctx context.Context) error {
	logger := log.FromContext(ctx).WithName("webhook-certificate")
	for {
		wait := k.options.Interval
		if err := k.keep(ctx); err != nil && ctx.Err() == nil {
			logger.Error(err, "Keeping the webhook's serving certificate failed; trying again")
			wait = min(wait, time.Second)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// attempts at a write that other replicas get in the way of.
const attempts = 5

// keep brings the Secret, the configuration and what is served up to date once.
func (k *Keeper) keep(ctx context.Context) error {
	var err error
	for range attempts {
		err = k.keepOnce(ctx)
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			break
		}
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	if err == nil || k.serving == nil {
		k.ready = err
	}
	return err
}

// TLS makes a server use the kept certificate; it is for webhook.Options.TLSOpts.
func (k *Keeper) TLS(config *tls.Config) {
	config.MinVersion = tls.VersionTLS12
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		k.lock.RLock()
		defer k.lock.RUnlock()
		if k.serving == nil {
			return nil, errors.New("no serving certificate yet")
		}
		return k.serving, nil
	}
}

// Expiry is when the certificate that is served expires; zero while there is none.
func (k *Keeper) Expiry() time.Time {
	k.lock.RLock()
	defer k.lock.RUnlock()
	if k.serving == nil {
		return time.Time{}
	}
	return k.serving.Leaf.NotAfter
}

// Ready is a readiness check: it passes once there is a certificate that API servers were told to trust.
func (k *Keeper) Ready(*http.Request) error {
	k.lock.RLock()
	defer k.lock.RUnlock()
	if k.ready != nil {
		return fmt.Errorf("preparing the webhook's serving certificate: %w", k.ready)
	}
	return nil
}
