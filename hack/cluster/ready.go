package main

import (
	"context"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const answerWithin = 2 * time.Second

// dials returns a check that passes if a process listens on the address.
func dials(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		dialer := net.Dialer{Timeout: answerWithin}
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// awaitNode waits until pods can be created and scheduled.
func (s *supervisor) awaitNode(ctx context.Context) error {
	return await(ctx, 2*time.Minute, "the node", func(ctx context.Context) error {
		if _, err := s.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err
		}
		node, err := s.client.CoreV1().Nodes().Get(ctx, s.NodeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return schedulable(node)
	}, s.running...)
}

// schedulable returns an error that says why the node takes no pods.
func schedulable(node *corev1.Node) error {
	if len(node.Spec.Taints) > 0 {
		return fmt.Errorf("tainted %s", node.Spec.Taints[0].Key)
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type != corev1.NodeReady {
			continue
		}
		if condition.Status == corev1.ConditionTrue {
			return nil
		}
		return fmt.Errorf("not ready: %s", condition.Message)
	}
	return fmt.Errorf("not ready: nothing reported yet")
}

// awaitServices waits until kube-proxy and CoreDNS answer requests from the host.
func (s *supervisor) awaitServices(ctx context.Context) error {
	if err := await(ctx, time.Minute, "Services", dials(s.APIAddress+":443"), s.running...); err != nil {
		return err
	}
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, net.JoinHostPort(s.DNSAddress, "53"))
	}}
	return await(ctx, time.Minute, "DNS", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		_, err := resolver.LookupHost(ctx, "kubernetes.default.svc.cluster.local.")
		return err
	}, s.running...)
}
