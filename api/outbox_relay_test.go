package api_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/internal/kafka"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

func TestUploadsAreAcceptedDuringKafkaOutageAndFollowLater(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.AckWait = 20 * time.Millisecond })
	b.kafkaDown.Store(true)
	content := wav(5000)
	a := into[resource.Accepted](t, b.upload(content), http.StatusAccepted)
	require.Contains(t, b.keys(), orak.PendingKey(orak.DefaultTenant, a.ID))
	b.eventually(func() bool { return b.marker(a.ID)["sha256"] == hexSum(content) }, "the marker has all that the event needs")

	b.kafkaDown.Store(false)
	require.Equal(t, a.ID, b.announced(1)[0].Subject)
	b.eventually(func() bool { return len(b.keys()) == 1 }, "the marker is removed")
}

func (b *bundle) marker(id orak.UploadID) map[string]any {
	b.t.Helper()
	r, _, err := b.store.Get(b.t.Context(), orak.PendingKey(orak.DefaultTenant, id))
	require.NoError(b.t, err)
	defer r.Close()
	var m map[string]any
	require.NoError(b.t, json.NewDecoder(r).Decode(&m))
	return m
}

func TestNextProcessAnnouncesMarkersThatRemain(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.AckWait = time.Millisecond })
	b.kafkaDown.Store(true)
	ids := map[orak.UploadID]string{}
	for i := range 5 {
		content := wav(1000 + i)
		ids[into[resource.Accepted](t, b.upload(content, header{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}), http.StatusAccepted).ID] = hexSum(content)
	}
	// The producer of the first process keeps failing; the others have new ones.
	b.deps.Events = b.producer()
	b.kafkaDown.Store(false)
	b.replica()
	b.replica()
	b.eventually(func() bool { return len(b.keys()) == len(ids) }, "every marker is removed")
	for _, e := range b.announced(len(ids)) {
		u := uploadOf(t, e)
		require.Equal(t, ids[u.ID], u.SHA256)
		require.Contains(t, e.Traceparent, "4bf92f3577b34da6a3ce929d0e0e4736")
	}
}

func freshID() orak.UploadID { return orak.UploadID(uuid.Must(uuid.NewV7()).String()) }

func TestRelayCompletesMarkersFromTheStore(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	content := wav(7000)
	bare, damaged, wrongSize := freshID(), freshID(), freshID()
	bareMarker := orak.Upload{ID: bare, Tenant: "choir", ContentType: "audio/wav", Filename: "a.wav", ReceivedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	text, err := json.Marshal(bareMarker)
	require.NoError(t, err)
	b.put(orak.PendingKey("choir", bare), text, "application/json")
	b.put(orak.PendingKey("choir", damaged), []byte("{"), "application/json")
	wrong := bareMarker
	wrong.ID, wrong.Key, wrong.Size, wrong.SHA256 = wrongSize, orak.OriginalKey("choir", wrongSize), 1, strings.Repeat("0", 64)
	text, err = json.Marshal(wrong)
	require.NoError(t, err)
	b.put(orak.PendingKey("choir", wrongSize), text, "application/json")
	b.put("pending/not-a-marker", []byte("x"), "text/plain")
	for _, id := range []orak.UploadID{bare, damaged, wrongSize} {
		b.put(orak.OriginalKey("choir", id), content, "audio/wav")
	}
	b.start()

	seen := map[orak.UploadID]orak.Upload{}
	for _, e := range b.announced(3) {
		u := uploadOf(t, e)
		require.Equal(t, hexSum(content), u.SHA256)
		require.Equal(t, int64(len(content)), u.Size)
		require.Equal(t, "audio/wav", u.ContentType)
		require.Equal(t, orak.Tenant("choir"), u.Tenant)
		seen[u.ID] = u
	}
	require.Len(t, seen, 3)
	require.Equal(t, "a.wav", seen[bare].Filename)
	require.True(t, bareMarker.ReceivedAt.Equal(seen[bare].ReceivedAt))
	b.eventually(func() bool { return len(b.keys()) == 4 }, "the markers are removed")
}

func TestRelayLeavesUploadsThatMayBeRunning(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.OutboxInterval = 20 * time.Millisecond })
	b.younger()
	id := freshID()
	b.put(orak.OriginalKey("choir", id), wav(100), "audio/wav")
	b.put(orak.PendingKey("choir", id), []byte("{}"), "application/json") // younger than the process
	b.eventually(func() bool { return b.gauge("orak_outbox_pending") == 1 }, "it was listed")
	require.Contains(t, b.keys(), orak.PendingKey("choir", id))
}

