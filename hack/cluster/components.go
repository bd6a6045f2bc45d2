package main

import (
	"path/filepath"
)

// component describes one process of the cluster.
type component struct {
	name string
	path string
	args []string
}

func (l layout) etcd() component {
	address := "https://" + l.NodeAddress + ":2379"
	return component{"etcd", l.kubernetes("etcd"), []string{
		"--data-dir=" + filepath.Join(l.State, "etcd"),
		"--unsafe-no-fsync", // a disposable cluster need not survive a power cut
		"--listen-client-urls=" + address,
		"--advertise-client-urls=" + address,
		"--listen-peer-urls=unix://" + filepath.Join(l.Run, "etcd-peer:0"),
		"--log-level=warn",
		"--client-cert-auth",
		"--trusted-ca-file=" + l.PKI() + "/etcd-ca.crt",
		"--cert-file=" + l.PKI() + "/etcd-server.crt",
		"--key-file=" + l.PKI() + "/etcd-server.key",
	}}
}

// apiServer describes kube-apiserver. If audit is true, it records requests in audit.log of the log directory.
func (l layout) apiServer(audit bool) component {
	pki := l.PKI()
	args := []string{
		"--bind-address=" + l.NodeAddress,
		"--advertise-address=" + l.NodeAddress,
		"--service-cluster-ip-range=" + l.ServiceRange,
		"--allow-privileged",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file=" + pki + "/ca.crt",
		"--tls-cert-file=" + pki + "/apiserver.crt",
		"--tls-private-key-file=" + pki + "/apiserver.key",
		"--etcd-servers=https://" + l.NodeAddress + ":2379",
		"--etcd-cafile=" + pki + "/etcd-ca.crt",
		"--etcd-certfile=" + pki + "/etcd-client.crt",
		"--etcd-keyfile=" + pki + "/etcd-client.key",
		"--kubelet-certificate-authority=" + pki + "/ca.crt",
		"--kubelet-client-certificate=" + pki + "/apiserver-kubelet.crt",
		"--kubelet-client-key=" + pki + "/apiserver-kubelet.key",
		// Other address types would be resolved by DNS, which does not know the node's name.
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki + "/service-accounts.pub",
		"--service-account-signing-key-file=" + pki + "/service-accounts.key",
	}
	if audit {
		args = append(args,
			"--audit-policy-file="+l.config()+"/audit.yaml",
			"--audit-log-path="+l.logs()+"/audit.log")
	}
	return component{"kube-apiserver", l.kubernetes("kube-apiserver"), args}
}

func (l layout) controllerManager() component {
	pki := l.PKI()
	return component{"kube-controller-manager", l.kubernetes("kube-controller-manager"), []string{
		"--kubeconfig=" + pki + "/kube-controller-manager.kubeconfig",
		"--leader-elect=false",
		"--secure-port=0",
		"--use-service-account-credentials",
		"--service-account-private-key-file=" + pki + "/service-accounts.key",
		"--root-ca-file=" + pki + "/ca.crt",
		"--cluster-signing-cert-file=" + pki + "/ca.crt",
		"--cluster-signing-key-file=" + pki + "/ca.key",
	}}
}

func (l layout) scheduler() component {
	return component{"kube-scheduler", l.kubernetes("kube-scheduler"), []string{
		"--kubeconfig=" + l.PKI() + "/kube-scheduler.kubeconfig",
		"--leader-elect=false",
		"--secure-port=0",
	}}
}

func (l layout) containerd() component {
	return component{"containerd", "containerd", []string{
		"--config=" + l.config() + "/containerd.toml",
		"--log-level=warn",
	}}
}

func (l layout) kubelet() component {
	return component{"kubelet", l.kubernetes("kubelet"), []string{
		"--config=" + l.config() + "/kubelet.yaml",
		"--kubeconfig=" + l.PKI() + "/kubelet.kubeconfig",
		"--root-dir=" + filepath.Join(l.State, "kubelet"),
		"--hostname-override=" + l.NodeName,
		"--node-ip=" + l.NodeAddress,
	}}
}

func (l layout) kubeProxy() component {
	return component{"kube-proxy", l.kubernetes("kube-proxy"), []string{
		"--config=" + l.config() + "/kube-proxy.yaml",
	}}
}

func (l layout) coreDNS() component {
	return component{"coredns", filepath.Join(l.Bin, "coredns"), []string{
		"-conf", l.config() + "/Corefile",
	}}
}
