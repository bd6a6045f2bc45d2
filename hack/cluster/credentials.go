package main

import (
	"crypto/x509"
	"fmt"
	"time"
)

// writeCredentials fills the PKI directory. It writes two authorities (etcd trusts only the API server), the servers'
// certificates, a kubeconfig for each component, and the key that signs service account tokens.
func (l layout) writeCredentials(now time.Time) error {
	cluster, err := newAuthority("kubernetes", now)
	if err != nil {
		return err
	}
	store, err := newAuthority("etcd", now)
	if err != nil {
		return err
	}
	for _, write := range []func() error{
		func() error { return l.writeAuthority("ca", cluster) },
		func() error { return l.writeAuthority("etcd-ca", store) },
		func() error { return l.writePairs(store, storeSubjects(l), now) },
		func() error { return l.writePairs(cluster, serverSubjects(l), now) },
		func() error { return l.writeKubeconfigs(cluster, userSubjects(l), now) },
		l.writeServiceAccountKey,
	} {
		if err := write(); err != nil {
			return fmt.Errorf("writing credentials: %w", err)
		}
	}
	return nil
}

func storeSubjects(l layout) map[string]subject {
	return map[string]subject{
		"etcd-server": {name: "etcd", hosts: []string{l.NodeAddress}},
		"etcd-client": {name: "kube-apiserver"},
	}
}

func serverSubjects(l layout) map[string]subject {
	return map[string]subject{
		"apiserver": {name: "kube-apiserver", hosts: []string{
			"kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local", "localhost", l.APIAddress, l.NodeAddress,
		}},
		"apiserver-kubelet": {name: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}},
		"kubelet-server":    {name: l.NodeName, hosts: []string{l.NodeName, l.NodeAddress}},
	}
}

func userSubjects(l layout) map[string]subject {
	return map[string]subject{
		"admin":                   {name: "admin", groups: []string{"system:masters"}},
		"kube-controller-manager": {name: "system:kube-controller-manager"},
		"kube-scheduler":          {name: "system:kube-scheduler"},
		"kube-proxy":              {name: "system:kube-proxy"},
		"kubelet":                 {name: "system:node:" + l.NodeName, groups: []string{"system:nodes"}},
		"coredns":                 {name: "coredns"},
	}
}

func (l layout) writeAuthority(name string, a authority) error {
	own, err := a.pair()
	if err != nil {
		return err
	}
	return own.write(l.PKI(), name)
}

func (l layout) writePairs(a authority, subjects map[string]subject, now time.Time) error {
	for name, s := range subjects {
		issued, err := a.issue(s, now)
		if err != nil {
			return err
		}
		if err := issued.write(l.PKI(), name); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) writeKubeconfigs(a authority, subjects map[string]subject, now time.Time) error {
	for name, s := range subjects {
		issued, err := a.issue(s, now)
		if err != nil {
			return err
		}
		config, err := a.kubeconfig("https://"+l.NodeAddress+":6443", issued)
		if err != nil {
			return err
		}
		if err := writeFile(l.PKI()+"/"+name+".kubeconfig", config); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) writeServiceAccountKey() error {
	key, err := newKey()
	if err != nil {
		return err
	}
	private, err := encodeKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writeFile(l.PKI()+"/service-accounts.pub", encode("PUBLIC KEY", public)); err != nil {
		return err
	}
	return writeFile(l.PKI()+"/service-accounts.key", private)
}
