package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

func TestIssuedCertificates(t *testing.T) {
	now := time.Now()
	ca, err := newAuthority("test", now)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := ca.issue(subject{name: "bob", groups: []string{"builders"}, hosts: []string{"10.0.0.1", "bob.example"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	both, err := tls.X509KeyPair(issued.certificate, issued.key)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := newAuthority("test", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what string
		by   authority
		host string
		use  x509.ExtKeyUsage
		want bool
	}{
		{"server by name", ca, "bob.example", x509.ExtKeyUsageServerAuth, true},
		{"server by address", ca, "10.0.0.1", x509.ExtKeyUsageServerAuth, true},
		{"client", ca, "", x509.ExtKeyUsageClientAuth, true},
		{"another server", ca, "eve.example", x509.ExtKeyUsageServerAuth, false},
		{"another authority of the same name", stranger, "", x509.ExtKeyUsageClientAuth, false},
	} {
		roots := x509.NewCertPool()
		roots.AddCert(test.by.certificate)
		_, err := both.Leaf.Verify(x509.VerifyOptions{
			Roots: roots, DNSName: test.host, KeyUsages: []x509.ExtKeyUsage{test.use},
		})
		if (err == nil) != test.want {
			t.Errorf("%s: %v", test.what, err)
		}
	}
	if name := both.Leaf.Subject; name.CommonName != "bob" || name.Organization[0] != "builders" {
		t.Errorf("subject is %v", name)
	}
}

func TestCredentialsOnDisk(t *testing.T) {
	l := testLayout(t)
	if err := l.writeCredentials(time.Now()); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", l.admin())
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://" + l.NodeAddress + ":6443"; config.Host != want {
		t.Errorf("kubeconfig leads to %s, want %s", config.Host, want)
	}
	files, err := filepath.Glob(l.PKI() + "/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", file, info.Mode(), err)
		}
	}
}
