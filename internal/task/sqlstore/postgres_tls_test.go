package sqlstore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// authority is a certificate authority of a test.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{key: key, certificate: &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// file writes the authority as a pod finds it.
func (a authority) file(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.crt")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// server returns a certificate for the loopback address and its key, in PEM.
func (a authority) server(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})
}

// The file that PGSSLROOTCERT names decides which server the task API trusts under verify-full.
func TestAPrivateAuthorityIsTrustedByItsFile(t *testing.T) {
	right, server := newAuthority(t), pgtest.Own(t, false)
	if err := server.ServeTLS(right.server(t)); err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(server.URL(server.Fresh(t)), "sslmode=disable", "sslmode=verify-full", 1)
	t.Setenv("PGSSLROOTCERT", newAuthority(t).file(t))
	if store, err := sqlstore.Open(t.Context(), url, sqlstore.Options{}); err == nil {
		_ = store.Close()
		t.Error("a server of another authority is trusted")
	} else if !strings.Contains(err.Error(), "certificate") {
		t.Errorf("refused for another cause: %v", err)
	}
	t.Setenv("PGSSLROOTCERT", right.file(t))
	create(t, openStore(t, url), "over TLS")
}
