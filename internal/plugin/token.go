package plugin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// readSecrets is the right of commands that use keys.
var readSecrets = right{verb: "get", resource: "secrets"}

// tokenCommand returns the command that signs a token.
func tokenCommand(c *cluster) *cobra.Command {
	var subject string
	var lifetime time.Duration
	command := &cobra.Command{
		Use:   "token NAME --subject USER",
		Short: "Sign a token to try the API with",
		Long: "Sign a token with the key that signs now, as the frontend does, to try the API with. This needs the right to read the " +
			"Secret of the frontend: a person who has it can sign in as any user. Only the token is written to the standard output.",
		Example: "  kubectl todoapp token shop --subject alice\n" +
			"  TOKEN=$(kubectl todoapp token shop --subject alice)\n" +
			"  curl -H \"Authorization: Bearer $TOKEN\" http://localhost:8000/api/alice/tasks",
		Args: oneName, ValidArgsFunction: c.completeApps(1),
	}
	command.Flags().StringVar(&subject, "subject", "", "the `user` whom the token is about (required)")
	durationFlag(command.Flags(), &lifetime, "for", 15*time.Minute, "how long the token is valid, such as 30d")
	command.RunE = c.connected(append(onApps("get"), readSecrets), func(ctx context.Context, args []string) error {
		switch {
		case subject == "":
			return usagef("--subject is required: the user whom the token is about")
		case lifetime <= 0:
			return usagef("--for must be positive")
		}
		app, err := c.app(ctx, args[0])
		if err != nil {
			return err
		}
		if warning := longLived(app, lifetime); warning != "" {
			c.notef("%s", warning)
		}
		now, err := c.serverTime(ctx)
		if err != nil {
			return err
		}
		token, err := c.sign(ctx, app, subject, now, lifetime)
		if err != nil {
			return err
		}
		c.printf("%s\n", token)
		return nil
	})
	return command
}

// longLived returns a warning if the API of an app refuses tokens of a lifetime; empty if it accepts them.
func longLived(app *todov1.TodoApp, lifetime time.Duration) string {
	most := maxLifetime(app)
	if lifetime <= most {
		return ""
	}
	return fmt.Sprintf("warning: the API refuses tokens that live longer than %s (spec.auth.tokens.maxLifetime)", shortDuration(most))
}

// maxLifetime returns the longest lifetime of a token that the API of an app accepts.
func maxLifetime(app *todov1.TodoApp) time.Duration {
	return ptr.Deref(app.Spec.Auth.Tokens.MaxLifetime, metav1.Duration{Duration: 168 * time.Hour}).Duration
}

// secret reads a Secret of an app. The error says which component lacks it.
func (c *cluster) secret(ctx context.Context, app *todov1.TodoApp, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := c.Get(ctx, client.ObjectKey{Namespace: app.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("secret %s of TodoApp %s does not exist: see \"kubectl todoapp status %s\"",
			name, app.Name, app.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return secret, nil
}

// sign signs a token with the active key of an app, as its frontend does.
func (c *cluster) sign(
	ctx context.Context, app *todov1.TodoApp, subject string, now time.Time, lifetime time.Duration,
) (string, error) {
	secret, err := c.secret(ctx, app, desired.FrontendSecret(app))
	if err != nil {
		return "", err
	}
	return signed(app, secret, subject, now, lifetime)
}

// signed returns a token that the frontend of an app would sign with its Secret.
func signed(app *todov1.TodoApp, secret *corev1.Secret, subject string, now time.Time, lifetime time.Duration) (string, error) {
	key, version := secret.Data[keyring.EntrySecret], string(secret.Data[keyring.EntryKeyVersion])
	if _, err := strconv.ParseInt(version, 10, 64); len(key) == 0 || err != nil {
		return "", errors.New("the Secret " + secret.Name + " has no key yet")
	}
	claims := jwt.RegisteredClaims{
		Subject: subject, Issuer: app.Spec.Auth.Tokens.Issuer,
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(lifetime)),
	}
	if audience := app.Spec.Auth.Tokens.Audience; audience != "" {
		claims.Audience = jwt.ClaimStrings{audience}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["kid"] = version
	text, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("signing the token: %w", err)
	}
	return text, nil
}
