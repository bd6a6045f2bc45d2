package plugin

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/utils/ptr"
)

// leaseExpired is the age at which the operator's Lease shows that no replica leads. A leader renews it every two seconds.
const leaseExpired = time.Minute

// judgeManagers judges if the managers of a Deployment run, and if one leads.
func judgeManagers(f *facts, m managers) []finding {
	d, lease := m.deployment.object, m.lease.object
	logs := "kubectl -n " + f.operatorNamespace + " logs deployment/" + m.name
	switch {
	case m.deployment.err != nil:
		return []finding{skipped(m.deployment.err)}
	case d == nil:
		return []finding{fault("install it (docs/install.md), or name its namespace with --operator-namespace",
			"Deployment %s does not exist in namespace %s", m.name, f.operatorNamespace)}
	case d.Status.ReadyReplicas == 0:
		return []finding{fault("kubectl -n "+f.operatorNamespace+" describe pods; "+logs,
			"0 of %d replicas are ready", ptr.Deref(d.Spec.Replicas, 1))}
	case m.lease.err != nil:
		return []finding{ok("%d of %d replicas are ready", d.Status.ReadyReplicas, ptr.Deref(d.Spec.Replicas, 1)), skipped(m.lease.err)}
	case lease == nil || lease.Spec.RenewTime == nil || f.now.Sub(lease.Spec.RenewTime.Time) > leaseExpired:
		return []finding{fault(logs+": usually it lacks the right to update the Lease",
			"replicas are ready, and none leads: Lease %s is not renewed", leaseName(d))}
	}
	holder, _, _ := strings.Cut(ptr.Deref(lease.Spec.HolderIdentity, "?"), "_")
	return []finding{ok("%d of %d replicas are ready; %s leads", d.Status.ReadyReplicas, ptr.Deref(d.Spec.Replicas, 1), holder)}
}

// judgeWebhook judges if the API server reaches the webhook and trusts its certificate.
func judgeWebhook(f *facts) []finding {
	found := judgeProbe(f)
	config := f.webhook.object
	if config == nil || len(config.Webhooks) == 0 {
		return found
	}
	ends := lastExpiry(config.Webhooks[0].ClientConfig.CABundle)
	switch {
	case ends.IsZero():
		found = append(found, fault("read the operator's log: it writes the caBundle as soon as it leads; with cert-manager, check its "+
			"Certificate", "the webhook configuration has no caBundle, so the API server calls no webhook"))
	case ends.Before(f.now):
		found = append(found, fault("read the operator's log: it renews the certificate by itself; with cert-manager, check its "+
			"Certificate", "the webhook's certificate expired at %s", clock(ends)))
	default:
		found = append(found, ok("its certificate is valid for %s", duration.HumanDuration(ends.Sub(f.now))))
	}
	return found
}

// judgeProbe judges the answer to a TodoApp that the webhook warns about.
func judgeProbe(f *facts) []finding {
	text := ""
	if f.probe != nil {
		text = f.probe.Error()
	}
	logs := "kubectl -n " + f.operatorNamespace + " logs deployment/" + operatorName
	switch {
	case f.webhook.err == nil && f.webhook.object == nil:
		return []finding{fault("install the operator again (docs/install.md)",
			"ValidatingWebhookConfiguration %s does not exist: TodoApps and workloads are not checked", operatorName)}
	case f.probe == nil && f.warned:
		return []finding{ok("a TodoApp (dry run) is admitted and checked")}
	case f.probe == nil:
		return []finding{fault("check the namespaceSelector of the webhooks and the operator's --watch-namespaces",
			"a TodoApp (dry run) is admitted without a check: the operator does not watch this namespace, or the webhook is off")}
	case strings.Contains(text, "certificate has expired"):
		return []finding{fault(logs, "the certificate that the webhook serves has expired: %s", webhookCause(text))}
	case strings.Contains(text, "x509:"):
		return []finding{fault(logs, "the API server does not trust the webhook's certificate: %s", webhookCause(text))}
	case strings.Contains(text, "failed calling webhook"):
		return []finding{fault("check that replicas are ready, and that the API server reaches their webhook port (firewall rules of "+
			"private clusters, NetworkPolicies)", "the API server does not reach the webhook: %s", webhookCause(text))}
	case apierrors.IsNotFound(f.probe):
		return []finding{note("name a namespace that exists with -n", "the webhook was not tried: %s", text)}
	case apierrors.IsForbidden(f.probe) && strings.Contains(text, "cannot create resource"):
		return []finding{skipped(f.probe)}
	default:
		return []finding{note("", "a TodoApp (dry run) is refused by another rule: %s", text)}
	}
}

