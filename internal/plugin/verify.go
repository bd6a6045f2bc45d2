package plugin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// verifyCommand returns the command that says why the API accepts or refuses a token.
func verifyCommand(c *cluster) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "verify NAME [TOKEN | -]",
		Short: "Say why the API accepts or refuses a token",
		Long: "Say why the API accepts or refuses a token, by the same code as the API. The token is an argument, or read from the " +
			"standard input, which keeps it out of the history of the shell. No key is printed, and no signature.",
		Example: "  kubectl todoapp verify shop - < token.txt\n" +
			"  kubectl todoapp token shop --subject alice | kubectl todoapp verify shop",
		ValidArgsFunction: c.completeApps(1),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("name one TodoApp, and give the token or -")
			}
			return nil
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "", "json or yaml")
	command.RunE = c.connected(append(onApps("get"), readSecrets), func(ctx context.Context, args []string) error {
		if output != "" && output != "json" && output != "yaml" {
			return usagef("invalid value %q for --output: must be json or yaml", output)
		}
		token, err := c.tokenOf(args[1:])
		if err != nil {
			return err
		}
		found, err := c.verify(ctx, args[0], token)
		if err != nil {
			return err
		}
		return c.report(found, output)
	})
	return command
}

// report prints a verdict. The exit status says if the token is accepted.
func (c *cluster) report(found verdict, output string) error {
	text := found.render(styleOf(c.Out))
	if output != "" {
		var err error
		if text, err = encoded(found, output); err != nil {
			return err
		}
	}
	c.printf("%s", text)
	if !found.Accepted {
		return exitError{exitFailed, errSilent}
	}
	return nil
}

// tokenOf returns the token of the arguments or of the standard input, without the scheme of a header.
func (c *cluster) tokenOf(args []string) (string, error) {
	var token string
	if len(args) > 0 && args[0] != "-" {
		token = args[0]
	} else {
		if isTerminal(c.In) {
			c.notef("paste the token, then press Enter and Ctrl-D")
		}
		text, err := io.ReadAll(io.LimitReader(c.In, 1<<20))
		if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		token = string(text)
	}
	token = strings.TrimSpace(token)
	if scheme, rest, found := strings.Cut(token, " "); found && strings.EqualFold(strings.TrimSuffix(scheme, ":"), "authorization") {
		token = strings.TrimSpace(rest)
	}
	if scheme, rest, found := strings.Cut(token, " "); found && strings.EqualFold(scheme, "bearer") {
		token = strings.TrimSpace(rest)
	}
	return token, nil
}

// verify reads the keys that the backend of an app trusts, and verifies a token with them.
func (c *cluster) verify(ctx context.Context, name, token string) (verdict, error) {
	app, err := c.app(ctx, name)
	if err != nil {
		return verdict{}, err
	}
	if app.Spec.Backend.Image != "" {
		c.notef("note: the backend is an image of your own, which may have other rules than the embedded API")
	}
	secret, err := c.secret(ctx, app, desired.BackendSecret(app))
	if err != nil {
		return verdict{}, err
	}
	keys, err := backendKeys(secret)
	if err != nil {
		return verdict{}, err
	}
	now, err := c.serverTime(ctx)
	if err != nil {
		return verdict{}, err
	}
	return verdictOn(app, token, keys, now), nil
}

// backendKeys returns the verification keys in the Secret of a backend.
func backendKeys(secret *corev1.Secret) (*authn.Keys, error) {
	entries, err := keyring.ParseList(string(secret.Data[keyring.EntrySecrets]))
	if err != nil {
		return nil, fmt.Errorf("reading the entry %s of Secret %s: %w", keyring.EntrySecrets, secret.Name, err)
	}
	keys, err := authn.NewKeys(entries)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of Secret %s: %w", secret.Name, err)
	}
	return keys, nil
}

// verdict says if the API accepts a token, and shows what the token says of itself.
type verdict struct {
	Accepted bool         `json:"accepted"`
	Reason   authn.Reason `json:"reason,omitempty"`
	Meaning  string       `json:"meaning"`
	// Trusted lists the key versions that the backend trusts, the active one first.
	Trusted []int64 `json:"trusted"`
	// KeyVersion is the key that verified the signature; 0 if none did.
	KeyVersion int64       `json:"keyVersion,omitempty"`
	Claims     tokenClaims `json:"token"`
	Now        metav1.Time `json:"now"`

	policy authn.Policy
}

// tokenClaims holds the claims that decide. They are not verified, and empty if the token is unreadable.
type tokenClaims struct {
	Algorithm any `json:"alg,omitempty"`
	KeyID     any `json:"kid,omitempty"`
	Subject   any `json:"sub,omitempty"`
	Issuer    any `json:"iss,omitempty"`
	Audience  any `json:"aud,omitempty"`
	Expires   any `json:"exp,omitempty"`
	NotBefore any `json:"nbf,omitempty"`
	IssuedAt  any `json:"iat,omitempty"`
}

// verdictOn verifies a token as the embedded API of an app does.
func verdictOn(app *todov1.TodoApp, token string, keys *authn.Keys, now time.Time) verdict {
	tokens := app.Spec.Auth.Tokens
	v := verdict{
		Trusted: keys.Versions(), Claims: claimsOf(token), Now: metav1.NewTime(now.UTC()),
		policy: authn.Policy{
			Issuer: tokens.Issuer, Audience: tokens.Audience, MaxLifetime: maxLifetime(app),
			Leeway: ptr.Deref(tokens.Leeway, metav1.Duration{Duration: 30 * time.Second}).Duration,
		},
	}
	var header []string
	if token != "" {
		header = []string{"Bearer " + token}
	}
	identity, err := authn.Authenticate(header, keys, v.policy, now)
	var refusal *authn.Refusal
	if errors.As(err, &refusal) {
		v.Reason, v.KeyVersion = refusal.Reason, refusal.KeyVersion
		v.Meaning = meaning(v.Reason, v.policy)
		return v
	}
	v.Accepted, v.KeyVersion = true, identity.KeyVersion
	v.Meaning = fmt.Sprintf("the API accepts it, for the tasks of user %q only", identity.Subject)
	return v
}

// claimsOf reads the claims of a token without verifying them.
func claimsOf(token string) (claims tokenClaims) {
	for _, segment := range strings.SplitN(token, ".", 3)[:min(2, strings.Count(token, ".")+1)] {
		if raw, err := base64.RawURLEncoding.DecodeString(segment); err == nil {
			_ = json.Unmarshal(raw, &claims) // an unreadable part shows as empty
		}
	}
	return claims
}
