package plugin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// caBundle returns a certificate that ends at a moment.
func caBundle(t *testing.T, ends time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: noon.AddDate(0, -1, 0), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func lease(holder string, renewed time.Time) coordinationv1.Lease {
	return coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: holder}, Spec: coordinationv1.LeaseSpec{
		HolderIdentity: new(holder + "_1"), RenewTime: new(metav1.NewMicroTime(renewed))}}
}

// present returns an object that was read.
func present[T any](object T) read[T] { return read[T]{object: &object} }

// keySecret returns the Secret of a component as the operator wrote it an hour before noon.
func keySecret(name string) corev1.Secret {
	secret := *secretOf("web", name)
	secret.Annotations = map[string]string{todov1.AnnotationKeys: "2,1"}
	secret.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
	return secret
}

// podOf returns a ready pod of a component.
func podOf(component string) corev1.Pod {
	name := "shop-" + component + "-0"
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: name, CreationTimestamp: metav1.NewTime(noon.Add(-time.Minute)),
			Labels:          map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: component},
			OwnerReferences: []metav1.OwnerReference{{Name: "shop-" + component, Controller: new(true)}}},
		Spec: corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: component}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
}

// healthy returns the facts about an installation and an app without a fault.
func healthy(t *testing.T) *facts {
	t.Helper()
	ring := keyring.Ring{Keys: []keyring.Key{
		{Version: 1, Value: keyOne, CreatedAt: noon.AddDate(0, -1, 0), PromotedAt: noon.AddDate(0, -1, 0)},
		{Version: 2, Value: keyTwo, CreatedAt: noon.AddDate(0, 0, -1), PromotedAt: noon.AddDate(0, 0, -1)},
	}}
	data, err := ring.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	webhook := admissionv1.ValidatingWebhookConfiguration{Webhooks: []admissionv1.ValidatingWebhook{{
		ClientConfig: admissionv1.WebhookClientConfig{CABundle: caBundle(t, noon.AddDate(0, 0, 60))}}}}
	frontend := podOf("frontend")
	frontend.Annotations = map[string]string{todov1.AnnotationKeys: "2,1"}
	frontend.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "shop-frontend-auth"}}}}
	return &facts{
		now: noon, local: noon, operatorNamespace: "todoapp-system", warned: true,
		operator: present(appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: new(int32(2))},
			Status: appsv1.DeploymentStatus{ReadyReplicas: 2}}),
		lease: present(lease("todoapp-operator-0", noon.Add(-time.Second))), webhook: present(webhook),
		policy: present(admissionv1.ValidatingAdmissionPolicy{}),
		bound: present(admissionv1.ValidatingAdmissionPolicyBinding{Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}}}),
		nodes: present(coordinationv1.LeaseList{Items: []coordinationv1.Lease{lease("node-1", noon.Add(-9*time.Second))}}),
		app:   appOf(t, withFrontend, stableStatus), policies: present(networkingv1.NetworkPolicyList{}),
		keyring:  present(corev1.Secret{Data: data}),
		frontend: present(keySecret("shop-frontend-auth")), backend: present(keySecret("shop-backend-auth")),
		pods: []podFact{
			{Pod: podOf("backend"), asked: true, status: 200,
				answer: podAnswer{Versions: []int64{1, 2}, Store: "serving", Date: noon.Add(time.Second)}},
			{Pod: frontend},
		},
	}
}

func TestDoctorFindsNothing(t *testing.T) {
	found := judge(healthy(t))
	for _, one := range found {
		if one.Result != resultOK {
			t.Errorf("of a healthy app it says: %+v", one)
		}
	}
	golden(t, "doctor-healthy", "doctor shop -n web", renderFindings(found, style{}))
}

// webhookError returns the error of the API server about a webhook.
func webhookError(cause string) error {
	return errors.New(`Internal error occurred: failed calling webhook "todoapps.todoapp.dev": failed to call webhook: Post ` +
		`"https://todoapp-operator-webhook.todoapp-system.svc:443/x?timeout=10s": ` + cause)
}