// webhookCause returns the last part of an error about a webhook, without its address.
func webhookCause(text string) string {
	if i := strings.LastIndex(text, `": `); i >= 0 {
		return text[i+3:]
	}
	return text
}

// lastExpiry returns when the last of the certificates in a PEM bundle expires; the zero time if there is none.
func lastExpiry(bundle []byte) time.Time {
	var last time.Time
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil && certificate.NotAfter.After(last) {
			last = certificate.NotAfter
		}
	}
	return last
}

// judgePolicy judges if managed Secrets are protected.
func judgePolicy(f *facts) []finding {
	again := "install the operator again: the chart and install.yaml have the policy"
	deny := func(b *admissionv1.ValidatingAdmissionPolicyBinding) bool {
		return slices.Contains(b.Spec.ValidationActions, admissionv1.Deny)
	}
	switch {
	case f.policy.err != nil:
		return []finding{skipped(f.policy.err)}
	case f.policy.object == nil:
		return []finding{fault(again, "ValidatingAdmissionPolicy %s-managed-secrets does not exist: users may edit keys", operatorName)}
	case f.bound.err != nil:
		return []finding{skipped(f.bound.err)}
	case f.bound.object == nil:
		return []finding{fault(again, "the policy about managed Secrets has no binding: users may edit keys")}
	case !deny(f.bound.object):
		return []finding{fault("set its validationActions to [Deny]",
			"the policy about managed Secrets does not deny: users may edit keys")}
	default:
		return []finding{ok("only the operator may change managed Secrets")}
	}
}

// These are the distances from the API server's clock that count as wrong. A Lease is renewed by the clock of its holder.
const (
	clockTolerance = 5 * time.Second
	nodeSilence    = 2 * time.Minute
)

// judgeClocks compares the clocks of this machine, the operator, the nodes and the pods with the API server's.
func judgeClocks(f *facts) []finding {
	var found []finding
	ahead := func(of string, moment time.Time) {
		if off := moment.Sub(f.now); off > clockTolerance {
			found = append(found, fault("correct the clock (NTP): tokens, rotations and revocations depend on it",
				"the clock of %s is %s ahead of the API server's", of, off.Round(time.Second)))
		}
	}
	if off := f.local.Sub(f.now).Abs(); off > clockTolerance {
		found = append(found, note("use kubectl todoapp, which takes the API server's time, or correct the clock",
			"the clock of this machine differs from the API server's by %s", off.Round(time.Second)))
	}
	for _, renewed := range f.renewals() {
		ahead("the operator's node", renewed.Time)
	}
	if f.nodes.object != nil {
		for _, lease := range f.nodes.object.Items {
			if lease.Spec.RenewTime == nil {
				continue
			}
			ahead("node "+lease.Name, lease.Spec.RenewTime.Time)
			if f.now.Sub(lease.Spec.RenewTime.Time) > nodeSilence {
				found = append(found, fault("check the machine and its clock; if it is gone, delete the Node object",
					"node %s has not renewed its Lease for %s: it is away, or its clock is behind",
					lease.Name, f.now.Sub(lease.Spec.RenewTime.Time).Round(time.Second)))
			}
		}
	}
	for _, pod := range f.pods {
		if off := pod.answer.Date.Sub(f.now).Abs(); !pod.answer.Date.IsZero() && off > clockTolerance {
			found = append(found, fault("correct the clock of node "+pod.Spec.NodeName+" (NTP)",
				"the clock of pod %s differs from the API server's by %s", pod.Name, off.Round(time.Second)))
		}
	}
	if len(found) == 0 {
		return []finding{ok("all clocks agree within %s", clockTolerance)}
	}
	return found
}
