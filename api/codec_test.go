package api_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"

	"orak"
	"orak/api/resource"
	"orak/workflows"
)

func TestStatusIsReadBehindACodec(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	coded := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true}))
	c, err := client.NewLazyClient(client.Options{
		HostPort: b.servers.Temporal, Namespace: b.servers.Namespace(t), DataConverter: coded,
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	b.deps.Workflows, b.deps.Payloads = c, workflows.NewPayloads(coded)
	b.start()
	blind := *b
	blind.deps.Payloads, blind.deps.Metrics = workflows.Payloads{}, prometheus.NewRegistry()
	blind.start()

	p := progress(orak.DefaultTenant, orak.StatusQueued)
	in := workflows.ProcessUploadInput{Upload: p.Upload}
	_, err = c.ExecuteWorkflow(t.Context(), workflows.StartOptions(in), workflows.TypeProcessUpload, in)
	require.NoError(t, err)

	u := into[resource.Upload](t, b.get(self(p)), http.StatusOK)
	require.Equal(t, orak.StatusQueued, u.Status)
	require.True(t, p.Upload.ReceivedAt.Equal(u.CreatedAt))
	problem(t, blind.get(self(p)), http.StatusNotFound, "not-found")
}
