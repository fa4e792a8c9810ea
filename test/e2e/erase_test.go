package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/internal/objectstore"
)

// answer is the API's answer to a method on a path.
func (a *app) answer(t *testing.T, method, path string, headers ...string) (int, resource.Problem) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.API+path, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := a.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var p resource.Problem
	if resp.StatusCode >= 400 {
		require.NoError(t, json.Unmarshal(text, &p), "%s", text)
	}
	return resp.StatusCode, p
}

// awaitErased waits until the API reports that everything of an upload is gone.
func (a *app) awaitErased(t *testing.T, id orak.UploadID) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, p := a.answer(t, http.MethodGet, "/v1/uploads/"+string(id))
		return status == http.StatusGone && p.Type == "urn:orak:problem:erased" && !p.ErasedAt.IsZero()
	}, patience, 100*time.Millisecond, "%s is not erased", id)
}

// keys returns the keys of the objects that name an upload.
func (a *app) keys(t *testing.T, id orak.UploadID) []string {
	t.Helper()
	store, err := objectstore.New(objectstore.Config{Endpoint: a.S3, Bucket: "orak", AccessKey: a.S3AccessKey, SecretKey: a.S3SecretKey})
	require.NoError(t, err)
	defer store.Close()
	var keys []string
	for info, err := range store.List(t.Context(), "") {
		require.NoError(t, err)
		if strings.Contains(info.Key, string(id)) {
			keys = append(keys, info.Key)
		}
	}
	return keys
}

// lifecycle returns the types of an upload's events on a topic, up to a mark that
// is published after them; repeats of an event count once.
func (a *app) lifecycle(t *testing.T, topic string, id orak.UploadID) []events.Type {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.kafka...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mark := &kgo.Record{Topic: topic, Key: []byte(id), Value: []byte(`{"mark":true}`), Headers: []kgo.RecordHeader{
		{Key: events.HeaderSpecVersion, Value: []byte("1.0")}, {Key: events.HeaderID, Value: []byte(time.Now().String())},
		{Key: events.HeaderType, Value: []byte("test.mark")}, {Key: events.HeaderSource, Value: []byte("/test")},
	}}
	require.NoError(t, cl.ProduceSync(ctx, mark).FirstErr())
	seen := map[string]bool{}
	var types []events.Type
	for {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, ctx.Err())
		for r := range fetches.RecordsAll() {
			if r.Partition == mark.Partition && r.Offset == mark.Offset {
				return types
			}
			e, err := events.FromRecord(r)
			if err == nil && e.Subject == id && !seen[e.ID] {
				seen[e.ID] = true
				types = append(types, e.Type)
			}
		}
	}
}

// requireErased checks that nothing is left of an upload, and that one event says
// so.
func (a *app) requireErased(t *testing.T, id orak.UploadID) {
	t.Helper()
	a.awaitErased(t, id)
	require.Equal(t, []string{orak.ErasedKey(a.tenant, id)}, a.keys(t, id))
	n := 0
	for _, typ := range a.lifecycle(t, events.TopicLifecycle, id) {
		if typ == events.Erased {
			n++
		}
	}
	require.Equal(t, 1, n)
	for _, path := range []string{"", "/analysis", "/events"} {
		status, _ := a.answer(t, http.MethodGet, "/v1/uploads/"+string(id)+path)
		require.Equal(t, http.StatusGone, status, path)
	}
	status, _ := a.answer(t, http.MethodDelete, "/v1/uploads/"+string(id))
	require.Equal(t, http.StatusNoContent, status)
}

