package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"golang.org/x/sync/errgroup"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

const (
	// askTimeout bounds how long one pod may take to say which keys it trusts.
	askTimeout = time.Second
	// askConcurrency bounds how many pods of one app are asked at once.
	askConcurrency = 16
	// maxAnswer bounds what a pod may answer, in bytes.
	maxAnswer = 4 << 10
)

// Verifiers asks pods of the embedded API which keys they trust.
type Verifiers struct {
	client http.Client
}

// NewVerifiers returns a client without a proxy: pods are reached directly.
func NewVerifiers() *Verifiers {
	return &Verifiers{client: http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: 5 * time.Second},
		Timeout:   askTimeout,
	}}
}

// ask returns the answers by pod. A pod that does not answer is not in it: what it trusts is not known.
func (v *Verifiers) ask(ctx context.Context, pods []corev1.Pod) map[types.UID][]int64 {
	var (
		mutex   sync.Mutex
		group   errgroup.Group
		answers = map[types.UID][]int64{}
	)
	group.SetLimit(askConcurrency)
	for i := range pods {
		pod := &pods[i]
		if !reloads(pod) || finished(pod) || pod.Status.PodIP == "" {
			continue
		}
		group.Go(func() error {
			if versions, err := v.keyring(ctx, pod.Status.PodIP); err == nil {
				mutex.Lock()
				defer mutex.Unlock()
				answers[pod.UID] = versions
			}
			return nil
		})
	}
	_ = group.Wait() // no member fails
	return answers
}

// keyring asks one pod.
func (v *Verifiers) keyring(ctx context.Context, ip string) ([]int64, error) {
	url := "http://" + net.JoinHostPort(ip, strconv.Itoa(desired.OperationsPort)) + "/keyring"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", ip, err)
	}
	response, err := v.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", ip, err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Versions []int64 `json:"versions"`
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s: %s", ip, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", ip, err)
	}
	return answer.Versions, nil
}
