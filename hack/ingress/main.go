// Command ingress serves the Ingresses of a cluster on this machine, by the rules of the specification. It is for
// clusters without an ingress controller whose ClusterIPs are reachable from here.
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
	networkingv1 "k8s.io/api/networking/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "`address` to serve on, without TLS; port 0 takes any and prints it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *listen)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ingress:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen string) error {
	ctrl.SetLogger(logr.Discard())
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	objects, err := cache.New(config, cache.Options{})
	if err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	for _, kind := range []client.Object{&networkingv1.Ingress{}, &corev1.Service{}} {
		if _, err := objects.GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watching the cluster: %w", err)
		}
	}
	watching := make(chan error, 1)
	go func() { watching <- objects.Start(ctx) }()
	if !objects.WaitForCacheSync(ctx) {
		return errors.Join(ctx.Err(), errors.New("the cluster did not answer"))
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	fmt.Printf("serving the cluster's Ingresses on http://%s\n", listener.Addr())
	server := &http.Server{Handler: newProxy(objects), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return <-watching
}
