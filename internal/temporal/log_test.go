package temporal

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoggerLowersFailedAttemptsOfTheSDK(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	info := newLogger(slog.New(slog.NewTextHandler(&out, nil)))
	info.Error(messageActivityError, "Error", "a stage failed")
	require.Empty(t, out.String())
	info.Error("Worker failed")
	require.Contains(t, out.String(), "level=ERROR")

	out.Reset()
	debug := newLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	debug.Error(messageActivityError, "Error", "a stage failed")
	require.Contains(t, out.String(), "level=DEBUG")
	require.Contains(t, out.String(), "a stage failed")
}
