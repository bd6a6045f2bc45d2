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

// tokenEntry is the entry of the Secret that holds the first segment of the webhooks' paths. It cannot be guessed, so a client
// needs the right to read the Secret or the webhook configuration to call the webhook.
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
func (r *Rotator) chooseToken(stored []byte, config *admissionv1.ValidatingWebhookConfiguration) string {
	r.lock.Lock()
	defer r.lock.Unlock()
	if tokenForm.Match(stored) {
		r.token = string(stored)
	}
	if r.token == "" {
		r.token = tokenOf(config)
	}
	if r.token == "" {
		r.token = newToken()
	}
	return r.token
}

// Serves reports whether the webhook answers at a path: the secret path, or a path that the configuration names or has named
// until recently. A configuration names other paths during an upgrade, and after it was installed anew.
func (r *Rotator) Serves(ctx context.Context, asked string) bool {
	if !r.registered(asked) {
		return false
	}
	if r.served(asked) {
		return true
	}
	r.checking.Lock()
	defer r.checking.Unlock()
	if r.served(asked) || !r.checks.Allow() {
		return r.served(asked)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var config admissionv1.ValidatingWebhookConfiguration
	if r.reader.Get(ctx, client.ObjectKey{Name: r.options.WebhookConfigurationName}, &config) != nil {
		return false // the path is still unknown; the API server calls again
	}
	r.notePaths(&config, time.Now())
	return r.served(asked)
}

// registered reports whether a path ends in the path of a webhook.
func (r *Rotator) registered(asked string) bool {
	for _, p := range r.options.Paths {
		if path.Base(asked) == path.Base(p) {
			return true
		}
	}
	return false
}

// served reports whether a path is the secret one, or was named by the configuration until PathDelay ago.
func (r *Rotator) served(asked string) bool {
	r.lock.RLock()
	defer r.lock.RUnlock()
	secret := []byte("/" + r.token + "/" + path.Base(asked))
	if r.token != "" && subtle.ConstantTimeCompare(secret, []byte(asked)) == 1 {
		return true
	}
	at, named := r.named[asked]
	return named && time.Since(at) < r.options.PathDelay
}

// notePaths records the paths that the configuration names. Without a caBundle the API server calls none of them.
func (r *Rotator) notePaths(config *admissionv1.ValidatingWebhookConfiguration, now time.Time) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for i := range config.Webhooks {
		if p := configuredPath(&config.Webhooks[i]); p != "" && len(config.Webhooks[i].ClientConfig.CABundle) > 0 {
			r.named[p] = now
		}
	}
}

// inject makes every webhook of the configuration trust the bundle and use its secret path, and config say so. It sends
// nothing if the configuration says so already.
func (r *Rotator) inject(
	ctx context.Context, config *admissionv1.ValidatingWebhookConfiguration, bundle []byte, token string,
) error {
	mayMove, err := r.mayMovePaths(ctx, config)
	if err != nil {
		return err
	}
	patch := admissionapply.ValidatingWebhookConfiguration(config.Name).WithResourceVersion(config.ResourceVersion)
	current := true
	for i := range config.Webhooks {
		webhook := &config.Webhooks[i]
		to := configuredPath(webhook)
		if base, ok := r.options.Paths[webhook.Name]; ok && mayMove {
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
	if err := r.client.Apply(ctx, patch, fieldOwner, client.ForceOwnership); err != nil {
		return fmt.Errorf("writing the webhook configuration's caBundle and paths: %w", err)
	}
	return nil
}

// mayMovePaths reports whether every replica serves the secret path. Replicas of a release that had none serve the paths
// without a token alone, so while a configuration names these, the paths stay until the rollout has been over for a while.
func (r *Rotator) mayMovePaths(ctx context.Context, config *admissionv1.ValidatingWebhookConfiguration) (bool, error) {
	if !r.namesOldPath(config) || r.options.RolledOut == nil {
		return true, nil
	}
	over, err := r.options.RolledOut(ctx)
	if err != nil {
		return false, fmt.Errorf("asking whether all replicas are of this release: %w", err)
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	if !over {
		r.rolledOut = time.Time{}
		return false, nil
	}
	if r.rolledOut.IsZero() {
		r.rolledOut = time.Now()
	}
	return time.Since(r.rolledOut) >= r.options.PathDelay, nil
}

// namesOldPath reports whether API servers call a path without a token.
func (r *Rotator) namesOldPath(config *admissionv1.ValidatingWebhookConfiguration) bool {
	for i := range config.Webhooks {
		webhook := &config.Webhooks[i]
		base, ok := r.options.Paths[webhook.Name]
		if ok && configuredPath(webhook) == base && len(webhook.ClientConfig.CABundle) > 0 {
			return true
		}
	}
	return false
}
