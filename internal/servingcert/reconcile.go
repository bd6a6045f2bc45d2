package servingcert

import (
	"bytes"
	"context"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

const fieldOwner = client.FieldOwner(desired.ManagedBy)

// reconcileOnce reads the configuration and the Secret, and writes both if they are out of date. It reads the configuration
// first: replicas write the Secret before the configuration, so a bundle from the Secret lacks no authority that this
// configuration trusts.
func (r *Rotator) reconcileOnce(ctx context.Context) error {
	var config admissionv1.ValidatingWebhookConfiguration
	err := r.reader.Get(ctx, client.ObjectKey{Name: r.options.WebhookConfigurationName}, &config)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the webhook configuration: %w", err)
	}
	r.notePaths(&config, time.Now())
	ps, token, err := r.reconcileSecret(ctx, &config)
	if err != nil {
		return err
	}
	r.forgetUntrusted(&config)
	if err := r.inject(ctx, &config, ps.bundle(), token); err != nil {
		return err
	}
	r.serve(ps, &config, time.Now())
	return nil
}

// reconcileSecret returns the key pairs and the token of the Secret, after generating or renewing them if that is due.
func (r *Rotator) reconcileSecret(
	ctx context.Context, config *admissionv1.ValidatingWebhookConfiguration,
) (keyPairs, string, error) {
	var secret corev1.Secret
	key := client.ObjectKey{Namespace: r.options.Namespace, Name: r.options.SecretName}
	err := r.reader.Get(ctx, key, &secret)
	if client.IgnoreNotFound(err) != nil {
		return nil, "", fmt.Errorf("reading the serving certificate: %w", err)
	}
	now := time.Now()
	stored := load(secret.Data, r.names(), now)
	ps := stored
	if len(ps) == 0 {
		ps = load(r.remembered().data(), r.names(), now) // a deleted Secret is restored
	}
	if ps.due(now, r.options.Lifetime) {
		fresh, err := generate(r.names(), now, r.options.Lifetime)
		if err != nil {
			return nil, "", fmt.Errorf("making a serving certificate: %w", err)
		}
		ps = ps.with(fresh)
	}
	token := r.chooseToken(secret.Data[tokenEntry], config)
	if ps.equal(stored) && string(secret.Data[tokenEntry]) == token && bytes.Equal(secret.Data[bundleEntry], ps.bundle()) {
		return ps, token, nil
	}
	return ps, token, r.write(ctx, &secret, ps, token)
}

// write creates the Secret, or updates it if it has not changed since it was read.
func (r *Rotator) write(ctx context.Context, secret *corev1.Secret, ps keyPairs, token string) error {
	exists := secret.ResourceVersion != ""
	secret.Data = ps.data()
	secret.Data[tokenEntry] = []byte(token)
	if secret.Labels == nil {
		secret.Labels = map[string]string{}
	}
	secret.Labels["app.kubernetes.io/managed-by"] = desired.ManagedBy
	var err error
	if exists {
		err = r.client.Update(ctx, secret, fieldOwner)
	} else {
		secret.Namespace, secret.Name = r.options.Namespace, r.options.SecretName
		err = r.client.Create(ctx, secret, fieldOwner)
	}
	if err != nil {
		return fmt.Errorf("writing the serving certificate: %w", err)
	}
	return nil
}

// names returns the DNS names that API servers may use for the Service.
func (r *Rotator) names() []string {
	service := r.options.ServiceName + "." + r.options.Namespace + ".svc"
	return []string{service, service + ".cluster.local"}
}

func (r *Rotator) remembered() keyPairs {
	r.lock.RLock()
	defer r.lock.RUnlock()
	return r.keyPairs
}

// serve chooses the certificate to serve. It must be trusted by the configuration.
func (r *Rotator) serve(ps keyPairs, config *admissionv1.ValidatingWebhookConfiguration, now time.Time) {
	r.lock.Lock()
	defer r.lock.Unlock()
	trusted := map[string]time.Time{}
	for _, p := range ps {
		if !trusts(config, p) {
			continue
		}
		since, ok := r.trusted[string(p.certificate)]
		if !ok {
			since = now
		}
		trusted[string(p.certificate)] = since
	}
	chosen := ps.choose(func(p keyPair) bool {
		since, ok := trusted[string(p.certificate)]
		return ok && now.Sub(since) >= r.options.PropagationDelay
	}, now.Add(r.options.PropagationDelay+r.options.Interval))
	r.keyPairs, r.trusted, r.serving = ps, trusted, chosen.serving
}

// forgetUntrusted restarts the propagation delay of key pairs whose authority is missing from the configuration.
func (r *Rotator) forgetUntrusted(config *admissionv1.ValidatingWebhookConfiguration) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, p := range r.keyPairs {
		if !trusts(config, p) {
			delete(r.trusted, string(p.certificate))
		}
	}
}

// trusts reports whether every webhook of the configuration trusts the authority of the key pair. It is false without webhooks.
func trusts(config *admissionv1.ValidatingWebhookConfiguration, p keyPair) bool {
	for _, webhook := range config.Webhooks {
		if !p.in(webhook.ClientConfig.CABundle) {
			return false
		}
	}
	return len(config.Webhooks) > 0
}
