package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/temporal"

	"orak/internal/secure"
)

// Telemetry is where the metrics and spans of a client go. Either may be nil.
type Telemetry struct {
	Meter  metric.Meter
	Tracer trace.Tracer
}

// Dial connects. While the server is unreachable or not ready it retries, for at
// most DialTimeout, so that the order in which processes start does not matter. It
// returns a *secure.WrongSetting as soon as it finds one. The caller closes the client.
func Dial(ctx context.Context, cfg Config, log *slog.Logger, tel Telemetry) (client.Client, error) {
	opts, err := options(cfg, log, tel)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	var refused refusal
	c, err := retry(ctx, func() (client.Client, error) {
		if err := refused.confirmed(Check(ctx, cfg)); err != nil {
			return nil, err
		}
		c, err := client.DialContext(ctx, opts)
		if err != nil {
			log.DebugContext(ctx, "Temporal is not reachable yet; retrying", "address", cfg.Address, "error", err)
		}
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("dialing Temporal at %s: %w", cfg.Address, err)
	}
	return c, nil
}

// Lazy makes a client that connects at its first use, for a process that can work
// while Temporal is unavailable. The caller closes the client.
func Lazy(cfg Config, log *slog.Logger, tel Telemetry) (client.Client, error) {
	opts, err := options(cfg, log, tel)
	if err != nil {
		return nil, err
	}
	c, err := client.NewLazyClient(opts)
	if err != nil {
		return nil, fmt.Errorf("making Temporal client: %w", err)
	}
	return c, nil
}

// retry calls f until it succeeds, fails with an error that is not temporary,
// or ctx ends.
func retry[T any](ctx context.Context, f func() (T, error)) (T, error) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 50*time.Millisecond, 2*time.Second
	var last error
	result, err := backoff.Retry(ctx, func() (result T, err error) {
		if result, err = f(); err != nil && !temporary(err) {
			err = backoff.Permanent(err)
		}
		last = err
		return result, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
	if err != nil && ctx.Err() != nil {
		err = errors.Join(ctx.Err(), last)
	}
	return result, err
}

// refusedFor is how long a server must refuse its caller before that counts as a wrong
// setting: one that is still starting may refuse everybody.
const refusedFor = 5 * time.Second

// refusal remembers since when a server refuses its caller.
type refusal struct{ since time.Time }

// confirmed returns err. If err is a refusal that is not confirmed yet, what it returns is
// no *secure.WrongSetting.
func (r *refusal) confirmed(err error) error {
	var wrong *secure.WrongSetting
	if !errors.As(err, &wrong) || !isRefusal(wrong.Err) {
		r.since = time.Time{}
		return err
	}
	if r.since.IsZero() {
		r.since = time.Now()
	}
	if time.Since(r.since) < refusedFor {
		return errors.New(err.Error())
	}
	return err
}

// temporary reports whether a later attempt can succeed.
func temporary(err error) bool {
	var (
		denied  *serviceerror.PermissionDenied
		invalid *serviceerror.InvalidArgument
	)
	return !errors.As(err, &denied) && !errors.As(err, &invalid) && !secure.IsWrongSetting(err)
}

func options(cfg Config, log *slog.Logger, tel Telemetry) (client.Options, error) {
	o := client.Options{
		HostPort:      cfg.Address,
		Namespace:     cfg.Namespace,
		DataConverter: cfg.DataConverter(),
		// Without it, the details of failures would be in clear.
		FailureConverter: sdk.NewDefaultFailureConverter(sdk.DefaultFailureConverterOptions{DataConverter: cfg.DataConverter()}),
		Logger:           newLogger(log),
		// The memo has a timeline, which is bounded (orak.MaxMarks). By default the
		// SDK warns of each memo that is longer than 2 KiB.
		PayloadLimits: client.PayloadLimitOptions{MemoSizeWarning: 32 << 10},
	}
	if err := secured(&o, cfg); err != nil {
		return client.Options{}, err
	}
	if cfg.Compression != "gzip" {
		o.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	if tel.Meter != nil {
		o.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
			Meter: tel.Meter,
			// Counters are counters: their names end in _total.
			UseMonotonicCounters: true,
			OnError: func(err error) {
				log.WarnContext(context.Background(), "recording a Temporal metric failed", "error", err)
			},
		})
	}
	if tel.Tracer != nil {
		tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
			Tracer: tel.Tracer,
			// The interceptor does not use the global propagator.
			TextMapPropagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
		})
		if err != nil {
			return client.Options{}, fmt.Errorf("making tracing interceptor: %w", err)
		}
		o.Interceptors = []interceptor.ClientInterceptor{tracing}
	}
	return o, nil
}