func TestMarkerWithoutARecordingIsDroppedAfterItsGracePeriod(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	b.cfg.OutboxInterval, b.cfg.OutboxGrace, b.cfg.OutboxMinAge = 20*time.Millisecond, time.Hour, time.Millisecond
	key := orak.PendingKey("choir", freshID())
	b.put(key, []byte("{}"), "application/json")
	b.start()
	b.eventually(func() bool { return b.gauge("orak_outbox_oldest_age_seconds") > 0 }, "it was listed")
	require.Contains(t, b.keys(), key)

	r := *b
	r.cfg.OutboxGrace = time.Millisecond
	r.replica()
	b.eventually(func() bool { return len(b.keys()) == 0 }, "it is dropped")
	b.eventually(func() bool { return strings.Contains(b.log.String(), "its recording never arrived") }, "it is logged")
}

func TestBrokenMarkerDoesNotBlockTheOutbox(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	b.cfg.OutboxWorkers = 1
	broken, good := freshID(), freshID() // listed in this order
	for _, id := range []orak.UploadID{broken, good} {
		b.put(orak.PendingKey("choir", id), []byte("{}"), "application/json")
		b.put(orak.OriginalKey("choir", id), wav(100), "audio/wav")
	}
	b.put(orak.OriginalKey("choir", broken), nil, "audio/wav") // no event can announce it
	b.start()
	require.Equal(t, good, b.announced(1)[0].Subject)
	b.eventually(func() bool { return strings.Contains(b.log.String(), "could not be published") }, "it is logged")
	require.Contains(t, b.keys(), orak.PendingKey("choir", broken))
}

// An erasure is recorded on the main cluster before it is announced, an upload is not.
func TestErasuresThatCannotBeRecordedDoNotBlockUploads(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	cl, err := kafka.NewClient(kafka.Config{Brokers: []string{"127.0.0.1:1"}, ClientID: "test"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	cl.Close()
	b.deps.Events = kafka.NewRouter(kafka.NewProducer(cl), map[kafka.Place]*kafka.Producer{kafka.Primary: b.producer()})
	for range outbox.MaxFailures {
		b.put(orak.PendingErasureKey("alto", freshID()), []byte("{}"), "application/json") // listed before the upload
	}
	id := freshID()
	b.put(orak.OriginalKey("choir", id), wav(100), "audio/wav")
	b.put(orak.PendingKey("choir", id), []byte("{}"), "application/json")
	b.cfg.OutboxWorkers, b.cfg.OutboxMinAge = 1, time.Millisecond
	b.start()
	require.EqualValues(t, id, b.announced(1)[0].Subject)
	b.eventually(func() bool { return len(b.keys()) == outbox.MaxFailures+1 }, "the erasures' markers stay")
}

// gauge returns the value of a metric without labels.
func (b *bundle) gauge(name string) float64 {
	b.t.Helper()
	families, err := b.metrics.Gather()
	require.NoError(b.t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

func TestEveryConcurrentUploadIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 50
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if r := b.upload(bytes.Clone(wav(20_000))); r.status != http.StatusAccepted {
				t.Errorf("%d: %s", r.status, r.body)
			}
		})
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, e := range b.announced(n) {
		ids[e.ID] = true
	}
	require.Len(t, ids, n)
	b.eventually(func() bool { return len(b.keys()) == n }, "every marker is removed")
}

// At the first start the bucket is created while the API starts, which is no outage.
func TestRelayWaitsForTheBucket(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	store, err := objectstore.New(objectstore.Config{
		Endpoint: b.servers.S3, AccessKey: b.servers.S3AccessKey, SecretKey: b.servers.S3SecretKey, Bucket: "test-" + strings.ToLower(rand.Text()),
	})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	bucket, reports := make(chan struct{}), &reports{}
	b.store, b.deps.Store, b.deps.Bucket, b.deps.Outages = store, store, bucket, reports
	b.cfg.OutboxMinAge = time.Millisecond // the marker may be of a later second than the process
	b.start()
	// A request that fails: the store is asked, and has no bucket yet.
	require.Equal(t, http.StatusServiceUnavailable, b.upload(wav(1000)).status)
	refused := reports.n.Load()

	require.NoError(t, store.EnsureBucket(t.Context()))
	u := orak.Upload{ID: freshID(), Tenant: "choir", ContentType: "audio/wav", Filename: "a.wav", ReceivedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	text, err := json.Marshal(u)
	require.NoError(t, err)
	b.put(orak.OriginalKey("choir", u.ID), wav(1000), "audio/wav")
	b.put(orak.PendingKey("choir", u.ID), text, "application/json")
	close(bucket)
	require.EqualValues(t, u.ID, b.announced(1)[0].Subject)
	require.Equal(t, refused, reports.n.Load())
	require.NotContains(t, b.log.String(), "the outbox could not be emptied")
}

// reports counts what is reported as an outage.
type reports struct{ n atomic.Int64 }

func (r *reports) Report(error) { r.n.Add(1) }
