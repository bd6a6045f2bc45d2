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
	"slices"
	"strconv"
	"sync"
	"syscall"
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

// answer holds the versions that a pod of the embedded API says it trusts.
type answer struct {
	versions []int64
	// err says why the pod gave no versions, such as "does not answer at 10.244.0.7:9090 (timeout)".
	err error
}

// answers maps the UID of each pod that was asked to its answer.
type answers map[types.UID]answer

// ask returns the answers of pods, those that were given before among them.
func (v *Verifiers) ask(ctx context.Context, pods []corev1.Pod, before answers) answers {
	var (
		mutex sync.Mutex
		group errgroup.Group
		given = answers{}
	)
	group.SetLimit(askConcurrency)
	for i := range pods {
		pod := &pods[i]
		if earlier, asked := before[pod.UID]; asked {
			given[pod.UID] = earlier
			continue
		}
		if !answering(pod) {
			continue
		}
		group.Go(func() error {
			versions, err := v.keyring(ctx, pod.Status.PodIP)
			mutex.Lock()
			defer mutex.Unlock()
			given[pod.UID] = answer{versions, err}
			return nil
		})
	}
	_ = group.Wait() // no member fails
	return given
}

// answering reports whether a pod may be expected to say which keys it trusts. One that ends and is no longer ready
// would cost the whole timeout: it counts as one of which nothing is known, until it is gone.
func answering(pod *corev1.Pod) bool {
	return reloads(pod) && !finished(pod) && pod.Status.PodIP != "" && (pod.DeletionTimestamp == nil || ready(pod))
}

func ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// keyring asks the pod at an address for the versions that it trusts.
func (v *Verifiers) keyring(ctx context.Context, ip string) ([]int64, error) {
	address := net.JoinHostPort(ip, strconv.Itoa(desired.OperationsPort))
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
