//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	certManager = "../../bin/certmanager"
	// deliveredWithin bounds how long the kubelet may take to update a Secret in the managers' volumes.
	deliveredWithin = 3 * time.Minute
)

// certManagerSecrets lists the Secrets that cert-manager does not delete: the certificate and its authority.
var certManagerSecrets = []string{"todoapp-operator-webhook-tls", "todoapp-operator-webhook-authority"}

// TestCertManager lets the real cert-manager issue the webhook's certificate. Its controllers run on this machine. A
// renewal must fail no admission. Switching to cert-manager and back may fail some, as docs/admission.md says.
func TestCertManager(t *testing.T) {
	e := newEnvironment(t)
	app := e.apply("todo", `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	e.awaitReady(app)
	e.startCertManager()
	t.Cleanup(func() {
		if !t.Failed() {
			return // already restored
		}
		if output, err := command(context.Background(), "../install.sh"); err != nil {
			t.Errorf("installing the operator again: %v\n%s", err, output)
		}
	})
	e.install(presentChart, "dev", "--set=certManager.enabled=true")
	e.awaitAdmission(app)
	e.awaitTrust()

	stop := e.admitAlways(app)
	e.renew()
	e.Logf("%d admissions while the certificate was renewed", stop())
	e.awaitAdmission(app)

	e.install(presentChart, "dev")
	e.awaitAdmission(app)
	e.serving()
}

// startCertManager runs cert-manager until the test ends, and then deletes its CRDs and Secrets.
func (e *environment) startCertManager() {
	e.Helper()
	if !exists(certManager) {
		e.Fatalf("there is no %s: hack/tools/build.sh certmanager makes it", certManager)
	}
	folder := strings.TrimSpace(e.program("go", "-C", "../tools/certmanager", "list", "-m", "-f", "{{.Dir}}",
		"github.com/cert-manager/cert-manager"))
	resources := "--filename=" + folder + "/deploy/crds"
	e.Cleanup(func() {
		output, err := e.command("delete", "--ignore-not-found", resources)
		for _, name := range certManagerSecrets {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name}}
			err = errors.Join(err, client.IgnoreNotFound(cluster.Delete(context.Background(), secret)))
		}
		if err != nil {
			e.Errorf("removing cert-manager: %v\n%s", err, output)
		}
	})
	e.kubectl("apply", "--server-side", resources)
	e.kubectl("wait", "--for=condition=Established", "--timeout=1m", resources)
	e.start(exec.Command("sh", "-c", "exec "+certManager+" >"+certManager+".log 2>&1"))
}

// awaitAdmission waits until the webhook rejects a change that breaks one of its rules and admits a valid change.
func (e *environment) awaitAdmission(app *todov1.TodoApp) {
	e.Helper()
	e.await("admission", startWithin, func() error {
		bad := e.newApp("bad", `{backend: {env: [{name: KEY, valueFrom: {secretKeyRef: {name: vault, key: BETTER_AUTH_SECRET}}}]}}`)
		err := cluster.Create(e.Context(), bad, client.DryRunAll)
		if err == nil || !strings.Contains(err.Error(), "spec.backend.env[KEY]: Forbidden: KEY reads BETTER_AUTH_SECRET") {
			return fmt.Errorf("what breaks a rule is answered with: %w", err)
		}
		return e.admit(app, 0)
	})
}

// awaitTrust waits until the webhook configuration trusts cert-manager's authority. It may still trust the previous
// one.
func (e *environment) awaitTrust() {
	e.Helper()
	e.await("trust in cert-manager's authority", startWithin, func() error {
		var config admissionv1.ValidatingWebhookConfiguration
		if err := cluster.Get(e.Context(), client.ObjectKey{Name: operator}, &config); err != nil {
			return err
		}
		authority := strings.TrimSpace(string(e.issued().Data["ca.crt"]))
		for _, webhook := range config.Webhooks {
			if !strings.Contains(string(webhook.ClientConfig.CABundle), authority) {
				return fmt.Errorf("%s does not trust it", webhook.Name)
			}
		}
		return nil
	})
}

// renew deletes the Secret of the current certificate, so that cert-manager issues another one, and waits until each
// manager has it.
func (e *environment) renew() {
	e.Helper()
	before := e.issued()
	must(e, cluster.Delete(e.Context(), &before))
	var after corev1.Secret
	e.await("another certificate", startWithin, func() error {
		return cluster.Get(e.Context(), client.ObjectKeyFromObject(&before), &after)
	})
	if string(before.Data[corev1.TLSCertKey]) == string(after.Data[corev1.TLSCertKey]) {
		e.Fatal("it is the same certificate")
	}
	if string(before.Data["ca.crt"]) != string(after.Data["ca.crt"]) {
		e.Error("another authority signed it")
	}
	e.delivered(after)
}

// delivered waits until each manager has a certificate in its volume and has read it.
func (e *environment) delivered(secret corev1.Secret) {
	e.Helper()
	var pods corev1.PodList
	must(e, cluster.List(e.Context(), &pods, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/name": operator}))
	expires := float64(notAfter(e, secret).Unix())
	for _, pod := range pods.Items {
		e.await("the certificate in "+pod.Name, deliveredWithin, func() error {
			if has := e.metricOf(pod.Name, "todoapp_webhook_certificate_expiry_timestamp_seconds"); has != expires {
				return fmt.Errorf("its certificate expires at %.0f, expected %.0f", has, expires)
			}
			return nil
		})
		reads := e.metricOf(pod.Name, "certwatcher_read_certificate_total")
		e.await("another read by "+pod.Name, startWithin, func() error {
			if now := e.metricOf(pod.Name, "certwatcher_read_certificate_total"); now <= reads {
				return fmt.Errorf("%.0f reads", now)
			}
			return nil
		})
	}
}

// issued returns the Secret with the certificate that cert-manager issued.
func (e *environment) issued() corev1.Secret {
	e.Helper()
	var secret corev1.Secret
	must(e, cluster.Get(e.Context(), client.ObjectKey{Namespace: system, Name: certManagerSecrets[0]}, &secret))
	return secret
}
