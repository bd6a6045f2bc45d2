package integration_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/servingcert"
)

// hooksFor are the webhook's hooks for one namespace and under another name, as they are installed.
func hooksFor(t *testing.T, name string, port int) *admissionv1.ValidatingWebhookConfiguration {
	t.Helper()
	hooks := &admissionv1.ValidatingWebhookConfiguration{}
	if err := read("../../config/webhook/validatingwebhookconfiguration.yaml", hooks); err != nil {
		t.Fatal(err)
	}
	hooks.Name = name
	for i := range hooks.Webhooks {
		hook := &hooks.Webhooks[i]
		hook.ClientConfig.Service.Name, hook.ClientConfig.Service.Port = name, new(int32(port))
		hook.NamespaceSelector.MatchExpressions = []metav1.LabelSelectorRequirement{{
			Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: []string{name},
		}}
	}
	return hooks
}

// separate installs the webhook once more, for one namespace and under another name, and says how to keep its certificate.
func separate(t *testing.T, name string, port int) servingcert.Options {
	t.Helper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: operatorNamespace},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "127.0.0.1"},
	}
	for _, object := range []client.Object{service, hooksFor(t, name, port)} {
		if err := admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { remove(t, object) })
	}
	return servingcert.Options{Namespace: operatorNamespace, ServiceName: name, SecretName: name, WebhookConfigurationName: name}
}

// replica runs a manager with the webhook until the test ends or it is stopped, and returns its readiness check.
func replica(t *testing.T, o servingcert.Options, port int) (ready func() error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done, err := startManager(ctx, environment.Config, port, o)
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the manager ended: %v", err)
		}
	})
	t.Cleanup(stop)
	return ready, stop
}

// await polls until a condition holds.
func await(t *testing.T, what string, within time.Duration, holds func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func port(t *testing.T) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// balance spreads connections over addresses as a Service does, and returns its port.
func balance(t *testing.T, addresses ...string) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for i := 0; ; i++ {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go forward(in, addresses[i%len(addresses)])
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func forward(in net.Conn, address string) {
	defer func() { _ = in.Close() }()
	out, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	closed := func() { _ = out.Close() }
	defer closed()
	go func() { defer closed(); _, _ = io.Copy(out, in) }()
	_, _ = io.Copy(in, out) // it ends when either side does
}

// believer connects as an API server would that learned of the caBundle some time ago, and returns the certificate.
func believer(ctx context.Context, config, server, address string, lag time.Duration) (*x509.Certificate, error) {
	hooks := &admissionv1.ValidatingWebhookConfiguration{}
	if err := admin.Get(ctx, client.ObjectKey{Name: config}, hooks); err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(hooks.Webhooks[0].ClientConfig.CABundle)
	<-time.After(lag)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: server}}
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

// TestRenewalUnderLoad renews the certificate of two replicas several times while TodoApps are admitted: it deletes the Secret each
// time. No admission fails, nor does a connection of a client that learned of the authorities half the propagation delay ago.
func TestRenewalUnderLoad(t *testing.T) {
	const wanted, settle = 3, time.Second
	name := namespace(t, "renewal")
	ports := []int{port(t), port(t)}
	addresses := []string{fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])}
	options := separate(t, name, balance(t, addresses...))
	options.Lifetime, options.PropagationDelay, options.Interval = 12*time.Second, settle, 100*time.Millisecond
	for _, p := range ports {
		ready, _ := replica(t, options, p)
		await(t, "readiness", 10*time.Second, ready)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	var load, watches sync.WaitGroup
	admitted := 0
	load.Go(func() { admitted = admit(t, ctx, name) })
	seen := make([][]string, len(addresses))
	for i, address := range addresses {
		watches.Go(func() {
			for len(seen[i]) < wanted && ctx.Err() == nil {
				certificate, err := believer(ctx, name, name+"."+operatorNamespace+".svc", address, settle/2)
				if err != nil {
					t.Errorf("replica %d after certificates %v: %v", i, seen[i], err)
					return
				}
				if serial := certificate.SerialNumber.String(); !slices.Contains(seen[i], serial) {
					seen[i] = append(seen[i], serial)
					removeSecret(t, name)
				}
			}
		})
	}
	watches.Wait()
	stop()
	load.Wait()
	if !slices.Equal(seen[0], seen[1]) || len(seen[0]) < wanted {
		t.Errorf("the replicas served %v and %v, want the same %d", seen[0], seen[1], wanted)
	}
	t.Logf("%d admissions over %d certificates", admitted, wanted)
}

