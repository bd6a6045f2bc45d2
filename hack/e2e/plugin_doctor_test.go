//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// finds waits until a check of doctor finds something about an app, or about the operator if the name is empty.
func (e *environment) finds(app, check, text string) {
	e.Helper()
	args := []string{"doctor", "-o", "json"}
	if app != "" {
		args = append(args, app)
	}
	e.await("doctor to find "+text, startWithin, func() error {
		_, output := e.plugin(e.Context(), "", args...)
		var found []struct{ Check, Result, Text, Advice string }
		if err := json.Unmarshal([]byte(output), &found); err != nil {
			return fmt.Errorf("%w: %s", err, output)
		}
		for _, one := range found {
			if one.Check == check && strings.Contains(one.Text, text) {
				e.Logf("%s: %s: %s. Do this: %s", one.Check, one.Result, one.Text, one.Advice)
				return nil
			}
		}
		return fmt.Errorf("doctor says %s", output)
	})
}

// doctorFindsNetwork closes the port by which the operator asks a pod for its keys.
func (e *environment) doctorFindsNetwork() {
	app := e.apply("walled", small)
	e.awaitReady(app)
	pod := e.pods(app, todov1.ComponentBackend)[0]
	e.closeOperations(&pod)
	e.run(3, []string{"rotate", "walled", "--wait", "--timeout", "20s"}, "not complete after 20s", "does not answer at")
	e.finds("walled", "network", "answers here, and not the operator: the network between closes port 9090")
	e.openOperations(&pod)
	e.finds("walled", "network", "reports no pod that it does not reach")
}

// doctorFindsEdit edits a Secret while the operator does not restore it.
func (e *environment) doctorFindsEdit() {
	app := e.apply("edited", small)
	e.awaitReady(app)
	e.finds("edited", "secrets", "agree with the keyring: key 1 signs")
	e.finds("edited", "token", "accepted by each pod")
	e.run(0, []string{"pause", "edited"}, "TodoApp edited is paused")
	var secret corev1.Secret
	e.get(&secret, desired.BackendSecret(app))
	secret.Data["BETTER_AUTH_SECRET"] = []byte("edited-by-hand-0123456789abcdefghijk")
	must(e, cluster.glass.Update(e.Context(), &secret))
	e.finds("edited", "secrets", "holds another value than key 1")
	e.run(0, []string{"resume", "edited"}, "is resumed")
	e.finds("edited", "secrets", "agree with the keyring: key 1 signs")
}

// doctorFindsStalePod keeps a labelled frontend that loads no new key, and sends a token of another secret.
func (e *environment) doctorFindsStalePod() {
	app := e.apply("stale", small)
	e.awaitReady(app)
	e.expect(tasks(app, "alice", "eyJhbGciOiJIUzI1NiIsImtpZCI6IjcifQ.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"), http.StatusUnauthorized)
	e.finds("stale", "frontend", "has refused 1 token of unknown keys")
	pod := e.signer("old", app)
	must(e, cluster.Create(e.Context(), pod))
	e.await("the pod", startWithin, func() error {
		e.get(pod, pod.Name)
		if pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("it is %s", pod.Status.Phase)
		}
		return nil
	})
	e.run(0, []string{"rotate", "stale"}, "is being replaced")
	e.finds("stale", "pods", "pod old is older than the last change of Secret stale-frontend-auth")
	must(e, cluster.Delete(e.Context(), pod, client.GracePeriodSeconds(1)))
	e.run(0, []string{"rotate", "stale", "--wait"}, "key 2")
}

// doctorFindsAnotherSecret keeps labelled frontends that take their key from a Secret of their own, and sends a token that is
// signed with it, as a frontend without the label does.
func (e *environment) doctorFindsAnotherSecret() {
	app := e.apply("foreign", small)
	e.awaitReady(app)
	e.finds("foreign", "frontend", "no sign of a frontend with another secret")
	mine := strings.Repeat("another-secret-", 3)
	e.secret("mine", "BETTER_AUTH_SECRET", mine)
	from := corev1.LocalObjectReference{Name: "mine"}
	whole, one := e.signer("whole", app), e.signer("one", app)
	whole.Spec.Containers[0].EnvFrom[0].SecretRef.LocalObjectReference = from
	one.Spec.Containers[0].EnvFrom, one.Spec.Containers[0].Env = nil, []corev1.EnvVar{{Name: "BETTER_AUTH_SECRET",
		ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: from, Key: "BETTER_AUTH_SECRET"}}}}
	must(e, cluster.Create(e.Context(), whole))
	must(e, cluster.Create(e.Context(), one))
	e.finds("foreign", "frontend", "pod whole does not read Secret foreign-frontend-auth")
	e.finds("foreign", "frontend", "pod one takes BETTER_AUTH_SECRET from Secret mine")

	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject: "alice", ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Minute))})
	token.Header["kid"] = "1"
	text, err := token.SignedString([]byte(mine))
	must(e, err)
	e.expect(tasks(app, "alice", text), http.StatusUnauthorized)
	e.finds("foreign", "frontend", "has refused 1 token of unknown keys")
}

