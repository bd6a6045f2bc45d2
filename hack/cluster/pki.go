package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// validity exceeds the life of any disposable cluster.
const validity = 365 * 24 * time.Hour

// authority issues the certificates of one group of components that trust each other.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// pair holds a certificate and its key, both as PEM.
type pair struct{ certificate, key []byte }

// subject describes the owner of a certificate: a user with groups, or a server with its names and addresses.
type subject struct {
	name   string
	groups []string
	hosts  []string
}

func newAuthority(name string, now time.Time) (authority, error) {
	key, err := newKey()
	if err != nil {
		return authority{}, err
	}
	template := certificateFor(subject{name: name}, now)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = nil
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return authority{}, fmt.Errorf("signing authority %s: %w", name, err)
	}
	certificate, err := x509.ParseCertificate(der)
	return authority{certificate, key}, err
}

// issue generates a key and a certificate that is valid for clients and servers.
func (a authority) issue(s subject, now time.Time) (pair, error) {
	key, err := newKey()
	if err != nil {
		return pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, certificateFor(s, now), a.certificate, key.Public(), a.key)
	if err != nil {
		return pair{}, fmt.Errorf("signing certificate of %s: %w", s.name, err)
	}
	keyPEM, err := encodeKey(key)
	return pair{encode("CERTIFICATE", der), keyPEM}, err
}

// pair returns the authority's own certificate and key.
func (a authority) pair() (pair, error) {
	key, err := encodeKey(a.key)
	return pair{encode("CERTIFICATE", a.certificate.Raw), key}, err
}

func certificateFor(s subject, now time.Time) *x509.Certificate {
	serial := new(big.Int).SetBytes([]byte(rand.Text())[:16])
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: s.name, Organization: s.groups},
		NotBefore:    now.Add(-time.Minute),
		NotAfter:     now.Add(validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, host := range s.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

// kubeconfig returns a kubeconfig that accesses the server as the pair's subject.
func (a authority) kubeconfig(server string, p pair) ([]byte, error) {
	const name = "todoapp"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{
		Server: server, CertificateAuthorityData: encode("CERTIFICATE", a.certificate.Raw),
	}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: p.certificate, ClientKeyData: p.key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.Write(*config)
}

// write writes the pair to <dir>/<name>.crt and .key.
func (p pair) write(dir, name string) error {
	if err := writeFile(filepath.Join(dir, name+".crt"), p.certificate); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, name+".key"), p.key)
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return encode("PRIVATE KEY", der), err
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
