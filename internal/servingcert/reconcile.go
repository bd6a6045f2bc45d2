package servingcert

import (
	"context"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

const fieldOwner = client.FieldOwner(desired.ManagedBy)

// keepOnce decides on one live reading. The configuration is read before the Secret: whoever changed the configuration
// since had written the Secret first, so a bundle made of what is read here and accepted for the configuration that was
// read misses no authority.
func (k *Keeper) keepOnce(ctx context.Context) error {
	var config admissionv1.ValidatingWebhookConfiguration
	err := k.reader.Get(ctx, client.ObjectKey{Name: k.options.WebhookConfigurationName}, &config)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the webhook configuration: %w", err)
	}
	k.notePaths(&config, time.Now())
	ps, token, err := k.keepSecret(ctx, &config)
	if err != nil {
		return err
	}
	k.forgetUntrusted(&config)
	if err := k.inject(ctx, &config, ps.bundle(), token); err != nil {
		return err
	}
	k.serve(ps, &config, time.Now())
	return nil
}

// keepSecret returns the pairs and the token of the Secret, after making or renewing them if that is due.
func (k *Keeper) keepSecret(ctx context.Context, config *admissionv1.ValidatingWebhookConfiguration) (pairs, string, error) {
	var secret corev1.Secret
	key := client.ObjectKey{Namespace: k.options.Namespace, Name: k.options.SecretName}
	err := k.reader.Get(ctx, key, &secret)
	if client.IgnoreNotFound(err) != nil {
		return nil, "", fmt.Errorf("reading the serving certificate: %w", err)
	}
	now := time.Now()
	stored := load(secret.Data, k.names(), now)
	ps := stored
	if len(ps) == 0 {
		ps = load(k.remembered().data(), k.names(), now) // a deleted Secret is written again as it was
	}
	if ps.due(now, k.options.Lifetime) {
		fresh, err := mint(k.names(), now, k.options.Lifetime)
		if err != nil {
			return nil, "", fmt.Errorf("making a serving certificate: %w", err)
		}
		ps = ps.with(fresh)
	}
	token := k.chooseToken(secret.Data[tokenEntry], config)
	if ps.equal(stored) && string(secret.Data[tokenEntry]) == token {
		return ps, token, nil
	}
	return ps, token, k.write(ctx, &secret, ps, token)
}

// write creates the Secret, or updates the very one that was read.
func (k *Keeper) write(ctx context.Context, secret *corev1.Secret, ps pairs, token string) error {
	exists := secret.ResourceVersion != ""
	secret.Data = ps.data()
	secret.Data[tokenEntry] = []byte(token)
	if secret.Labels == nil {
		secret.Labels = map[string]string{}
	}
	secret.Labels["app.kubernetes.io/managed-by"] = desired.ManagedBy
	var err error
	if exists {
		err = k.client.Update(ctx, secret, fieldOwner)
	} else {
		secret.Namespace, secret.Name = k.options.Namespace, k.options.SecretName
		err = k.client.Create(ctx, secret, fieldOwner)
	}
	if err != nil {
		return fmt.Errorf("writing the serving certificate: %w", err)
	}
	return nil
}

// names that API servers may use for the Service.
func (k *Keeper) names() []string {
	service := k.options.ServiceName + "." + k.options.Namespace + ".svc"
	return []string{service, service + ".cluster.local"}
}

func (k *Keeper) remembered() pairs {
	k.lock.RLock()
	defer k.lock.RUnlock()
	return k.pairs
}

// serve picks the certificate to serve, from what the configuration trusts.
func (k *Keeper) serve(ps pairs, config *admissionv1.ValidatingWebhookConfiguration, now time.Time) {
	k.lock.Lock()
	defer k.lock.Unlock()
	believed := map[string]time.Time{}
	for _, p := range ps {
		if !trusts(config, p) {
			continue
		}
		since, ok := k.believed[string(p.certificate)]
		if !ok {
			since = now
		}
		believed[string(p.certificate)] = since
	}
	chosen := ps.choose(func(p pair) bool {
		since, ok := believed[string(p.certificate)]
		return ok && now.Sub(since) >= k.options.Settle
	}, now.Add(k.options.Settle+k.options.Interval))
	k.pairs, k.believed, k.serving = ps, believed, chosen.serving
}

// forgetUntrusted starts the time again of pairs that were found missing from the configuration.
func (k *Keeper) forgetUntrusted(config *admissionv1.ValidatingWebhookConfiguration) {
	k.lock.Lock()
	defer k.lock.Unlock()
	for _, p := range k.pairs {
		if !trusts(config, p) {
			delete(k.believed, string(p.certificate))
		}
	}
}

// trusts reports whether every webhook of the configuration trusts the pair's authority; none does without a webhook.
func trusts(config *admissionv1.ValidatingWebhookConfiguration, p pair) bool {
	for _, webhook := range config.Webhooks {
		if !p.in(webhook.ClientConfig.CABundle) {
			return false
		}
	}
	return len(config.Webhooks) > 0
}
