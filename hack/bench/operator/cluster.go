package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// The users of the API server. The audit log tells their requests apart.
const (
	userOperator, userFloor             = "operator", "floor"
	userBench, userKubelet, userWorkers = "bench", "kubelet", "controller-manager"
)

// auditPolicy makes the API server record the requests of the operator and of the floor, without their content. Those about
// leases are left out: a leader sends them all the time.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- {level: None, resources: [{group: coordination.k8s.io}]}
- {level: Metadata, users: [operator, floor]}
- {level: None}
`

// cluster is an API server with etcd and, if started, the controllers for Deployments, ReplicaSets and garbage.
type cluster struct {
	dir         string
	url         string
	certificate []byte
	etcd, api   *process
	// workers is kube-controller-manager.
	workers *process
}

// startCluster starts etcd and an API server with the CRD of TodoApps. All files are below the directory.
func startCluster(ctx context.Context, dir, programs string) (*cluster, error) {
	c := &cluster{dir: dir}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	etcdURL := "http://127.0.0.1:" + ports[0]
	c.url = "https://127.0.0.1:" + ports[1]
	if err := c.writeFiles(); err != nil {
		return nil, err
	}
	c.etcd = c.process("etcd", filepath.Join(programs, "etcd"),
		"--data-dir="+c.file("etcd"), "--unsafe-no-fsync", "--log-level=warn", "--quota-backend-bytes=6442450944",
		"--listen-client-urls="+etcdURL, "--advertise-client-urls="+etcdURL, "--listen-peer-urls=unix://"+c.file("peer:0"))
	c.api = c.process("kube-apiserver", filepath.Join(programs, "kube-apiserver"),
		"--etcd-servers="+etcdURL, "--bind-address=127.0.0.1", "--secure-port="+ports[1],
		"--tls-cert-file="+c.file("api.crt"), "--tls-private-key-file="+c.file("api.key"),
		"--token-auth-file="+c.file("tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://bench.example", "--service-account-key-file="+c.file("accounts.key"),
		"--service-account-signing-key-file="+c.file("accounts.key"), "--service-cluster-ip-range=10.96.0.0/12",
		"--disable-admission-plugins=ServiceAccount,StorageObjectInUseProtection",
		"--audit-policy-file="+c.file("audit.yaml"), "--audit-log-path="+c.auditLog(), "--audit-log-maxsize=100000")
	c.workers = c.process("kube-controller-manager", filepath.Join(programs, "kube-controller-manager"),
		"--kubeconfig="+c.file(userWorkers+".kubeconfig"), "--leader-elect=false", "--secure-port=0",
		"--kube-api-qps=1000", "--kube-api-burst=2000", "--concurrent-deployment-syncs=10", "--concurrent-replicaset-syncs=10",
		"--controllers=deployment-controller,replicaset-controller,garbage-collector-controller")
	if err := errors.Join(c.etcd.start(), c.startAPI(ctx)); err != nil {
		return c, err
	}
	_, err = envtest.InstallCRDs(c.config(userBench), envtest.CRDInstallOptions{
		Paths: []string{"config/crd/todoapp.dev_todoapps.yaml"}, ErrorIfPathMissing: true,
	})
	if err != nil {
		return c, fmt.Errorf("installing the CRD: %w", err)
	}
	return c, nil
}

// startAPI starts the API server and waits until it is ready.
func (c *cluster) startAPI(ctx context.Context) error {
	if err := c.api.start(); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.config(userBench))
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return c.api.awaitReady(ctx, 2*time.Minute, func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// stop ends all processes.
func (c *cluster) stop() {
	for _, p := range []*process{c.workers, c.api, c.etcd} {
		if p != nil {
			p.kill() // nothing needs their data any more
		}
	}
}

func (c *cluster) process(name, path string, args ...string) *process {
	return &process{name: name, path: path, args: args, log: c.file(name + ".log")}
}

func (c *cluster) file(name string) string { return filepath.Join(c.dir, name) }

func (c *cluster) auditLog() string { return c.file("audit.log") }

// config returns a client configuration for a user, without a limit on requests.
func (c *cluster) config(user string) *rest.Config {
	return &rest.Config{
		Host: c.url, BearerToken: token(user), QPS: -1, Burst: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.certificate},
	}
}

func token(user string) string { return "token-of-" + user }

// writeFiles writes the certificates, the tokens, the audit policy and the kubeconfigs.
func (c *cluster) writeFiles() error {
	certificate, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		return fmt.Errorf("generating the API server's certificate: %w", err)
	}
	c.certificate = certificate
	accounts, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return fmt.Errorf("generating the key of service accounts: %w", err)
	}
	var tokens strings.Builder
	files := map[string][]byte{"api.crt": certificate, "api.key": key, "accounts.key": accounts, "audit.yaml": []byte(auditPolicy)}
	for _, user := range []string{userOperator, userFloor, userBench, userKubelet, userWorkers} {
		fmt.Fprintf(&tokens, "%s,%s,%s,system:masters\n", token(user), user, user)
		if files[user+".kubeconfig"], err = c.kubeconfig(user, c.url); err != nil {
			return err
		}
	}
	files["tokens.csv"] = []byte(tokens.String())
	for name, content := range files {
		if err := os.WriteFile(c.file(name), content, 0o600); err != nil {
			return fmt.Errorf("writing a file of the cluster: %w", err)
		}
	}
	return nil
}

// kubeconfig returns a kubeconfig for a user of the API server at an address.
func (c *cluster) kubeconfig(user, address string) ([]byte, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters["bench"] = &clientcmdapi.Cluster{Server: address, CertificateAuthorityData: c.certificate}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{Token: token(user)}
	config.Contexts["bench"] = &clientcmdapi.Context{Cluster: "bench", AuthInfo: user}
	config.CurrentContext = "bench"
	content, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return content, nil
}

// freePorts returns ports of the loopback address on which nothing listens.
func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer func() { _ = listener.Close() }()
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		ports = append(ports, port)
	}
	return ports, nil
}
