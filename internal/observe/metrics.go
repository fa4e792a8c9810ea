package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// Metrics is a Prometheus registry that also has OpenTelemetry's instruments. It
// is not the global one, so two of them can be in one process, as in tests.
type Metrics struct {
	registry *prometheus.Registry
	provider *sdkmetric.MeterProvider
}

// durations gives OpenTelemetry's histograms of seconds buckets for seconds: the default
// ones are for milliseconds.
var durations = sdkmetric.NewView(
	sdkmetric.Instrument{Kind: sdkmetric.InstrumentKindHistogram, Unit: "s"},
	sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{
		Boundaries: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200},
	}},
)

// NewMetrics makes a registry with the metrics of the Go runtime and of the
// process.
func NewMetrics() *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry), otelprom.WithoutScopeInfo())
	if err != nil {
		panic(fmt.Sprintf("observe: a fresh registry refused the OpenTelemetry exporter: %v", err))
	}
	return &Metrics{
		registry: registry,
		provider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithView(durations)),
	}
}

// Registry returns the registry for the metrics of packages.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// MeterProvider returns the provider for libraries that use OpenTelemetry. Their
// metrics are in the registry, too.
func (m *Metrics) MeterProvider() metric.MeterProvider { return m.provider }

// Handler serves the registry in Prometheus's text format, and in OpenMetrics to those
// that ask for it, as Prometheus does: only that has exemplars.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, EnableOpenMetrics: true})
}

// Stop ends the metrics of OpenTelemetry. It may be called again.
func (m *Metrics) Stop(ctx context.Context) error {
	if err := m.provider.Shutdown(ctx); err != nil && !errors.Is(err, sdkmetric.ErrReaderShutdown) {
		return fmt.Errorf("stopping metrics: %w", err)
	}
	return nil
}
