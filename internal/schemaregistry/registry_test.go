package schemaregistry_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"orak/events/schema"
	"orak/internal/schemaregistry"
)

// The fake shows that the protocol is right. It calls everything compatible, so it
// shows nothing of compatibility, which the tests of package schema do.
func TestSchemasAreRegisteredWithWhatTheyReferTo(t *testing.T) {
	t.Parallel()
	registry := srfake.New(srfake.WithAuth("Basic b3JhazpzZWNyZXQ="))
	t.Cleanup(registry.Close)
	cfg := schemaregistry.Config{URL: registry.URL(), User: "orak", Password: "secret"}
	require.NoError(t, cfg.Validate())
	log := slog.New(slog.DiscardHandler)
	for range 2 {
		require.NoError(t, schemaregistry.Register(t.Context(), cfg, log))
	}
	client, err := sr.NewClient(sr.URLs(cfg.URL), sr.BasicAuth(cfg.User, cfg.Password))
	require.NoError(t, err)
	for name, references := range map[string]int{
		schema.Received: 1, schema.Cancellation: 1, schema.Erasure: 1, schema.Lifecycle: 2, "upload": 0, "analysis": 0,
	} {
		subject := schemaregistry.Subject(name)
		versions, err := client.SubjectVersions(t.Context(), subject)
		require.NoError(t, err)
		require.Equal(t, []int{1}, versions, "a repeat registers nothing")
		got, err := client.SchemaByVersion(t.Context(), subject, 1)
		require.NoError(t, err)
		text, err := schema.Text(name)
		require.NoError(t, err)
		require.JSONEq(t, string(text), got.Schema.Schema)
		require.Equal(t, sr.TypeJSON, got.Type)
		require.Len(t, got.References, references)
		for _, result := range client.Compatibility(t.Context(), subject) {
			require.NoError(t, result.Err)
			require.Equal(t, sr.CompatBackwardTransitive, result.Level)
		}
	}
}

func TestRefusalDiffersFromAnOutage(t *testing.T) {
	t.Parallel()
	status := http.StatusConflict
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, err := w.Write([]byte(`{"error_code":409,"message":"incompatible"}`))
		require.NoError(t, err)
	}))
	t.Cleanup(server.Close)
	cfg := schemaregistry.Config{URL: server.URL}
	log := slog.New(slog.DiscardHandler)
	require.ErrorIs(t, schemaregistry.Register(t.Context(), cfg, log), schemaregistry.ErrRefused)
	status = http.StatusBadGateway
	err := schemaregistry.Register(t.Context(), cfg, log)
	require.Error(t, err)
	require.NotErrorIs(t, err, schemaregistry.ErrRefused)
}

func TestConfigOfTheRegistryIsValidated(t *testing.T) {
	t.Parallel()
	require.NoError(t, schemaregistry.Config{}.Validate())
	for _, cfg := range []schemaregistry.Config{
		{URL: "registry:8081"}, {URL: "ftp://registry"}, {URL: "http://"}, {URL: "http://user:secret@registry"}, {URL: "http://registry", User: "orak"},
	} {
		require.Error(t, cfg.Validate())
	}
}
