package appmetrics

import "github.com/prometheus/client_golang/prometheus"

var watchFailing = prometheus.NewDesc("todoapp_watch_failing",
	"Whether this replica cannot list or watch objects of a kind (1) or can (0).", []string{"kind"}, nil)

// watches shows the state of a manager's watches, which it reads anew for each scrape.
type watches struct{ failing func() map[string]error }

// Watches returns a collector of the kinds that a manager watches; the function returns each with its failure or nil.
func Watches(failing func() map[string]error) prometheus.Collector { return watches{failing} }

// Describe implements prometheus.Collector.
func (watches) Describe(to chan<- *prometheus.Desc) { to <- watchFailing }

// Collect implements prometheus.Collector.
func (w watches) Collect(to chan<- prometheus.Metric) {
	for kind, failure := range w.failing() {
		to <- prometheus.MustNewConstMetric(watchFailing, prometheus.GaugeValue, whether(failure != nil), kind)
	}
}
