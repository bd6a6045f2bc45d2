package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// proxy forwards each request to the Service that an Ingress or an HTTPRoute names for it.
type proxy struct {
	objects client.Reader
	// routable says that the cluster has HTTPRoutes.
	routable bool
	forward  httputil.ReverseProxy
}

type targetKey struct{}

var errNoRule = errors.New("no Ingress and no accepted HTTPRoute has a rule for this host and path")

func newProxy(objects client.Reader, dial dialer, routable bool) *proxy {
	return &proxy{objects, routable, httputil.ReverseProxy{
		// Each request gets its own connection. If a terminating pod closes an idle connection, no request fails or is
		// sent twice.
		Transport: &http.Transport{
			DisableKeepAlives:  true,
			DisableCompression: true,
			DialContext:        dial,
		},
		FlushInterval: -1, // flushes streams at once
		Rewrite: func(r *httputil.ProxyRequest) {
			target, _ := r.In.Context().Value(targetKey{}).(string)
			r.SetURL(&url.URL{Scheme: "http", Host: target})
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, err := p.target(r)
	switch {
	case errors.Is(err, errNoRule):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		p.forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), targetKey{}, target)))
	}
}

// target returns the address of the Service for a request, as the dialer takes it.
func (p *proxy) target(r *http.Request) (string, error) {
	rules, err := p.rules(r.Context())
	if err != nil {
		return "", err
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	rule, found := choose(rules, host, r.URL.Path)
	if !found {
		return "", errNoRule
	}
	to := rule.backend
	key := client.ObjectKey{Namespace: to.namespace, Name: to.service}
	var service corev1.Service
	if err := p.objects.Get(r.Context(), key, &service); err != nil {
		return "", fmt.Errorf("finding the Service: %w", err)
	}
	for _, port := range service.Spec.Ports {
		if port.Port == to.port || port.Name == to.portName && port.Name != "" {
			return authority(key, port.Port), nil
		}
	}
	return "", fmt.Errorf("service %s has no port %s%d", to.service, to.portName, to.port)
}

// rules returns the rules of all Ingresses and accepted HTTPRoutes.
func (p *proxy) rules(ctx context.Context) ([]rule, error) {
	var ingresses networkingv1.IngressList
	if err := p.objects.List(ctx, &ingresses); err != nil {
		return nil, fmt.Errorf("listing Ingresses: %w", err)
	}
	var routes gatewayv1.HTTPRouteList
	if p.routable {
		if err := p.objects.List(ctx, &routes); err != nil {
			return nil, fmt.Errorf("listing HTTPRoutes: %w", err)
		}
	}
	return append(ingressRules(ingresses.Items), routeRules(routes.Items)...), nil
}
