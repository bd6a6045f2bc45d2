package webhook_test

import (
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const operatorUser = "system:serviceaccount:todoapp-system:todoapp-operator"

// as returns a client for a user; the groups decide what it may do at all.
func as(t *testing.T, user string, groups ...string) client.Client {
	t.Helper()
	config := rest.CopyConfig(environment.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// operator is the operator's own client.
func operator(t *testing.T) client.Client {
	t.Helper()
	return as(t, operatorUser, "system:masters")
}
