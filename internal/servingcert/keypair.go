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

// keyPair holds a serving certificate and the authority that signed it, as the Secret stores them. Each authority signs one
// certificate and its key is not kept, so a stored key pair cannot sign another.
type keyPair struct {
	authority, certificate, key []byte // PEM
	notAfter                    time.Time
	roots                       *x509.CertPool // the authority alone
	serving                     *tls.Certificate
}

// skew bounds how far the clock of an API server may be behind.
const skew = time.Hour

// generate returns a new key pair for the given names of a server.
func generate(names []string, now time.Time, lifetime time.Duration) (keyPair, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, fmt.Errorf("generating the authority's key: %w", err)
	}
	authority := template("todoapp-operator webhook authority", now, lifetime)
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return keyPair{}, fmt.Errorf("signing the authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, fmt.Errorf("generating the server's key: %w", err)
	}
	server := template(names[0], now, lifetime)
	server.DNSNames, server.KeyUsage = names, x509.KeyUsageDigitalSignature
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	certificate, err := x509.CreateCertificate(rand.Reader, server, authority, key.Public(), authorityKey)
	if err != nil {
		return keyPair{}, fmt.Errorf("signing the server's certificate: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return keyPair{}, fmt.Errorf("encoding the server's key: %w", err)
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

// parse decodes a stored key pair, and fails if its parts do not belong together.
func parse(authority, certificate, key []byte) (keyPair, error) {
	serving, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return keyPair{}, errors.New("the certificate and its key do not belong together")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return keyPair{}, errors.New("the authority is not a certificate")
	}
	return keyPair{authority, certificate, key, serving.Leaf.NotAfter, roots, &serving}, nil
}

// goodFor reports whether an API server whose clock is right accepts the certificate for each of the names.
func (p keyPair) goodFor(names []string, now time.Time) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		_, err := p.serving.Leaf.Verify(x509.VerifyOptions{Roots: p.roots, CurrentTime: now, DNSName: name})
		return err != nil
	})
}

func (p keyPair) equal(o keyPair) bool { return bytes.Equal(p.certificate, o.certificate) }
