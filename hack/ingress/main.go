// Command ingress serves the Ingresses of a cluster on this machine, by the rules of the specification. It is for clusters without
// an ingress controller. It reaches pods by the addresses of their Services or, as with kind, by port-forward.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "`address` to serve on, without TLS; port 0 takes any and prints it")
	reach := flag.String("reach", automatically, "`way` to reach pods: "+byAddress+" for the addresses of Services, "+byPortForward+
		" for the API server, or "+automatically+" to find out")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *listen, *reach)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ingress:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, reach string) error {
	ctrl.SetLogger(logr.Discard())
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	objects, err := cache.New(config, cache.Options{})
	if err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	for _, kind := range []client.Object{&networkingv1.Ingress{}, &corev1.Service{}, &discoveryv1.EndpointSlice{}} {
		if _, err := objects.GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watching the cluster: %w", err)
		}
	}
	watching := make(chan error, 1)
	go func() { watching <- objects.Start(ctx) }()
	if !objects.WaitForCacheSync(ctx) {
		return errors.Join(ctx.Err(), errors.New("the cluster did not answer"))
	}
	dial, way, err := newDialer(ctx, reach, config, objects)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	fmt.Printf("serving the cluster's Ingresses through %s on http://%s\n", way, listener.Addr())
	server := &http.Server{Handler: newProxy(objects, dial), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return <-watching
}
