//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/servingcert"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	// shortLived is a lifetime of certificates that a test can wait for. Certificates are renewed after two thirds of
	// it.
	shortLived = 18 * time.Second
	// recoverWithin bounds how long admission may fail after a manager has started with an expired certificate. The
	// start of the pod does not count.
	recoverWithin = 5 * time.Second
)

var servingSecret = client.ObjectKey{Namespace: system, Name: "todoapp-operator-webhook-cert"}

// TestCertificateExpiry starts two managers with an expired certificate, which they must replace. Then it restores the
// expired one and waits until the one in use expires, while TodoApps are admitted without a pause. No admission may
// fail.
func TestCertificateExpiry(t *testing.T) {
	e := newEnvironment(t)
	app := e.apply("todo", `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	e.awaitReady(app)
	restore := e.alterOperator(func(d *appsv1.DeploymentSpec) { d.Replicas = new(int32(0)) })
	expired := e.plantExpired()
	if err := e.admit(app, 0); err == nil || !strings.Contains(err.Error(), "failed calling webhook") {
		e.Fatalf("admitted without an operator: %v", err)
	}
	_, err := changeOperator(t.Context(), func(d *appsv1.DeploymentSpec) {
		d.Replicas = new(int32(2))
		container := &d.Template.Spec.Containers[0]
		container.Args = append(container.Args, "--webhook-certificate-lifetime="+shortLived.String())
	})
	must(t, err)
	ready := time.Now()
	e.await("admission", recoverWithin, func() error { return e.admit(app, 0) })
	e.Logf("two managers that found an expired certificate admit %.1f s after they were ready", time.Since(ready).Seconds())

	stop := e.admitAlways(app)
	first := e.serving()
	e.putBack(expired)
	e.await("a valid certificate", shortLived, func() error {
		if at := notAfter(e, e.serving()); time.Now().After(at) {
			return fmt.Errorf("the stored certificate has expired at %s", at)
		}
		return nil
	})
	e.awaitExpiry(first)
	e.Logf("%d admissions while the certificate in use was lost, renewed and expired", stop())
	restore()
}

// plantExpired stores an expired certificate in the Secret and the webhook configuration, like a manager that was
// stopped for too long.
func (e *environment) plantExpired() map[string][]byte {
	e.Helper()
	secret := e.serving()
	must(e, cluster.glass.Delete(e.Context(), &secret))
	rotator, err := servingcert.New(cluster.glass, cluster, servingcert.Options{
		Namespace: system, ServiceName: "todoapp-operator-webhook", SecretName: servingSecret.Name,
		WebhookConfigurationName: operator, Lifetime: time.Second,
	})
	must(e, err)
	ctx, cancel := context.WithCancel(e.Context())
	ended := make(chan error, 1)
	go func() { ended <- rotator.Start(ctx) }()
	e.await("a certificate", healWithin, func() error { return rotator.Ready(nil) })
	cancel()
	must(e, <-ended)
	secret = e.serving()
	e.await("its end", healWithin, func() error {
		if left := time.Until(notAfter(e, secret)); left > 0 {
			return fmt.Errorf("it is good for another %s", left)
		}
		return nil
	})
	return secret.Data
}

// serving returns the Secret with the certificate that managers share.
func (e *environment) serving() corev1.Secret {
	e.Helper()
	var secret corev1.Secret
	must(e, cluster.Get(e.Context(), servingSecret, &secret))
	return secret
}

// notAfter returns when the newest certificate of a Secret expires.
func notAfter(e *environment, secret corev1.Secret) time.Time {
	e.Helper()
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	must(e, err)
	return pair.Leaf.NotAfter
}

// putBack replaces the data of the Secret, as restoring a backup does.
func (e *environment) putBack(data map[string][]byte) {
	e.Helper()
	secret := e.serving()
	secret.Data = data
	must(e, cluster.glass.Update(e.Context(), &secret))
}

// awaitExpiry waits until a certificate has expired and the webhook configuration no longer trusts it.
func (e *environment) awaitExpiry(secret corev1.Secret) {
	e.Helper()
	e.await("the expiry of the certificate that was in use", 4*shortLived, func() error {
		var config admissionv1.ValidatingWebhookConfiguration
		if err := cluster.Get(e.Context(), client.ObjectKey{Name: operator}, &config); err != nil {
			return err
		}
		if strings.Contains(string(config.Webhooks[0].ClientConfig.CABundle), strings.TrimSpace(string(secret.Data["ca.crt"]))) {
			return fmt.Errorf("it is trusted, and expires at %s", notAfter(e, secret))
		}
		return nil
	})
	if time.Now().Before(notAfter(e, secret)) {
		e.Errorf("its authority was dropped before it expired")
	}
}

// admit sends a change of an app to the webhook as a dry run.
func (e *environment) admit(app *todov1.TodoApp, n int) error {
	changed := app.DeepCopy()
	changed.Spec.Frontend.URL = fmt.Sprintf("http://%d.localhost", n) // an http URL needs no certificate
	return cluster.Patch(context.Background(), changed, client.MergeFrom(app), client.DryRunAll)
}

// admitAlways changes an app without a pause and fails the test if a change is rejected. stop returns the number of
// changes.
func (e *environment) admitAlways(app *todov1.TodoApp) (stop func() int) {
	e.Helper()
	ctx, cancel := context.WithCancel(e.Context())
	ended := make(chan int, 1)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			if err := e.admit(app, n); err != nil {
				e.Errorf("after %d admissions: %v", n, err)
				break
			}
		}
		ended <- n
	}()
	stop = sync.OnceValue(func() int { cancel(); return <-ended })
	e.Cleanup(func() { stop() })
	return stop
}
