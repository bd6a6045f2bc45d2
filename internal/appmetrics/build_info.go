package appmetrics

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// BuildInfo returns a collector of the version of this binary, as the label of a series whose value is always 1.
func BuildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "todoapp_build_info", Help: "Always 1; the labels are the version of the operator and of Go.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}
