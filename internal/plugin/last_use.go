package plugin

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// lastUsedMetric is the gauge by which a pod of the embedded API tells when it last accepted a token of each key.
const lastUsedMetric = "taskapi_key_last_used_timestamp_seconds"

// lastUses returns when a pod of the embedded API last accepted a token of each key, by version, since the pod started.
func (c *cluster) lastUses(ctx context.Context, pod *corev1.Pod) (map[int64]metav1.Time, error) {
	response, err := c.requestPod(ctx, pod, desired.OperationsPort, "/metrics", nil)
	if err != nil {
		return nil, err
	}
	if response.status != http.StatusOK {
		return nil, fmt.Errorf("the metrics of pod %s answer %d", pod.Name, response.status)
	}
	return usesIn(response.body)
}

// usesIn returns the last use of each key in the metrics of a pod. There is none in those of an earlier release.
func usesIn(scrape []byte) (map[int64]metav1.Time, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(scrape))
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	uses := map[int64]metav1.Time{}
	for _, series := range families[lastUsedMetric].GetMetric() {
		for _, label := range series.GetLabel() {
			if version, err := strconv.ParseInt(label.GetValue(), 10, 64); err == nil && label.GetName() == "key_version" {
				uses[version] = metav1.NewTime(time.Unix(int64(series.GetGauge().GetValue()), 0).UTC())
			}
		}
	}
	return uses, nil
}

// lastUse returns how long ago a pod last accepted a token of a key, or "-" if no running pod has.
func (o overview) lastUse(version int64) string {
	var last metav1.Time
	for _, pod := range o.Pods {
		if at := pod.LastUses[version]; at.After(last.Time) {
			last = at
		}
	}
	if last.IsZero() {
		return "-"
	}
	return age(&last, o.Now.Time) + " ago"
}
