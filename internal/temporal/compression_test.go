package temporal

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"orak/internal/config"
)

func TestRequestsAreCompressedOnlyIfConfigured(t *testing.T) {
	t.Parallel()
	cfg := config.MustDefaults[Config]()
	o, err := options(cfg, slog.New(slog.DiscardHandler), Telemetry{})
	require.NoError(t, err)
	require.Equal(t, &client.GrpcCompressionNone{}, o.ConnectionOptions.GrpcCompression)

	cfg.Compression = "gzip"
	o, err = options(cfg, slog.New(slog.DiscardHandler), Telemetry{})
	require.NoError(t, err)
	require.Nil(t, o.ConnectionOptions.GrpcCompression, "the SDK's default is gzip")
}
