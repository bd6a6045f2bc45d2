package servingcert

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	admissionapply "k8s.io/client-go/applyconfigurations/admissionregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// tokenEntry is the entry of the Secret that holds the first segment of the webhooks' paths. It cannot be guessed, so only
// who may read the Secret or the webhook configuration can ask the webhook.
const tokenEntry = "path-token"

var tokenForm = regexp.MustCompile(`^[0-9a-f]{32,64}$`)

// newToken returns a segment of a path with 160 random bits. A path's segments are DNS names, hence hexadecimal.
func newToken() string {
	var random [20]byte
	_, _ = rand.Read(random[:]) // it never fails
	return hex.EncodeToString(random[:])
}

// tokenOf returns the token that the webhooks' paths have in a configuration, or "" if they have none.
func tokenOf(config *admissionv1.ValidatingWebhookConfiguration) string {
	for i := range config.Webhooks {
		token, _, _ := strings.Cut(strings.TrimPrefix(configuredPath(&config.Webhooks[i]), "/"), "/")
		if tokenForm.MatchString(token) {
			return token
		}
	}
	return ""
}

func configuredPath(webhook *admissionv1.ValidatingWebhook) string {
	if service := webhook.ClientConfig.Service; service != nil && service.Path != nil {
		return *service.Path
	}
	return ""
}

// chooseToken returns the token to use: the stored one, else the one in use, so that a lost Secret changes no path.
func (k *Keeper) chooseToken(stored []byte, config *admissionv1.ValidatingWebhookConfiguration) string {
	k.lock.Lock()
	defer k.lock.Unlock()
	if tokenForm.Match(stored) {
		k.token = string(stored)
	}
	if k.token == "" {
		k.token = tokenOf(config)
	}
	if k.token == "" {
		k.token = newToken()
	}
	return k.token
}

// Serves reports whether the API server may ask at a path: at the secret one, and at one that the configuration names now,
// or has named until recently. A configuration names other paths during an upgrade, and after it was installed anew.
func (k *Keeper) Serves(ctx context.Context, asked string) bool {
	if !k.registered(asked) {
		return false
	}
	if k.served(asked) {
		return true
	}
	k.checking.Lock()
	defer k.checking.Unlock()
	if k.served(asked) || !k.checks.Allow() {
		return k.served(asked)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var config admissionv1.ValidatingWebhookConfiguration
	if k.reader.Get(ctx, client.ObjectKey{Name: k.options.WebhookConfigurationName}, &config) != nil {
		return false // the path is as unknown as before; the API server asks again
	}
	k.notePaths(&config, time.Now())
	return k.served(asked)
}

// registered reports whether a path ends in a webhook's.
func (k *Keeper) registered(asked string) bool {
	for _, p := range k.options.Paths {
		if path.Base(asked) == path.Base(p) {
			return true
		}
	}
	return false
}

// served reports whether a path is the secret one, or was named by the configuration until PathSettle ago.
func (k *Keeper) served(asked string) bool {
	k.lock.RLock()
	defer k.lock.RUnlock()
	secret := []byte("/" + k.token + "/" + path.Base(asked))
	if k.token != "" && subtle.ConstantTimeCompare(secret, []byte(asked)) == 1 {
		return true
	}
	at, named := k.named[asked]
	return named && time.Since(at) < k.options.PathSettle
}

// notePaths remembers the paths that the configuration names. Without a caBundle the API server calls none of them.
func (k *Keeper) notePaths(config *admissionv1.ValidatingWebhookConfiguration, now time.Time) {
	k.lock.Lock()
	defer k.lock.Unlock()
	for i := range config.Webhooks {
		if p := configuredPath(&config.Webhooks[i]); p != "" && len(config.Webhooks[i].ClientConfig.CABundle) > 0 {
			k.named[p] = now
		}
	}
}

// inject makes every webhook of the configuration trust the bundle and use its secret path, and config say so. It sends
// nothing if the configuration says so already.
func (k *Keeper) inject(
	ctx context.Context, config *admissionv1.ValidatingWebhookConfiguration, bundle []byte, token string,
) error {
	mayMove, err := k.mayMovePaths(ctx, config)
	if err != nil {
		return err
	}
	patch := admissionapply.ValidatingWebhookConfiguration(config.Name).WithResourceVersion(config.ResourceVersion)
	current := true
	for i := range config.Webhooks {
		webhook := &config.Webhooks[i]
		to := configuredPath(webhook)
		if base, ok := k.options.Paths[webhook.Name]; ok && mayMove {
			to = "/" + token + base
		}
		current = current && bytes.Equal(webhook.ClientConfig.CABundle, bundle) && to == configuredPath(webhook)
		clientConfig := admissionapply.WebhookClientConfig().WithCABundle(bundle...)
		webhook.ClientConfig.CABundle = bundle
		if service := webhook.ClientConfig.Service; service != nil && to != "" {
			service.Path = &to
			clientConfig.WithService(admissionapply.ServiceReference().WithPath(to))
		}
		patch.WithWebhooks(admissionapply.ValidatingWebhook().WithName(webhook.Name).WithClientConfig(clientConfig))
	}
	if current {
		return nil
	}
	if err := k.client.Apply(ctx, patch, fieldOwner, client.ForceOwnership); err != nil {
		return fmt.Errorf("writing the webhook configuration's caBundle and paths: %w", err)
	}
	return nil
}

// mayMovePaths reports whether every replica serves the secret path. Replicas of a release that had none serve the paths
// without a token alone, so while a configuration names these, the paths stay until the rollout has been over for a while.
func (k *Keeper) mayMovePaths(ctx context.Context, config *admissionv1.ValidatingWebhookConfiguration) (bool, error) {
	if !k.namesOldPath(config) || k.options.RolledOut == nil {
		return true, nil
	}
	over, err := k.options.RolledOut(ctx)
	if err != nil {
		return false, fmt.Errorf("asking whether all replicas are of this release: %w", err)
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	if !over {
		k.rolledOut = time.Time{}
		return false, nil
	}
	if k.rolledOut.IsZero() {
		k.rolledOut = time.Now()
	}
	return time.Since(k.rolledOut) >= k.options.PathSettle, nil
}

// namesOldPath reports whether API servers call a path without a token.
func (k *Keeper) namesOldPath(config *admissionv1.ValidatingWebhookConfiguration) bool {
	for i := range config.Webhooks {
		webhook := &config.Webhooks[i]
		base, ok := k.options.Paths[webhook.Name]
		if ok && configuredPath(webhook) == base && len(webhook.ClientConfig.CABundle) > 0 {
			return true
		}
	}
	return false
}
