package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The ways to reach the pods of a Service.
const (
	byAddress     = "services"
	byPortForward = "port-forward"
	automatically = "auto"
)

// dialWithin bounds how long one attempt to connect may take. An address without a route does not answer at all.
const dialWithin = 2 * time.Second

// dialer connects to an address as authority returns it.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// newDialer returns the dialer of a way to reach Services, and the name of that way: auto takes port-forward if this machine does
// not reach the cluster's Services.
func newDialer(ctx context.Context, way string, config *rest.Config, objects client.Reader) (dialer, string, error) {
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, "", fmt.Errorf("reaching the cluster: %w", err)
	}
	if way == automatically {
		if way = byPortForward; servicesReachable(ctx, config, objects) {
			way = byAddress
		}
	}
	switch way {
	case byAddress:
		return retrying(services{objects}.dial), way, nil
	case byPortForward:
		return retrying(forwarding{objects, config, api}.dial), way, nil
	default:
		return nil, "", fmt.Errorf("invalid value %q for -reach: must be %s, %s or %s", way, automatically, byAddress, byPortForward)
	}
}

// servicesReachable reports whether the API server of this cluster answers at the address of its Service. Another server at this
// address has a certificate of another authority.
func servicesReachable(ctx context.Context, config *rest.Config, objects client.Reader) bool {
	var service corev1.Service
	if err := objects.Get(ctx, client.ObjectKey{Namespace: corev1.NamespaceDefault, Name: "kubernetes"}, &service); err != nil {
		return false
	}
	if len(service.Spec.Ports) == 0 {
		return false
	}
	direct := rest.CopyConfig(config)
	direct.Timeout, direct.ServerName = dialWithin, ""
	direct.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil } //nolint:nilnil // no proxy
	asking, err := rest.HTTPClientFor(direct)
	if err != nil {
		return false
	}
	url := "https://" + net.JoinHostPort(service.Spec.ClusterIP, strconv.Itoa(int(service.Spec.Ports[0].Port))) + "/readyz"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := asking.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil
}

// authority returns the address of a Service for a dialer. It is a valid host and port in a URL.
func authority(service client.ObjectKey, port int32) string {
	return net.JoinHostPort(service.Name+"."+service.Namespace, strconv.Itoa(int(port)))
}

// parseAuthority returns the Service and the port of an address that authority returned.
func parseAuthority(address string) (service client.ObjectKey, port int32, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return service, 0, fmt.Errorf("reading the address: %w", err)
	}
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return service, 0, fmt.Errorf("reading the port of %s: %w", address, err)
	}
	service.Name, service.Namespace, _ = strings.Cut(host, ".")
	return service, int32(number), nil
}

// services reaches Services at their cluster addresses.
type services struct{ objects client.Reader }

func (s services) dial(ctx context.Context, network, address string) (net.Conn, error) {
	key, port, err := parseAuthority(address)
	if err != nil {
		return nil, err
	}
	var service corev1.Service
	if err := s.objects.Get(ctx, key, &service); err != nil {
		return nil, fmt.Errorf("finding the Service: %w", err)
	}
	to := net.JoinHostPort(service.Spec.ClusterIP, strconv.Itoa(int(port)))
	connection, err := (&net.Dialer{Timeout: dialWithin}).DialContext(ctx, network, to)
	if err != nil {
		return nil, fmt.Errorf("reaching Service %s: %w", key, err)
	}
	return connection, nil
}

// dialAgain is the schedule of a connection's attempts: four in all. During a roll-out, a Service may lead to a pod that has just
// stopped until every node knows it. Ingress controllers then try another pod.
var dialAgain = wait.Backoff{Steps: 4, Duration: 100 * time.Millisecond, Factor: 2}

// retrying returns a dialer that tries again if no connection was made: nothing was sent yet, and each attempt may lead to another
// pod. It does not wait for a Service that does not exist.
func retrying(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var connection net.Conn
		var failure error
		err := wait.ExponentialBackoffWithContext(ctx, dialAgain, func(ctx context.Context) (bool, error) {
			connection, failure = dial(ctx, network, address)
			if apierrors.IsNotFound(failure) {
				return false, failure
			}
			return failure == nil, nil
		})
		if err != nil {
			return nil, cmp.Or(failure, err)
		}
		return connection, nil
	}
}
