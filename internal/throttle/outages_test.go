package throttle_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/throttle"
)

func TestOutageIsLoggedWhenItBeginsAndWhenItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		tries := throttle.NewOutages(slog.New(slog.NewTextHandler(&out, nil)))
		away := errors.New("connection refused")
		tries.Report(t.Context(), nil, "looking at Kafka failed")
		require.Empty(t, out.String(), "it works")
		for range 20 {
			tries.Report(t.Context(), away, "looking at Kafka failed")
			tries.Report(t.Context(), away, "a queue cannot be described", "queue", "gpu")
			time.Sleep(3 * time.Second)
		}
		tries.Report(t.Context(), context.Canceled, "looking at Kafka failed")
		require.Equal(t, 2, strings.Count(out.String(), "\n"), out.String())
		require.Contains(t, out.String(), `level=WARN msg="looking at Kafka failed" error="connection refused"`)
		require.Contains(t, out.String(), `level=WARN msg="a queue cannot be described" queue=gpu error="connection refused"`)

		out.Reset()
		tries.Report(t.Context(), nil, "a queue cannot be described", "queue", "control")
		require.Empty(t, out.String(), "another one")
		for range 2 {
			tries.Report(t.Context(), nil, "looking at Kafka failed")
		}
		require.Equal(t, 1, strings.Count(out.String(), "\n"), out.String())
		require.Contains(t, out.String(), `level=INFO msg="works again" failed_with="looking at Kafka failed" lasted=1m0s failures=20`)

		out.Reset()
		tries.Report(t.Context(), away, "looking at Kafka failed")
		require.Contains(t, out.String(), "level=WARN", "the next outage")
	})
}
