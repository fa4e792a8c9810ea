package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
)

// Telemetry is where a client's metrics and spans go. Either may be nil.
type Telemetry struct {
	Meter  metric.Meter
	Tracer trace.Tracer
}

// Dial connects. It tries again for DialTimeout, or until ctx ends, while the
// server is unreachable or not yet ready, so that the order in which things
// start does not matter. The caller closes the client.
func Dial(ctx context.Context, cfg Config, log *slog.Logger, tel Telemetry) (client.Client, error) {
	opts, err := options(cfg, log, tel)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		c, err := client.DialContext(ctx, opts)
		if err == nil {
			return c, nil
		}
		if !passing(err) {
			return nil, fmt.Errorf("dialling Temporal at %s: %w", cfg.Address, err)
		}
		log.DebugContext(ctx, "Temporal is not reachable yet", "address", cfg.Address, "error", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("dialling Temporal at %s: %w", cfg.Address, errors.Join(ctx.Err(), err))
		case <-time.After(wait):
		}
	}
}

// passing tells errors that time can mend from those that it cannot.
func passing(err error) bool {
	var (
		denied  *serviceerror.PermissionDenied
		invalid *serviceerror.InvalidArgument
	)
	return !errors.As(err, &denied) && !errors.As(err, &invalid)
}

// DataConverter encodes and decodes the payloads of every client. Whatever reads
// a payload without the client reads it with this.
func DataConverter() converter.DataConverter { return converter.GetDefaultDataConverter() }

func options(cfg Config, log *slog.Logger, tel Telemetry) (client.Options, error) {
	o := client.Options{
		HostPort:      cfg.Address,
		Namespace:     cfg.Namespace,
		DataConverter: DataConverter(),
		Logger:        newLogger(log),
		// The memo holds a timeline, which is bounded (orak.MaxMarks); the SDK
		// would warn of each that is longer than 2 KiB.
		PayloadLimits: client.PayloadLimitOptions{MemoSizeWarning: 32 << 10},
	}
	if tel.Meter != nil {
		o.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
			Meter:   tel.Meter,
			OnError: func(err error) { log.Warn("Temporal metric failed", "error", err) },
		})
	}
	if tel.Tracer != nil {
		tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
			Tracer: tel.Tracer,
			// The interceptor does not take the global propagator.
			TextMapPropagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
		})
		if err != nil {
			return client.Options{}, fmt.Errorf("making tracing interceptor: %w", err)
		}
		o.Interceptors = []interceptor.ClientInterceptor{tracing}
	}
	return o, nil
}
