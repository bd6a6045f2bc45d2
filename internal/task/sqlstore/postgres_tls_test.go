package sqlstore_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// authorityFile writes the certificate of an authority to a file, as a pod finds it.
func authorityFile(t *testing.T, authority *pgtest.Authority) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(name, authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func newAuthority(t *testing.T) *pgtest.Authority {
	t.Helper()
	authority, err := pgtest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

// The file that PGSSLROOTCERT names decides which server the task API trusts under verify-full.
func TestAPrivateAuthorityIsTrustedByItsFile(t *testing.T) {
	right, server := newAuthority(t), pgtest.Own(t, false)
	certificate, key, err := right.Issue(net.IPv4(127, 0, 0, 1))
	if err == nil {
		err = server.ServeTLS(certificate, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(server.URL(server.Fresh(t)), "sslmode=disable", "sslmode=verify-full", 1)
	t.Setenv("PGSSLROOTCERT", authorityFile(t, newAuthority(t)))
	if store, err := sqlstore.Open(t.Context(), url, sqlstore.Options{}); err == nil {
		_ = store.Close()
		t.Error("a server of another authority is trusted")
	} else if !strings.Contains(err.Error(), "certificate") {
		t.Errorf("refused for another cause: %v", err)
	}
	t.Setenv("PGSSLROOTCERT", authorityFile(t, right))
	create(t, openStore(t, url), "over TLS")
}

// A server that requires passwords refuses a wrong one, also after a role has got another.
func TestAServerChecksPasswords(t *testing.T) {
	server := pgtest.Own(t, false)
	if err := server.RequirePasswords(); err != nil {
		t.Fatal(err)
	}
	as := func(password string) error {
		store, err := sqlstore.Open(t.Context(), strings.Replace(server.URL("tasks"), "postgres:not-checked", "app:"+password, 1),
			sqlstore.Options{})
		if err == nil {
			err = store.Close()
		}
		return err
	}
	for _, sql := range []string{"CREATE ROLE app LOGIN PASSWORD 'one'", "CREATE DATABASE tasks OWNER app"} {
		if err := server.Exec(t.Context(), "postgres", sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := as("one"); err != nil {
		t.Errorf("the password is refused: %v", err)
	}
	if err := server.Exec(t.Context(), "postgres", "ALTER ROLE app PASSWORD 'two'"); err != nil {
		t.Fatal(err)
	}
	if err := as("one"); err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("the old password: %v", err)
	}
	if err := as("two"); err != nil {
		t.Errorf("the new password is refused: %v", err)
	}
}
