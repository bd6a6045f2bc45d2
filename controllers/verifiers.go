package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
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

// answers are the versions that pods of the embedded API say they trust; none of a pod that did not answer.
type answers map[types.UID][]int64

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
		if versions, asked := before[pod.UID]; asked {
			given[pod.UID] = versions
			continue
		}
		if !answering(pod) {
			continue
		}
		group.Go(func() error {
			versions, _ := v.keyring(ctx, pod.Status.PodIP) // without an answer it is not known what the pod trusts
			mutex.Lock()
			defer mutex.Unlock()
			given[pod.UID] = versions
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