// admit creates TodoApps, one after the other, until the context ends.
func admit(t *testing.T, ctx context.Context, namespace string) int {
	for n := 0; ; n++ {
		object := app("loaded", "backend: {env: [{name: A, value: b}]}")
		object.SetNamespace(namespace)
		if err := admin.Create(context.Background(), object, client.DryRunAll); err != nil {
			t.Errorf("after %d admissions: %v", n, err)
			return n
		}
		if ctx.Err() != nil {
			return n
		}
	}
}

func removeSecret(t *testing.T, name string) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: name}}
	if err := operator(t).Delete(context.Background(), secret); client.IgnoreNotFound(err) != nil {
		t.Errorf("deleting the Secret: %v", err)
	}
}

// TestRecovery stops a manager until its certificates have expired, and spoils its Secret and configuration. The manager then heals
// them.
func TestRecovery(t *testing.T) {
	name, p := namespace(t, "recovery"), port(t)
	options := separate(t, name, p)
	options.Lifetime, options.Interval = time.Second, 50*time.Millisecond
	ready, stop := replica(t, options, p)
	await(t, "readiness", 10*time.Second, ready)
	stop()
	hooks := &admissionv1.ValidatingWebhookConfiguration{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: name}, hooks); err != nil {
		t.Fatal(err)
	}
	expired := hooks.Webhooks[0].ClientConfig.CABundle
	<-time.After(options.Lifetime)

	options.Lifetime = 0
	ready, _ = replica(t, options, p)
	await(t, "readiness", 10*time.Second, ready)
	admits := func() error {
		object := app("recovered", "{}")
		object.SetNamespace(name)
		return admin.Create(t.Context(), object, client.DryRunAll)
	}
	await(t, "admission after expiry", 10*time.Second, admits)

	secret := &corev1.Secret{}
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: operatorNamespace, Name: name}, secret); err != nil {
		t.Fatal(err)
	}
	good := secret.Data["tls.crt"]
	secret.Data["tls.crt"] = []byte("spoiled")
	if err := operator(t).Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	await(t, "the Secret as it was", 10*time.Second, func() error {
		if err := admin.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err != nil {
			return err
		}
		if !bytes.Equal(secret.Data["tls.crt"], good) {
			return errors.New("it still differs")
		}
		return nil
	})
	if err := admin.Get(t.Context(), client.ObjectKey{Name: name}, hooks); err != nil {
		t.Fatal(err)
	}
	hooks.Webhooks[0].ClientConfig.CABundle = expired
	if err := admin.Update(t.Context(), hooks); err != nil {
		t.Fatal(err)
	}
	await(t, "admission after an old configuration was restored", 10*time.Second, admits)
}

// Two replicas that start at once on nothing serve one certificate.
func TestStartTogether(t *testing.T) {
	const name = "together"
	ports := []int{port(t), port(t)}
	options := separate(t, name, ports[0])
	var serials []string
	var checks []func() error
	for _, p := range ports {
		ready, _ := replica(t, options, p)
		checks = append(checks, ready)
	}
	for i, p := range ports {
		await(t, "readiness", 10*time.Second, checks[i])
		server := name + "." + operatorNamespace + ".svc"
		certificate, err := believer(t.Context(), name, server, fmt.Sprintf("127.0.0.1:%d", p), 0)
		if err != nil {
			t.Fatal(err)
		}
		serials = append(serials, certificate.SerialNumber.String())
	}
	if serials[0] != serials[1] {
		t.Errorf("the replicas serve %v", serials)
	}
}
