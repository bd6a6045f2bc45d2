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
	askTimeout = time.Second
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

// keyring asks the pod at an address for the versions that it trusts.
func (v *Verifiers) keyring(ctx context.Context, ip string) ([]int64, error) {
	return v.versions(ctx, net.JoinHostPort(ip, strconv.Itoa(desired.OperationsPort)))
}

// versions asks for the versions at an address with a port.
func (v *Verifiers) versions(ctx context.Context, address string) ([]int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/keyring", nil)
	if err != nil {
		return nil, fmt.Errorf("cannot be asked at %s: %w", address, err)
	}
	response, err := v.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("does not answer at %s (%w)", address, brief(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answers %d at %s", response.StatusCode, address)
	}
	var keys struct {
		Versions []int64 `json:"versions"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&keys); err != nil {
		return nil, fmt.Errorf("gives an unreadable answer at %s (%w)", address, err)
	}
	return keys.Versions, nil
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