// signer returns a labelled pod that has its keys in its environment.
func (e *environment) signer(name string, app *todov1.TodoApp) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name, Labels: map[string]string{
			todov1.LabelApp: app.Name, todov1.LabelComponent: todov1.ComponentFrontend, labelRun: runID}},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(1)),
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(65532)),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name: "signer", Image: probeImage, Args: []string{"agent"},
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false),
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
				EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
					LocalObjectReference: corev1.LocalObjectReference{Name: desired.FrontendSecret(app)}}}},
			}},
		},
	}
}

// doctorFindsDatabase cuts the way to the database.
func (e *environment) doctorFindsDatabase() {
	way := openGate(e.T, databaseURL(e.T))
	e.secret("doctor-db", "url", way.url.String())
	app := e.apply("dbless", `{backend: {storage: {postgres: {urlSecretRef: {name: doctor-db, key: url}}}}}`)
	e.awaitReady(app)
	way.shut()
	e.finds("dbless", "database", "does not serve")
	e.finds("dbless", "status", "BackendAvailable is False")
	way.open()
	e.finds("dbless", "database", "the database of each pod serves")
}

// aheadLease creates the Lease of a node whose clock is ahead of the API server's. A kubelet renews it by its own clock.
func (e *environment) aheadLease() *coordinationv1.Lease {
	e.Helper()
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: "fast-" + e.namespace},
		Spec:       coordinationv1.LeaseSpec{RenewTime: new(metav1.NewMicroTime(time.Now().Add(time.Hour)))},
	}
	must(e, cluster.Create(e.Context(), lease))
	e.Cleanup(func() { must(e, client.IgnoreNotFound(cluster.Delete(context.Background(), lease))) })
	return lease
}

// TestPluginWithoutTheOperator takes away the policy and the operator, lets a clock be ahead and the certificate expire, and lets
// doctor find that.
func TestPluginWithoutTheOperator(t *testing.T) {
	e := newEnvironment(t)
	var binding admissionv1.ValidatingAdmissionPolicyBinding
	must(t, cluster.Get(t.Context(), client.ObjectKey{Name: operator + "-managed-secrets"}, &binding))
	must(t, cluster.Delete(t.Context(), &binding))
	restore := func() {
		binding.ObjectMeta = metav1.ObjectMeta{Name: binding.Name, Labels: binding.Labels, Annotations: binding.Annotations}
		must(t, client.IgnoreAlreadyExists(cluster.Create(context.Background(), &binding)))
	}
	t.Cleanup(restore)
	e.run(1, []string{"doctor"}, "the policy about managed Secrets has no binding")
	restore()
	ahead := e.aheadLease()
	e.run(1, []string{"doctor"}, "clocks FAULT the clock of node "+ahead.Name, "ahead of the API server's. Do this: correct the")
	must(t, cluster.Delete(t.Context(), ahead))
	back := e.alterOperator(func(d *appsv1.DeploymentSpec) { d.Replicas = new(int32(0)) })
	e.run(1, []string{"doctor"}, "0 of 0 replicas are ready", "the API server does not reach the webhook")
	e.plantExpired()
	e.finds("", "webhook", "the webhook's certificate expired at")
	back()
	e.await("a healthy installation", startWithin, func() error {
		if status, output := e.plugin(e.Context(), "", "doctor"); status != 0 {
			return fmt.Errorf("doctor says\n%s", output)
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(e.Context(), time.Minute)
	defer cancel()
	if status, output := e.plugin(ctx, "", "doctor"); status != 0 || !strings.Contains(output, "No fault was found.") {
		t.Errorf("doctor says %d\n%s", status, output)
	}
}
