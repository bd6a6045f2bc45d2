package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// faults is a proxy between managers and the API server that answers some requests with an error, delays others, and loses the
// answers of others after the API server has carried them out.
type faults struct {
	url    string
	server *http.Server
	proxy  *httputil.ReverseProxy
	// share is the probability of each kind of fault, in thousandths.
	share atomic.Int64
	// injected counts the faults by kind.
	injected [kinds]atomic.Int64
}

// fault is a kind of fault.
type fault int

const (
	conflict fault = iota
	tooManyRequests
	internalError
	delay
	lostAnswer
	kinds
)

// String implements fmt.Stringer.
func (f fault) String() string {
	return [...]string{"409", "429", "500", "slow answers", "lost answers"}[f]
}

// longestDelay bounds how long an answer is delayed.
const longestDelay = 2 * time.Second

// startFaults starts the proxy. It injects nothing until a share is set.
func startFaults(c *cluster) (*faults, error) {
	target, err := url.Parse(c.url)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's address: %w", err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(c.certificate)
	f := &faults{proxy: &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true},
		FlushInterval: -1, // watches
		ErrorLog:      nothing(),
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }, // as if the API server were gone
	}}
	pair, err := tls.LoadX509KeyPair(c.file("api.crt"), c.file("api.key"))
	if err != nil {
		return nil, fmt.Errorf("loading the certificate: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	f.url = "https://" + listener.Addr().String()
	f.server = &http.Server{
		Handler: f, ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}, ErrorLog: nothing(),
	}
	go func() { _ = f.server.ServeTLS(listener, "", "") }() // it ends when the server is closed
	return f, nil
}

// ServeHTTP forwards a request, or injects a fault.
func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, ok := f.draw(r)
	if !ok {
		f.proxy.ServeHTTP(w, r)
		return
	}
	f.injected[kind].Add(1)
	switch kind {
	case delay:
		timer := time.NewTimer(rand.N(longestDelay))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
		f.proxy.ServeHTTP(w, r)
	case lostAnswer:
		f.proxy.ServeHTTP(discard{http.Header{}}, r)
		panic(http.ErrAbortHandler) // it ends the stream without an answer
	case conflict:
		refuse(w, http.StatusConflict, metav1.StatusReasonConflict)
	case tooManyRequests:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests)
	default:
		refuse(w, http.StatusInternalServerError, metav1.StatusReasonInternalError)
	}
}

// draw decides by chance whether to inject a fault, and which one. Watches, which last, are left alone. A conflict answers writes
// only.
func (f *faults) draw(r *http.Request) (fault, bool) {
	chance := rand.Int64N(1000)
	share := f.share.Load()
	if share == 0 || r.URL.Query().Has("watch") || chance >= share*int64(kinds) {
		return 0, false
	}
	kind := fault(chance / share)
	return kind, kind != conflict || r.Method != http.MethodGet
}

// refuse answers as the API server does.
func refuse(w http.ResponseWriter, code int32, reason metav1.StatusReason) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(code))
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: code, Reason: reason, Message: "injected by the benchmark",
	}) // a client that left gets no answer
}

// discard is a response that is thrown away.
type discard struct{ header http.Header }

func (d discard) Header() http.Header             { return d.header }
func (discard) Write(content []byte) (int, error) { return len(content), nil }
func (discard) WriteHeader(int)                   {}
