package api_test

import (
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/workflows"
)

const (
	metadataText  = `{ "room": "A", "take": 3 }`
	metadataShown = `{"room":"A","take":3}`
)

func TestDescriptionOfARecordingIsAnnouncedAndEchoed(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	query := url.Values{"owner": {"Änne"}, "kind": {"song"}, "metadata": {metadataText}}.Encode()
	contentType, body := form(t, field("owner", "Änne"), field("kind", "song"), field("metadata", metadataText), file("a.wav", wav(1000)))
	described := []resource.Accepted{
		into[resource.Accepted](t, b.post("/v1/uploads?"+query, string(wav(1000))), http.StatusAccepted),
		into[resource.Accepted](t, b.upload(body, header{"Content-Type", contentType}), http.StatusAccepted),
	}
	plain := into[resource.Accepted](t, b.upload(wav(1000)), http.StatusAccepted)
	for _, e := range b.announced(3) {
		r, err := e.Received()
		require.NoError(t, err)
		in := workflows.ProcessUploadInput{Upload: r.Upload}
		_, err = b.client.ExecuteWorkflow(t.Context(), workflows.StartOptions(in), workflows.TypeProcessUpload, in)
		require.NoError(t, err)
	}
	for _, accepted := range described {
		u := into[resource.Upload](t, b.get(accepted.Links.Self), http.StatusOK)
		require.Equal(t, "Änne", u.Owner)
		require.Equal(t, "song", u.Kind)
		require.Equal(t, orak.Metadata(metadataShown), u.Metadata)
	}
	require.NotContains(t, b.log.String(), "Änne", "no log has an owner")
	require.NotContains(t, b.log.String(), "\"room", "nor metadata")
	u := into[resource.Upload](t, b.get(plain.Links.Self), http.StatusOK)
	require.Equal(t, "voice", u.Kind)
	require.Empty(t, u.Owner+string(u.Metadata))
}

// The store has the owner and the kind of a recording whose event is lost.
func TestOwnerAndKindAreInTheStoreToo(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	accepted := into[resource.Accepted](t, b.post("/v1/uploads?owner=%C3%84nne&kind=song", string(wav(1000))), http.StatusAccepted)
	u := into[resource.Upload](t, b.get(accepted.Links.Self), http.StatusOK)
	require.Equal(t, "Änne", u.Owner)
	require.Equal(t, "song", u.Kind)
}

func TestInvalidDescriptionIsRefusedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for query, contains := range map[string]string{
		"kind=podcast":                          "kind: not a kind: want voice or song",
		"owner=a%0Ab":                           "owner: ",
		"owner=a&owner=b":                       "owner may be given only once",
		"metadata=%5B%5D":                       "metadata: want a JSON object",
		"metadata=" + strings.Repeat("1", 5000): "metadata: want a JSON object",
	} {
		p := problem(t, b.post("/v1/uploads?"+query, string(wav(1000))), http.StatusBadRequest, "invalid-request")
		require.Contains(t, p.Detail, contains)
	}
	for contains, parts := range map[string][]func(*multipart.Writer){
		"must come before the file": {file("a.wav", wav(1000)), field("owner", "a")},
		"only once":                 {field("kind", "song"), field("kind", "song"), file("a.wav", wav(1000))},
		"4096 bytes":                {field("metadata", `{"a":"`+strings.Repeat("x", 5000)+`"}`), file("a.wav", wav(1000))},
		"want at most 16384 bytes":  {field("metadata", strings.Repeat(" ", 17_000)), file("a.wav", wav(1000))},
	} {
		contentType, body := form(t, parts...)
		p := problem(t, b.upload(body, header{"Content-Type", contentType}), http.StatusBadRequest, "invalid-request")
		require.Contains(t, p.Detail, contains)
	}
	b.eventually(func() bool { return len(b.keys()) == 0 }, "nothing is stored")
}
