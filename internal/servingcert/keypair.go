package servingcert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// pair is a serving certificate and the authority that signed it, as they are stored. Each authority signs one
// certificate and its key is thrown away, so a stored pair can never make another.
type pair struct {
	authority, certificate, key []byte // PEM
	notAfter                    time.Time
	roots                       *x509.CertPool // the authority alone
	serving                     *tls.Certificate
}

// skew is how far the clock of an API server may be behind.
const skew = time.Hour

// mint makes a pair for the given names of a server.
func mint(names []string, now time.Time, lifetime time.Duration) (pair, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("generating the authority's key: %w", err)
	}
	authority := template("todoapp-operator webhook authority", now, lifetime)
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return pair{}, fmt.Errorf("signing the authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("generating the server's key: %w", err)
	}
	server := template(names[0], now, lifetime)
	server.DNSNames, server.KeyUsage = names, x509.KeyUsageDigitalSignature
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	certificate, err := x509.CreateCertificate(rand.Reader, server, authority, key.Public(), authorityKey)
	if err != nil {
		return pair{}, fmt.Errorf("signing the server's certificate: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pair{}, fmt.Errorf("encoding the server's key: %w", err)
	}
	return parse(block("CERTIFICATE", signed), block("CERTIFICATE", certificate), block("PRIVATE KEY", encoded))
}

func template(name string, now time.Time, lifetime time.Duration) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // crypto/rand never fails
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, SerialNumber: serial.String()},
		NotBefore: now.Add(-skew), NotAfter: now.Add(lifetime),
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// parse reads a stored pair; one whose parts are no pair is an error.
func parse(authority, certificate, key []byte) (pair, error) {
	serving, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return pair{}, errors.New("the certificate and its key do not belong together")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return pair{}, errors.New("the authority is not a certificate")
	}
	return pair{authority, certificate, key, serving.Leaf.NotAfter, roots, &serving}, nil
}

// goodFor reports whether an API server whose clock is right believes the pair, by each of the server's names.
func (p pair) goodFor(names []string, now time.Time) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		_, err := p.serving.Leaf.Verify(x509.VerifyOptions{Roots: p.roots, CurrentTime: now, DNSName: name})
		return err != nil
	})
}

func (p pair) equal(o pair) bool { return bytes.Equal(p.certificate, o.certificate) }
