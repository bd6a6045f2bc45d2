// Command token prints a token as the frontend of a TodoApp would sign it, to try the API with.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
	"github.com/todoapp-operator/todoapp-operator/internal/manager"
)

func main() {
	namespace := flag.String("namespace", "default", "`namespace` of the TodoApp")
	name := flag.String("app", "todo", "`name` of the TodoApp")
	subject := flag.String("subject", "", "the `user` that the token is about")
	lifetime := flag.Duration("lifetime", 15*time.Minute, "how long the token is valid")
	flag.Parse()
	token, err := sign(context.Background(), client.ObjectKey{Namespace: *namespace, Name: *name}, *subject, *lifetime)
	if err != nil {
		fmt.Fprintln(os.Stderr, "token:", err)
		os.Exit(1)
	}
	fmt.Println(token)
}

// sign reads what the app's frontend is given, and does with it what a frontend does.
func sign(ctx context.Context, key client.ObjectKey, subject string, lifetime time.Duration) (string, error) {
	if subject == "" {
		return "", fmt.Errorf("say whose token it is to be with -subject")
	}
	scheme, err := manager.Scheme()
	if err != nil {
		return "", err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return "", fmt.Errorf("finding the cluster: %w", err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return "", fmt.Errorf("reaching the cluster: %w", err)
	}
	var app todov1.TodoApp
	if err := c.Get(ctx, key, &app); err != nil {
		return "", fmt.Errorf("reading the app: %w", err)
	}
	var secret corev1.Secret
	if err := c.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: desired.FrontendSecret(&app)}, &secret); err != nil {
		return "", fmt.Errorf("reading the frontend's Secret: %w", err)
	}
	claims := jwt.RegisteredClaims{
		Subject: subject, Issuer: app.Spec.Auth.Tokens.Issuer,
		IssuedAt: jwt.NewNumericDate(time.Now()), ExpiresAt: jwt.NewNumericDate(time.Now().Add(lifetime)),
	}
	if audience := app.Spec.Auth.Tokens.Audience; audience != "" {
		claims.Audience = jwt.ClaimStrings{audience}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["kid"] = string(secret.Data[keyring.EntryKeyVersion])
	return token.SignedString(secret.Data[keyring.EntrySecret])
}
