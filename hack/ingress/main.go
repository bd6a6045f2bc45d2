// Command ingress serves the Ingresses and the HTTPRoutes of a cluster on this machine, by the rules of their specifications. It
// is for clusters without an ingress controller. It reaches pods by the addresses of their Services or, as with kind, by
// port-forward.
//
// It serves the HTTPRoutes of Gateways whose GatewayClass names the controller todoapp.dev/ingress, if the Gateway API is
// installed when the program starts. All listeners share one address, without TLS.
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
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
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
	if err := gatewayv1.Install(clientgoscheme.Scheme); err != nil {
		return fmt.Errorf("registering the Gateway API: %w", err)
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	kinds := []client.Object{&networkingv1.Ingress{}, &corev1.Service{}, &discoveryv1.EndpointSlice{}}
	routable, err := hasGatewayAPI(mgr)
	if err != nil {
		return err
	}
	if routable {
		kinds = append(kinds, &gatewayv1.HTTPRoute{}, &gatewayv1.Gateway{}, &gatewayv1.GatewayClass{}, &corev1.Namespace{})
		if err := watchRoutes(mgr); err != nil {
			return err
		}
	}
	for _, kind := range kinds {
		if _, err := mgr.GetCache().GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watching the cluster: %w", err)
		}
	}
	err = mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		dial, way, err := newDialer(ctx, reach, config, mgr.GetClient())
		if err != nil {
			return err
		}
		return serve(ctx, listen, way, newProxy(mgr.GetClient(), dial, routable))
	}))
	if err != nil {
		return fmt.Errorf("adding the server: %w", err)
	}
	return mgr.Start(ctx)
}

// hasGatewayAPI reports whether the cluster has HTTPRoutes.
func hasGatewayAPI(mgr manager.Manager) (bool, error) {
	_, err := mgr.GetRESTMapper().RESTMapping(
		schema.GroupKind{Group: gatewayv1.GroupName, Kind: "HTTPRoute"}, gatewayv1.GroupVersion.Version)
	if meta.IsNoMatchError(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("finding the Gateway API: %w", err)
	}
	return true, nil
}

// serve serves a handler, which reaches pods in a given way, until the context ends.
func serve(ctx context.Context, listen, way string, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	fmt.Printf("serving the cluster's Ingresses and HTTPRoutes through %s on http://%s\n", way, listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
