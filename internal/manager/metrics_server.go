package manager

import (
	"crypto/tls"
	"fmt"
	"net/http"

	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/todoapp-operator/todoapp-operator/internal/servingcert"
)

// metricsServer returns the options of the server of the metrics. With --metrics-secure it has the certificate of the webhook,
// so that a client can verify it with the same authority, and the API server decides which clients may read the metrics.
func (s settings) metricsServer(rotator *servingcert.Rotator) server.Options {
	options := server.Options{BindAddress: s.metrics}
	if !s.metricsSecure {
		return options
	}
	options.SecureServing = true
	options.FilterProvider = newReviewer
	options.CertDir = s.certificateDir
	options.TLSOpts = []func(*tls.Config){func(config *tls.Config) {
		config.MinVersion = tls.VersionTLS12
		config.NextProtos = []string{"http/1.1"} // one request at a time is enough for a scrape
		if rotator != nil {
			rotator.TLS(config)
		}
	}}
	return options
}

// newReviewer returns a filter that admits the clients which the API server admits.
func newReviewer(cfg *rest.Config, client *http.Client) (server.Filter, error) {
	tokens, err := authenticationclient.NewForConfigAndClient(cfg, client)
	if err != nil {
		return nil, fmt.Errorf("making a client for reviews of tokens: %w", err)
	}
	rights, err := authorizationclient.NewForConfigAndClient(cfg, client)
	if err != nil {
		return nil, fmt.Errorf("making a client for reviews of rights: %w", err)
	}
	return newReviews(tokens.TokenReviews(), rights.SubjectAccessReviews()).filter, nil
}
