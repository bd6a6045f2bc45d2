package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/portforward"

	"github.com/todoapp-operator/todoapp-operator/internal/podforward"
)

// forward opens a port on the loopback address that leads to a port of a pod, until the context ends. It returns its address.
func (c *cluster) forward(ctx context.Context, pod *corev1.Pod, port int32) (string, error) {
	dialer, err := podforward.Dialer(c.config, c.api, pod.Namespace, pod.Name)
	if err != nil {
		return "", err
	}
	ready := make(chan struct{})
	forwarder, err := portforward.NewOnAddressesForStreamingWithContext(ctx, dialer, []string{"127.0.0.1"},
		[]string{"0:" + strconv.Itoa(int(port))}, ready, io.Discard, io.Discard)
	if err != nil {
		return "", fmt.Errorf("forwarding to pod %s: %w", pod.Name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		if err == nil {
			err = errors.New("the API server closed the connection")
		}
		return "", forwardError(pod, err)
	case <-ctx.Done():
		return "", fmt.Errorf("forwarding to pod %s: %w", pod.Name, ctx.Err())
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return "", fmt.Errorf("forwarding to pod %s: %w", pod.Name, err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(ports[0].Local))), nil
}

// errMayNotForward says that the user lacks the right to reach pods.
var errMayNotForward = errors.New(`you lack the right "create pods/portforward"`)

// forwardError shortens the error of a connection that the API server refused.
func forwardError(pod *corev1.Pod, err error) error {
	if apierrors.IsForbidden(err) {
		return errMayNotForward
	}
	return fmt.Errorf("forwarding to pod %s: %w", pod.Name, err)
}
