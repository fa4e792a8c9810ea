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

// Metrics is a registry of its own, so that two stacks may live in one process
// (as tests do), with OpenTelemetry's instruments in it.
type Metrics struct {
	registry *prometheus.Registry
	provider *sdkmetric.MeterProvider
}

// NewMetrics also collects what the Go runtime and the operating system know
// of this process.
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
		provider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter)),
	}
}

// Registry is where packages register their metrics.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// MeterProvider is for libraries that measure by OpenTelemetry; what they
// measure is in the registry too.
func (m *Metrics) MeterProvider() metric.MeterProvider { return m.provider }

// Handler serves the registry in the form that Prometheus scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Stop ends the measuring by OpenTelemetry. It may be called again.
func (m *Metrics) Stop(ctx context.Context) error {
	if err := m.provider.Shutdown(ctx); err != nil && !errors.Is(err, sdkmetric.ErrReaderShutdown) {
		return fmt.Errorf("stopping metrics: %w", err)
	}
	return nil
}
