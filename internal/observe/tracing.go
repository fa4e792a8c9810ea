package observe

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
)

// TracingConfig describes the service in traces.
type TracingConfig struct {
	// Service is the service.name, such as "orak-bridge"; OTEL_SERVICE_NAME
	// wins over it.
	Service string
	// Version is the service.version; it may be empty.
	Version string
	// Instance is the service.instance.id; it may be empty.
	Instance string
}

// attributes returns those that are set.
func (c TracingConfig) attributes() []attribute.KeyValue {
	all := []attribute.KeyValue{semconv.ServiceName(c.Service)}
	if c.Version != "" {
		all = append(all, semconv.ServiceVersion(c.Version))
	}
	if c.Instance != "" {
		all = append(all, semconv.ServiceInstanceID(c.Instance))
	}
	return all
}

// Propagator returns how traces cross processes: W3C Trace Context and Baggage. It
// is for libraries that do not look up the global one.
func Propagator() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
}

// StartTracing sets OpenTelemetry's global propagator. Where the standard
// variables name an OTLP endpoint, it also sets the global tracer provider, which
// sends spans there in the background; where that cannot be reached, spans are
// lost and nothing else. stop sends the remaining spans within its context; it is
// never nil and may be called again.
func StartTracing(ctx context.Context, cfg TracingConfig) (stop func(context.Context) error, err error) {
	otel.SetTextMapPropagator(Propagator())
	if !hasEndpoint() {
		return noStop, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return noStop, fmt.Errorf("opening the OTLP exporter: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(cfg.attributes()...),
		resource.WithHost(),
		resource.WithFromEnv(),
	)
	if err != nil {
		return noStop, fmt.Errorf("describing the service for traces: %w", err)
	}
	spans := sdktrace.NewBatchSpanProcessor(exporter)
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithResource(about)))
	return spans.Shutdown, nil // the provider's Shutdown does nothing with an ended context
}

func noStop(context.Context) error { return nil }

func hasEndpoint() bool {
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}