func (f *facts) condition(kind, reason, message string) {
	f.app.Status.Conditions = append(f.app.Status.Conditions, metav1.Condition{
		Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message})
}

func TestDoctorFindsFaults(t *testing.T) {
	for text, c := range map[string]struct {
		check string
		spoil func(*facts)
	}{
		"Deployment todoapp-operator does not exist in namespace todoapp-system": {"operator", func(f *facts) {
			f.operator.object = nil
		}},
		"0 of 2 replicas are ready": {"operator", func(f *facts) { f.operator.object.Status.ReadyReplicas = 0 }},
		"none leads":                {"operator", func(f *facts) { f.lease = present(lease("x", noon.Add(-time.Hour))) }},
		"ValidatingWebhookConfiguration todoapp-operator does not exist": {"webhook", func(f *facts) { f.webhook.object = nil }},
		"does not reach the webhook: dial tcp 10.0.0.1:443: connect: connection refused": {"webhook", func(f *facts) {
			f.probe = webhookError("dial tcp 10.0.0.1:443: connect: connection refused")
		}},
		"the certificate that the webhook serves has expired": {"webhook", func(f *facts) {
			f.probe = webhookError("tls: failed to verify certificate: x509: certificate has expired or is not yet valid")
		}},
		"does not trust the webhook's certificate": {"webhook", func(f *facts) {
			f.probe = webhookError("tls: failed to verify certificate: x509: certificate signed by unknown authority")
		}},
		"the webhook's certificate expired at 2026-11-26T11:00:00Z": {"webhook", func(f *facts) {
			f.webhook.object.Webhooks[0].ClientConfig.CABundle = caBundle(t, noon.Add(-time.Hour))
		}},
		"has no caBundle": {"webhook", func(f *facts) {
			f.webhook.object.Webhooks[0].ClientConfig.CABundle = nil
		}},
		"the webhook was not tried: namespaces \"wbe\" not found": {"webhook", func(f *facts) {
			f.probe = apierrors.NewNotFound(corev1.Resource("namespaces"), "wbe")
		}},
		"admitted without a check":                        {"webhook", func(f *facts) { f.warned = false }},
		"todoapp-operator-managed-secrets does not exist": {"policy", func(f *facts) { f.policy.object = nil }},
		"has no binding":                                  {"policy", func(f *facts) { f.bound.object = nil }},
		"does not deny":                                   {"policy", func(f *facts) { f.bound.object.Spec.ValidationActions = nil }},
		"the clock of the operator's node is 30s ahead": {"clocks", func(f *facts) {
			f.lease = present(lease("x", noon.Add(30*time.Second)))
		}},
		"the clock of node node-1 is 1m0s ahead": {"clocks", func(f *facts) {
			f.nodes.object.Items[0] = lease("node-1", noon.Add(time.Minute))
		}},
		"node node-1 has not renewed its Lease for 10m0s": {"clocks", func(f *facts) {
			f.nodes.object.Items[0] = lease("node-1", noon.Add(-10*time.Minute))
		}},
		"the clock of pod shop-backend-0 differs from the API server's by 1m30s": {"clocks", func(f *facts) {
			f.pods[0].answer.Date = noon.Add(-90 * time.Second)
		}},
		"the operator has not written a status yet":     {"status", func(f *facts) { f.app.Status = todov1.TodoAppStatus{} }},
		"the operator has not acted on the last change": {"status", func(f *facts) { f.app.Generation = 4 }},
		"KeysInSync is False (SecretsDiffer): make them equal": {"status", func(f *facts) {
			f.condition("KeysInSync", "SecretsDiffer", "make them equal.")
		}},
		"secret shop-frontend-auth does not exist": {"secrets", func(f *facts) { f.frontend.object = nil }},
		"the keyring is unreadable":                {"secrets", func(f *facts) { f.keyring.object.Data = nil }},
		"secret shop-backend-auth holds another value than key 2 in BETTER_AUTH_SECRET": {"secrets", func(f *facts) {
			f.backend.object.Data["BETTER_AUTH_SECRET"] = []byte("edited-0123456789012345678901234567890")
		}},
		"secret shop-frontend-auth holds another value for key 1 than the keyring": {"secrets", func(f *facts) {
			f.frontend.object.Data["BETTER_AUTH_SECRETS"] = []byte("2:" + keyTwo + ",1:edited-0123456789012345678901234567890")
		}},
		"secret shop-frontend-auth lists key 1 first": {"secrets", func(f *facts) {
			f.frontend.object.Data["BETTER_AUTH_SECRETS"] = []byte("1:" + keyOne + ",2:" + keyTwo)
		}},
		"secret shop-backend-auth holds key 3, which the keyring lacks": {"secrets", func(f *facts) {
			f.backend.object.Data["BETTER_AUTH_SECRETS"] = []byte("2:" + keyTwo + ",3:" + keyOne)
		}},
		"pod shop-backend-0 trusts keys 1, and Secret shop-backend-auth holds 2,1 for 60m": {"pods", func(f *facts) {
			f.pods[0].answer.Versions = []int64{1}
		}},
		"pod shop-frontend-0 was started with keys 1, and Secret shop-frontend-auth holds 2,1": {"pods", func(f *facts) {
			f.pods[1].Annotations[todov1.AnnotationKeys] = "1"
		}},
		"pod shop-frontend-0 is older than the last change of Secret shop-frontend-auth": {"pods", func(f *facts) {
			f.pods[1].Annotations, f.pods[1].CreationTimestamp = nil, metav1.NewTime(noon.AddDate(0, 0, -1))
		}},
		"pod shop-backend-0 is CrashLoopBackOff": {"pods", func(f *facts) {
			f.pods[0].Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{
				Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}}}
		}},
		"pod shop-frontend-0 takes BETTER_AUTH_SECRET from Secret mine": {"frontend", func(f *facts) {
			f.pods[1].Spec.Containers[0].Env = []corev1.EnvVar{{Name: "BETTER_AUTH_SECRET", ValueFrom: &corev1.EnvVarSource{
				SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "mine"}}}}}
		}},
		"pod shop-frontend-0 sets BETTER_AUTH_SECRET to a value of its own": {"frontend", func(f *facts) {
			f.pods[1].Spec.Containers[0].Env = []corev1.EnvVar{{Name: "BETTER_AUTH_SECRET", Value: "literal-marker"}}
		}},
		"pod shop-frontend-0 does not read Secret shop-frontend-auth": {"frontend", func(f *facts) {
			f.pods[1].Spec.Containers[0].EnvFrom[0].SecretRef.Name = "mine"
		}},
		"pod shop-backend-0 has refused 7 tokens of unknown keys": {"frontend", func(f *facts) {
			f.pods[0].refusals = refusalsIn("taskapi_auth_failures_total{reason=\"expired\"} 9\n" +
				"taskapi_auth_failures_total{reason=\"signature\"} 5\ntaskapi_auth_failures_total{reason=\"unknown_key\"} 2\n")
		}},
		"pod shop-backend-0 answers here, and not the operator: the network between closes port 9090": {"network", func(f *facts) {
			f.condition("RotationComplete", "WaitingForPods", "Pod shop-backend-0 does not answer at 10.0.0.7:9090 (timeout)")
			f.policies.object.Items = []networkingv1.NetworkPolicy{{ObjectMeta: metav1.ObjectMeta{Name: "deny-all"}}}
		}},
		"the database of pod shop-backend-0 does not serve":    {"database", func(f *facts) { f.pods[0].answer.Store = "failing" }},
		"the database of pod shop-backend-0 is full":           {"database", func(f *facts) { f.pods[0].answer.Store = "full" }},
		"pod shop-backend-0 refuses a token of the active key": {"token", func(f *facts) { f.pods[0].status = 401 }},
		"pod shop-backend-0 answers 503 to a good token":       {"token", func(f *facts) { f.pods[0].status = 503 }},
	} {
		f := healthy(t)
		c.spoil(f)
		matching := 0
		for _, one := range judge(f) {
			if one.Check == c.check && strings.Contains(one.Text, text) {
				matching++
				if one.Advice == "" || one.Result == resultOK || one.Result == resultSkipped {
					t.Errorf("the finding has no advice: %+v", one)
				}
			}
			if all := one.Text + one.Advice; strings.Contains(all, keyOne) || strings.Contains(all, keyTwo) ||
				strings.Contains(all, "edited-") || strings.Contains(all, "literal-marker") {
				t.Errorf("the finding shows a secret: %+v", one)
			}
		}
		if matching != 1 {
			t.Errorf("%d findings of check %s say %q:\n%s", matching, c.check, text, renderFindings(judge(f), style{}))
		}
	}
}

