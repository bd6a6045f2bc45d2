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
)

// proxy forwards each request to the Service that an Ingress names for it.
type proxy struct {
	objects client.Reader
	forward httputil.ReverseProxy
}

type targetKey struct{}

var errNoRule = errors.New("no Ingress has a rule for this host and path")

func newProxy(objects client.Reader, dial dialer) *proxy {
	return &proxy{objects, httputil.ReverseProxy{
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
	var ingresses networkingv1.IngressList
	if err := p.objects.List(r.Context(), &ingresses); err != nil {
		return "", fmt.Errorf("listing Ingresses: %w", err)
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	rule, found := route(ingresses.Items, host, r.URL.Path)
	if !found {
		return "", errNoRule
	}
	backend := rule.path.Backend.Service
	key := client.ObjectKey{Namespace: rule.namespace, Name: backend.Name}
	var service corev1.Service
	if err := p.objects.Get(r.Context(), key, &service); err != nil {
		return "", fmt.Errorf("finding the Service: %w", err)
	}
	for _, port := range service.Spec.Ports {
		if port.Port == backend.Port.Number || port.Name == backend.Port.Name && port.Name != "" {
			return authority(key, port.Port), nil
		}
	}
	return "", fmt.Errorf("service %s has no port %v", backend.Name, backend.Port)
}
