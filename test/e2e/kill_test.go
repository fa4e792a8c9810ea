package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

// TestKillWith50UploadsInFlightLosesNone kills the whole service with
// its servers while 50 apps upload. Each app tries again with its Idempotency-Key
// until it has its answer.
func TestKillWith50UploadsInFlightLosesNone(t *testing.T) {
	t.Parallel()
	a := startApp(t, "ORAK_REUSE_ANALYSES=false") // all have the same bytes
	body, err := os.ReadFile(tuneFile(t))
	require.NoError(t, err)

	const uploads = 50
	ids := map[orak.UploadID]bool{}
	var mu sync.Mutex
	var apps sync.WaitGroup
	enough := make(chan struct{})
	for i := range uploads {
		apps.Go(func() {
			s := sending{body: body, contentType: "audio/wav", idempotencyKey: "app-" + strconv.Itoa(i)}
			deadline := time.Now().Add(patience)
			for time.Now().Before(deadline) {
				status, answer, err := a.send(t.Context(), s)
				var accepted resource.Accepted
				if err != nil || status != http.StatusAccepted || json.Unmarshal(answer, &accepted) != nil {
					pause := time.NewTimer(50 * time.Millisecond)
					<-pause.C
					continue
				}
				mu.Lock()
				ids[accepted.ID] = true
				if len(ids) == uploads/5 {
					close(enough)
				}
				mu.Unlock()
				return
			}
		})
	}
	<-enough // some are answered, some in flight, some not begun
	a.Kill()
	mu.Lock()
	before := len(ids)
	mu.Unlock()
	t.Logf("killed after %d of %d answers", before, uploads)
	a.Restart()
	apps.Wait()

	require.Len(t, ids, uploads)
	for id := range ids {
		u := a.awaitEnd(t, id)
		require.Equal(t, orak.StatusCompleted, u.Status, "%s: %+v", id, u.Failure)
	}
	for id, eventIDs := range a.completions(t, ids) {
		require.Len(t, eventIDs, 1, "upload %s was completed more than once", id)
	}
}
