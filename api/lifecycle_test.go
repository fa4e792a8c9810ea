package api_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"orak/api"
	"orak/test/leaks"
	"orak/test/lifecycle"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func TestServerStartsOnceAndStops(t *testing.T) {
	lifecycle.Starts(t, func(t *testing.T) lifecycle.Part {
		b := prepare(t)
		b.deps.Metrics = prometheus.NewRegistry()
		s := api.New(b.cfg, b.deps)
		return lifecycle.Part{Start: s.Start, Stop: s.Stop, Serves: func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/livez", nil)
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
