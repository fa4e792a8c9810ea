package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/api/resource"
	"orak/events"
)

// announced publishes the announcement of a recording that is not stored, as a
// producer other than the API could; spoil changes its data.
func (a *app) announced(t *testing.T, spoil func(data string) string) (orak.UploadID, []byte) {
	t.Helper()
	id := orak.UploadID(uuid.Must(uuid.NewV7()).String())
	e, err := events.NewReceived(orak.Upload{
		ID: id, Tenant: a.tenant, Key: orak.OriginalKey(a.tenant, id), ContentType: "audio/wav",
		Size: 1000, SHA256: strings.Repeat("0f", 32), ReceivedAt: time.Now(),
	})
	require.NoError(t, err)
	e.Data = []byte(spoil(string(e.Data)))
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.kafka...))
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, cl.ProduceSync(t.Context(), e.Record(events.TopicUploads)).FirstErr())
	return id, e.Data
}

func TestRefusedAnnouncementsAreListedAndDecided(t *testing.T) {
	t.Parallel()
	a := startShared(t, "ORAK_RETRY_ARRIVAL=1s")
	unstored, _ := a.announced(t, func(data string) string { return data })
	malformed, data := a.announced(t, func(data string) string { return strings.Replace(data, `"size":1000`, `"size":"ten"`, 1) })

	u := a.await(t, unstored, func(s orak.Status) bool { return s == orak.StatusDeadLettered })
	require.Equal(t, orak.ClassInput, u.Failure.Class)
	require.Equal(t, "The announcement names a recording that is not in the store.", u.Failure.Message)

	u = a.await(t, malformed, func(s orak.Status) bool { return s == orak.StatusDeadLettered })
	require.Equal(t, orak.StageReceive, u.Failure.Stage)
	require.Contains(t, u.Failure.Message, "size")
	require.Equal(t, data, a.deadLetter(t, malformed).Origin.Value)
	var page resource.DeadLetterPage
	require.Eventually(t, func() bool {
		return a.get(t.Context(), "/v1/dead-letters?stage=receive&class=input", &page) == nil && len(page.DeadLetters) == 1
	}, patience, 100*time.Millisecond)
	require.Equal(t, malformed, page.DeadLetters[0].ID)
	var detail resource.DeadLetterDetail
	require.NoError(t, a.get(t.Context(), "/v1/dead-letters/"+string(malformed), &detail))
	require.NotEmpty(t, detail.Event)

	const decision = `{"reason":"test","by":"ada"}`
	status, answer := a.post(t, "/v1/dead-letters/"+string(malformed)+"/reprocess", decision)
	require.Equal(t, http.StatusBadRequest, status, answer)
	require.Contains(t, answer, "nnounce the upload again, or discard it")
	for _, id := range []orak.UploadID{unstored, malformed} {
		status, answer = a.post(t, "/v1/dead-letters/"+string(id)+"/discard", decision)
		require.Equal(t, http.StatusAccepted, status, answer)
		a.await(t, id, func(s orak.Status) bool { return s == orak.StatusDiscarded })
	}
}
