package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

const (
	// askTimeout bounds how long one pod may take to say which keys it trusts.
	askTimeout = 300 * time.Millisecond
	// maxAnswer and maxHeader bound what a pod may answer, in bytes.
	maxAnswer, maxHeader = 4 << 10, 4 << 10
)

// newKeyringClient returns a client that reaches pods directly, without a proxy, and follows no redirect: a pod could
// otherwise make the operator send requests to any address.
func newKeyringClient() http.Client {
	return http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: askTimeout}).DialContext,
			MaxIdleConnsPerHost: 1, MaxConnsPerHost: 2, MaxIdleConns: askedAtOnce, IdleConnTimeout: 5 * time.Second,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       askTimeout,
	}
}

// keyring asks the pod at an address for the versions that it trusts, and the state of its store.
func (v *Verifiers) keyring(ctx context.Context, ip string) answer {
	return v.request(ctx, net.JoinHostPort(ip, strconv.Itoa(desired.OperationsPort)))
}

// request asks at an address with a port.
func (v *Verifiers) request(ctx context.Context, address string) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/keyring", nil)
	if err != nil {
		return answer{err: fmt.Errorf("cannot be asked at %s: %w", address, err)}
	}
	response, err := v.client.Do(request)
	if err != nil {
		return answer{err: fmt.Errorf("does not answer at %s (%w)", address, brief(err))}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return answer{err: fmt.Errorf("answers %d at %s", response.StatusCode, address)}
	}
	var given struct {
		Versions []int64 `json:"versions"`
		Store    string  `json:"store"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&given); err != nil {
		return answer{err: fmt.Errorf("gives an unreadable answer at %s (%w)", address, err)}
	}
	return answer{versions: given.Versions, store: given.Store}
}

var errTimeout = errors.New("timeout")

// brief returns the cause of a failed request without the address, which the caller names.
func brief(err error) error {
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return errTimeout
	}
	for _, known := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ECONNRESET, io.EOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	if wrapped := new(url.Error); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
