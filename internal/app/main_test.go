package app

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/test/leaks"
	"orak/test/lifecycle"
	"orak/test/stack"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func TestAppStops(t *testing.T) {
	lifecycle.Stops(t, func(t *testing.T) lifecycle.Part {
		cfg := bridgeSettings(t, stack.Start(t), "--instance-id=stops-1", "--api-addr=127.0.0.1:0", "--scratch-dir="+t.TempDir(), "--index-dir="+t.TempDir())
		a, err := Start(t.Context(), cfg, All(), slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		return lifecycle.Part{Stop: a.Stop}
	})
}
