package observe_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/observe"
	"orak/test/leaks"
	"orak/test/lifecycle"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func TestAdminStartsOnceAndStops(t *testing.T) {
	lifecycle.Starts(t, func(t *testing.T) lifecycle.Part {
		admin := observe.NewAdmin(observe.AdminConfig{Listen: "127.0.0.1:0"}, observe.NewHealth(quiet()), observe.NewMetrics(), quiet())
		return lifecycle.Part{Start: admin.Start, Stop: admin.Stop, Serves: func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin.Addr()+"/livez", nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("livez: %s", resp.Status)
			}
			return nil
		}}
	})
}

func TestMetricsStop(t *testing.T) {
	lifecycle.Stops(t, func(*testing.T) lifecycle.Part {
		return lifecycle.Part{Stop: observe.NewMetrics().Stop}
	})
}

func TestTracingStops(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	lifecycle.Stops(t, func(t *testing.T) lifecycle.Part {
		stop, err := observe.StartTracing(t.Context(), observe.TracingConfig{Service: "orak-test"})
		require.NoError(t, err)
		return lifecycle.Part{Stop: stop}
	})
}