func TestDoctorKnowsWaitingFromFaults(t *testing.T) {
	for reason, want := range map[string]outcome{
		"Draining": resultOK, "Handover": resultNote, "TooManyKeys": resultNote, "Queued": resultNote, "WaitingForPods": resultNote,
		"RevocationPending": resultFault,
	} {
		f := healthy(t)
		f.condition("RotationComplete", reason, "waiting for x to take it up")
		if found := judgeStatus(f); len(found) != 1 || found[0].Result != want {
			t.Errorf("%s is %+v, expected %s", reason, found, want)
		}
	}
}

func TestDoctorJudgesAPodOfTheSecondOfAChange(t *testing.T) {
	for waiting, stale := range map[string]bool{"shop-frontend-0": true, "shop-frontend-1": false} {
		f := healthy(t)
		f.pods[1].Annotations, f.pods[1].CreationTimestamp = nil, f.frontend.object.CreationTimestamp
		f.app.Status.Rotation = &todov1.RotationStatus{WaitingFor: []string{waiting}}
		if found := judgePods(f); len(found) != 1 || strings.Contains(found[0].Text, "is older than") != stale {
			t.Errorf("the rotation waits for %s: %+v, expected a fault: %t", waiting, found, stale)
		}
	}
}

func TestDoctorTranscript(t *testing.T) {
	f := healthy(t)
	f.probe = webhookError("dial tcp 10.96.7.3:443: connect: connection refused")
	f.policy.object = nil
	f.condition("RotationComplete", "WaitingForPods",
		"Pod shop-backend-0 does not answer at 10.0.0.7:9090 (timeout): NetworkPolicy? mesh?")
	f.policies.object.Items = []networkingv1.NetworkPolicy{{ObjectMeta: metav1.ObjectMeta{Name: "deny-all"}}}
	f.nodes = read[coordinationv1.LeaseList]{err: errors.New("no")}
	golden(t, "doctor-faults", "doctor shop -n web", renderFindings(judge(f), style{}))
}