// TestErasedUploadsStayErased erases uploads and then does everything that could
// bring them back.
func TestErasedUploadsStayErased(t *testing.T) {
	t.Parallel()
	p := startParking(t)
	body, err := os.ReadFile(tuneFile(t))
	require.NoError(t, err)
	take := sending{body: body, contentType: "audio/wav", filename: "Ännchen.wav", idempotencyKey: "take-1"}
	status, text, err := p.send(t.Context(), take)
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, status, "%s", text)
	var accepted resource.Accepted
	require.NoError(t, json.Unmarshal(text, &accepted))
	id := accepted.ID
	require.Equal(t, orak.StatusCompleted, p.awaitEnd(t, id).Status)
	parked := p.park(t)
	require.NotEmpty(t, p.keys(t, id))

	status, _ = p.answer(t, http.MethodDelete, "/v1/uploads/"+string(id), "X-Orak-Tenant", "thief")
	require.Equal(t, http.StatusNotFound, status)
	status, _ = p.answer(t, http.MethodDelete, "/v1/uploads/0192f1c5-7a1e-7c3a-9d5e-0123456789ab")
	require.Equal(t, http.StatusNotFound, status)

	require.Contains(t, p.orak(t, "erase", string(id), string(parked), "--yes", "--watch"), string(parked)+" was erased at")
	p.requireErased(t, id)
	p.requireErased(t, parked)
	require.Equal(t, []events.Type{events.DeadLettered, events.Canceled, events.Erased}, p.lifecycle(t, events.TopicLifecycle, parked))

	// The announcement comes again, a replay is forced, and the app repeats
	// its upload.
	p.announceAgain(t, id)
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte(p.S3SecretKey), 0o600))
	out := run(t, "env", "ORAK_S3_SECRET_KEY_FILE="+secret, "go", "run", "orak/cmd/orak", "replay", "--id", string(id), string(parked), "--force", "--yes",
		"--kafka-brokers", strings.Join(p.kafka, ","), "--temporal-address", p.Temporal,
		"--s3-endpoint", p.S3, "--s3-access-key", p.S3AccessKey)
	require.Contains(t, out, "Erased")
	require.Contains(t, out, "Nothing to start.")
	status, text, err = p.send(t.Context(), take)
	require.NoError(t, err)
	require.Equal(t, http.StatusGone, status, "%s", text)
	require.Contains(t, string(text), "new key")

	// An upload that completes now was handled after all of this.
	require.Equal(t, orak.StatusCompleted, p.awaitEnd(t, p.upload(t, tuneFile(t)).ID).Status)
	p.requireErased(t, id)
	p.requireErased(t, parked)
}

// announceAgain publishes an upload's announcement again, byte for byte, and waits
// until the bridge has handled it.
func (a *app) announceAgain(t *testing.T, id orak.UploadID) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.kafka...), kgo.ConsumeTopics(events.TopicUploads), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, ctx.Err())
		for r := range fetches.RecordsAll() {
			if e, err := events.FromRecord(r); err == nil && e.Subject == id && e.Type == events.UploadReceived {
				again := &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: r.Headers}
				require.NoError(t, cl.ProduceSync(ctx, again).FirstErr())
				return
			}
		}
	}
}

// TestUploadInTheOutboxIsErased requests an erasure while Kafka is unavailable.
// Once Kafka is back, both the upload and its erasure are announced, in any
// order.
func TestUploadInTheOutboxIsErased(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	var unavailable atomic.Bool
	broker.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		if unavailable.Load() {
			return nil, io.ErrClosedPipe, true
		}
		return nil, nil, false
	})
	a := startAppOn(t, broker.ListenAddrs()[0])
	unavailable.Store(true)
	id := a.upload(t, tuneFile(t)).ID
	require.Contains(t, a.keys(t, id), orak.PendingKey(a.tenant, id))
	status, p := a.answer(t, http.MethodDelete, "/v1/uploads/"+string(id))
	require.Equal(t, http.StatusAccepted, status, p.Detail)
	status, _ = a.answer(t, http.MethodGet, "/v1/uploads/"+string(id))
	require.Equal(t, http.StatusGone, status)

	unavailable.Store(false)
	a.awaitErased(t, id)
	// The relay removes a marker that was written late.
	require.Eventually(t, func() bool { return len(a.keys(t, id)) == 1 }, patience, 100*time.Millisecond)
	require.Equal(t, orak.StatusCompleted, a.awaitEnd(t, a.upload(t, tuneFile(t)).ID).Status)
	a.requireErased(t, id)
	require.Empty(t, a.lifecycle(t, events.TopicDeadLetters, id))
}
