package plugin

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
)

// execute runs a command in a container of a pod.
func (c *cluster) execute(ctx context.Context, pod *corev1.Pod, command []string, streams remotecommand.StreamOptions) error {
	request := c.api.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: pod.Spec.Containers[0].Name, Command: command,
			Stdin: streams.Stdin != nil, Stdout: streams.Stdout != nil, Stderr: streams.Stderr != nil,
		}, clientgoscheme.ParameterCodec)
	return c.stream(ctx, pod, request.URL(), streams)
}

// attach connects to the standard streams of the first container of a pod.
func (c *cluster) attach(ctx context.Context, pod *corev1.Pod, streams remotecommand.StreamOptions) error {
	request := c.api.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("attach").
		VersionedParams(&corev1.PodAttachOptions{
			Container: pod.Spec.Containers[0].Name,
			Stdin:     streams.Stdin != nil, Stdout: streams.Stdout != nil, Stderr: streams.Stderr != nil,
		}, clientgoscheme.ParameterCodec)
	return c.stream(ctx, pod, request.URL(), streams)
}

// stream connects streams to an endpoint of a pod. It falls back to SPDY for API servers that lack WebSockets.
func (c *cluster) stream(ctx context.Context, pod *corev1.Pod, url *url.URL, streams remotecommand.StreamOptions) error {
	newer, err := remotecommand.NewWebSocketExecutor(c.config, "GET", url.String())
	if err != nil {
		return fmt.Errorf("reaching pod %s: %w", pod.Name, err)
	}
	older, err := remotecommand.NewSPDYExecutor(c.config, "POST", url)
	if err != nil {
		return fmt.Errorf("reaching pod %s: %w", pod.Name, err)
	}
	executor, err := remotecommand.NewFallbackExecutor(newer, older, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return fmt.Errorf("reaching pod %s: %w", pod.Name, err)
	}
	if err := executor.StreamWithContext(ctx, streams); err != nil {
		return fmt.Errorf("in pod %s: %w", pod.Name, err)
	}
	return nil
}

// counter counts the bytes that pass.
type counter struct {
	io.Reader
	io.Writer
	bytes atomic.Int64
}

// Read implements io.Reader.
func (n *counter) Read(p []byte) (int, error) {
	read, err := n.Reader.Read(p)
	n.bytes.Add(int64(read))
	return read, err //nolint:wrapcheck // a reader must return io.EOF as it is
}

// Write implements io.Writer.
func (n *counter) Write(p []byte) (int, error) {
	written, err := n.Writer.Write(p)
	n.bytes.Add(int64(written))
	return written, err //nolint:wrapcheck // the caller is a copy that wraps it
}

// working shows on a terminal that a command is at work, until the returned function is called.
func (c *cluster) working(text string) (stop func()) {
	if !isTerminal(c.ErrOut) {
		return func() {}
	}
	_, _ = fmt.Fprint(c.ErrOut, text+" ...")
	return func() { _, _ = fmt.Fprint(c.ErrOut, "\r\x1b[K") }
}

// showProgress shows how many bytes have passed, each second on a terminal, until the returned function is called.
func (c *cluster) showProgress(verb string, n *counter) (stop func()) {
	if !isTerminal(c.ErrOut) {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				_, _ = fmt.Fprintf(c.ErrOut, "\r%s %s ...", verb, size(n.bytes.Load()))
			}
		}
	}()
	return func() {
		close(done)
		_, _ = fmt.Fprint(c.ErrOut, "\r\x1b[K")
	}
}

// size returns a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	default:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
}
