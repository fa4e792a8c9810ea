package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"orak"
	"orak/api/resource"
	"orak/operate/clusters"
	"orak/test/stack"
)

// TestUploadsGoOnWhileTheirClusterDiesForGood switches from one cluster of orak.uploads to
// another with the real command, kills the one that was left, and goes on.
func TestUploadsGoOnWhileTheirClusterDiesForGood(t *testing.T) {
	t.Parallel()
	fronting, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("fronting"))
	require.NoError(t, err)
	t.Cleanup(fronting.Close)
	standby, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("standby"))
	require.NoError(t, err)
	t.Cleanup(standby.Close)
	env := []string{
		"ORAK_KAFKA_UPLOADS_BROKERS=" + strings.Join(fronting.ListenAddrs(), ","), "ORAK_KAFKA_STANDBY_BROKERS=" + strings.Join(standby.ListenAddrs(), ","),
		"ORAK_API_OUTBOX_INTERVAL=1s", "ORAK_API_OUTBOX_MIN_AGE=2s",
	}
	a := startApp(t, append(env, "ORAK_REUSE_ANALYSES=false")...) // all have the same bytes
	desk := t.TempDir()
	require.NoError(t, os.Symlink(a.DataDir, filepath.Join(desk, ".orak")))
	orakDoes := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), stack.Orak(t), args...)
		cmd.Dir, cmd.Env = desk, stack.Environ(append(env, "XDG_CACHE_HOME="+desk)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%v\n%s", args, out)
		return out
	}
	status := func() (s clusters.Status) {
		require.NoError(t, json.Unmarshal(orakDoes("kafka", "status", "--json"), &s))
		return s
	}

	body, err := os.ReadFile(tuneFile(t))
	require.NoError(t, err)
	var mu sync.Mutex
	taken, refused := []orak.UploadID{}, map[int]int{}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			code, answer, err := a.send(t.Context(), sending{body: body, contentType: "audio/wav"})
			var accepted resource.Accepted
			mu.Lock()
			if err == nil && code == http.StatusAccepted && json.Unmarshal(answer, &accepted) == nil {
				taken = append(taken, accepted.ID)
			} else {
				refused[code]++
			}
			mu.Unlock()
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	more := func(n int) {
		mu.Lock()
		want := len(taken) + n
		mu.Unlock()
		require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(taken) >= want }, patience, 20*time.Millisecond)
	}
	more(5)
	fronting.Close() // for good, while uploads are announced there
	more(5)
	orakDoes("kafka", "switch", "standby", "--reason", "primary is down", "--yes")
	more(5)
	s := status()
	require.Equal(t, clusters.Standby, s.Active)
	require.False(t, s.Places[0].Reachable)
	require.Equal(t, "primary is down", s.Reason)
	close(stop)
	<-ended
	require.Empty(t, refused, "uploads are taken throughout")

	// What the dead cluster acknowledged and no bridge read is only in the store.
	require.Eventually(t, func() bool { return status().Places[1].Drained }, patience, 500*time.Millisecond)
	orakDoes("replay", "--from-store", "--since", "1h", "--yes")
	for _, id := range taken {
		require.Equal(t, orak.StatusCompleted, a.awaitEnd(t, id).Status)
	}
	ids := map[orak.UploadID]bool{}
	for _, id := range taken {
		ids[id] = true
	}
	for id, events := range a.completions(t, ids) {
		require.Len(t, events, 1, "%s is completed once", id)
	}
	require.Contains(t, string(orakDoes("replay", "--from-store", "--since", "1h", "--dry-run")), "Nothing to start.")
}
