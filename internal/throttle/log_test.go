package throttle_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/throttle"
)

func TestLogWritesAMessageOncePerPeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := throttle.NewLog(slog.New(slog.NewTextHandler(&out, nil)))
		for range 3 {
			log.WarnContext(t.Context(), "fetching failed", "partition", 1)
		}
		log.WarnContext(t.Context(), "committing failed")
		require.Equal(t, 1, strings.Count(out.String(), "fetching failed"))
		require.Equal(t, 1, strings.Count(out.String(), "committing failed"), "messages do not suppress each other")
		require.NotContains(t, out.String(), "suppressed")

		out.Reset()
		time.Sleep(throttle.Period)
		log.WarnContext(t.Context(), "fetching failed", "partition", 2)
		require.Contains(t, out.String(), `msg="fetching failed" partition=2 suppressed=2`)

		out.Reset()
		time.Sleep(throttle.Period)
		log.WarnContext(t.Context(), "fetching failed", "partition", 3)
		require.NotContains(t, out.String(), "suppressed", "a number is reported once")
	})
}

func TestLogDoesNotCountWhatItsLevelHides(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := throttle.NewLog(slog.New(slog.NewTextHandler(&out, nil)))
	log.Log(t.Context(), slog.LevelDebug, "request failed")
	log.Log(t.Context(), slog.LevelWarn, "request failed")
	require.Contains(t, out.String(), "request failed")
}
