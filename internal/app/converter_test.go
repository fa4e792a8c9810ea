package app

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSlowFFmpegIsReportedWithARemedy(t *testing.T) {
	t.Parallel()
	for took, says := range map[time.Duration][2]string{
		67 * time.Millisecond: {"starts slowly", "ffmpeg:audio"},
		9 * time.Millisecond:  {"starts quickly", "start_ms=9"},
	} {
		var logged bytes.Buffer
		logStartTime(t.Context(), slog.New(slog.NewTextHandler(&logged, nil)), took)
		require.Contains(t, logged.String(), says[0])
		require.Contains(t, logged.String(), says[1])
		require.Equal(t, 1, bytes.Count(logged.Bytes(), []byte("\n")))
	}
}