func TestDoctorSkipsWhatMayNotBeRead(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", withFrontend, stableStatus)
	bind(t, namespace, "omar", "todoapps", "pods")
	got := run(t, namespace, "", "doctor", "shop", "--as", "omar")
	got.want(t, 0, "operator skipped you may not get resource \"deployments\"", "policy skipped", "secrets skipped you may not get",
		"webhook skipped you may not create", "No fault was found, but ", " checks could not be made.")

	bind(t, namespace, "olga", "todoapps")
	run(t, namespace, "", "doctor", "shop", "--as", "olga").want(t, 0, "pods skipped you may not list",
		"token skipped you may not list", "frontend skipped", "network skipped", "database skipped", "status ok", "No fault was found")

	var found []finding
	admin := run(t, namespace, "", "doctor", "shop", "-o", "json")
	admin.want(t, exitFailed)
	if err := json.Unmarshal([]byte(admin.out), &found); err != nil || len(found) < 8 {
		t.Errorf("the JSON has %d findings, %v:\n%s", len(found), err, admin.out)
	}
	run(t, namespace, "", "doctor").want(t, exitFailed, "Deployment todoapp-operator does not exist in namespace todoapp-system",
		"ValidatingWebhookConfiguration todoapp-operator does not exist", "ValidatingAdmissionPolicy")
	run(t, namespace, "", "doctor", "shpo").want(t, exitFailed, "did you mean shop?")
}
