package appmetrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var certificateExpiry = prometheus.NewDesc("todoapp_webhook_certificate_expiry_timestamp_seconds",
	"When the certificate that the admission webhook serves with expires; absent before there is one.", nil, nil)

// certificate calls the function for each scrape.
type certificate struct{ expiry func() time.Time }

// Certificate returns a collector of the expiry of a certificate. The function returns zero if there is no certificate yet.
func Certificate(expiry func() time.Time) prometheus.Collector { return certificate{expiry} }

// Describe implements prometheus.Collector.
func (certificate) Describe(to chan<- *prometheus.Desc) { to <- certificateExpiry }

// Collect implements prometheus.Collector.
func (c certificate) Collect(to chan<- prometheus.Metric) {
	if at := c.expiry(); !at.IsZero() {
		to <- prometheus.MustNewConstMetric(certificateExpiry, prometheus.GaugeValue, float64(at.Unix()))
	}
}
