package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/objectstore"
	"orak/internal/outbox"
	"orak/test/stack"
)

// bundle is an outbox on a real store with a producer whose Kafka client is
// closed, so that every send fails at once.
type bundle struct {
	*outbox.Outbox
	t     *testing.T
	store *objectstore.Store
	asked atomic.Int64
	// types are the types of the events that were sent to Kafka.
	types []events.Type
	// failing selects the markers that the store fails to read.
	failing func(orak.UploadID) bool
	events  outbox.Publisher
}

func setup(t *testing.T) *bundle {
	t.Helper()
	servers := stack.Start(t)
	b := &bundle{t: t, failing: func(orak.UploadID) bool { return false }}
	var err error
	b.store, err = objectstore.New(objectstore.Config{
		Endpoint: servers.S3, AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey, Bucket: servers.Bucket(t),
	})
	require.NoError(t, err)
	t.Cleanup(b.store.Close)
	b.events = closed(t)
	b.Outbox = outbox.New(&faulty{b.store, b}, b, time.Hour, slog.New(slog.DiscardHandler))
	return b
}

// closed returns a producer that fails at once.
func closed(t *testing.T) *kafka.Producer {
	t.Helper()
	cl, err := kafka.NewClient(kafka.Config{Brokers: []string{"127.0.0.1:1"}, ClientID: "test"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	cl.Close()
	return kafka.NewProducer(cl)
}

// PublishEvent counts the attempts to send.
func (b *bundle) PublishEvent(ctx context.Context, topic string, e events.Event) error {
	b.asked.Add(1)
	b.types = append(b.types, e.Type) // a sweep publishes sequentially
	return b.events.PublishEvent(ctx, topic, e)
}

// faulty is a store that fails to read some markers.
type faulty struct {
	*objectstore.Store
	b *bundle
}

func (f *faulty) Get(ctx context.Context, key string) (io.ReadCloser, objectstore.Info, error) {
	if _, id, ok := orak.ParsePendingKey(key); ok && f.b.failing(id) {
		return nil, objectstore.Info{}, &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyStore, Message: "The store is unavailable.", Err: errors.New("injected")}
	}
	return f.Store.Get(ctx, key)
}

// mark stores n uploads with their markers and returns their ids in listing
// order.
func (b *bundle) mark(n int) (ids []orak.UploadID) {
	b.t.Helper()
	for i := range n {
		id := orak.UploadID(fmt.Sprintf("%08x%s", i, uuid.NewString()[8:]))
		ids = append(ids, id)
		b.put(orak.OriginalKey("choir", id), "recording")
		b.put(orak.PendingKey("choir", id), "{}")
	}
	return ids
}

func (b *bundle) put(key, content string) {
	b.t.Helper()
	_, err := b.store.Put(b.t.Context(), key, bytes.NewReader([]byte(content)), objectstore.PutOptions{Size: int64(len(content))})
	require.NoError(b.t, err)
}

func among(ids []orak.UploadID) func(orak.UploadID) bool {
	set := map[orak.UploadID]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return func(id orak.UploadID) bool { return set[id] }
}

func TestSweepEndsOnceEverythingFails(t *testing.T) {
	t.Parallel()
	every := func(ids []orak.UploadID, n int) (some []orak.UploadID) {
		for i := 0; i < len(ids); i += n {
			some = append(some, ids[i])
		}
		return some
	}
	for name, c := range map[string]struct {
		storeFails func([]orak.UploadID) []orak.UploadID
		// examined and asked are upper bounds for one page.
		examined, asked int
	}{
		"Kafka fails":                  {func([]orak.UploadID) []orak.UploadID { return nil }, 8, 8},
		"the store fails":              {func(ids []orak.UploadID) []orak.UploadID { return ids }, 8, 0},
		"the store first, then Kafka":  {func(ids []orak.UploadID) []orak.UploadID { return ids[:7] }, 8, 1},
		"both alternately":             {func(ids []orak.UploadID) []orak.UploadID { return every(ids, 2) }, 8, 4},
		"Kafka first, the store later": {func(ids []orak.UploadID) []orak.UploadID { return ids[7:] }, 8, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.failing = among(c.storeFails(b.mark(30)))
			page, err := b.Sweep(t.Context(), "", 100, 0)
			require.Error(t, err)
			require.LessOrEqual(t, page.Examined, c.examined)
			require.Equal(t, page.Examined, page.Failed)
			require.LessOrEqual(t, int(b.asked.Load()), c.asked)
		})
	}
}

// Markers that are handled without Kafka do not show that Kafka is available.
func TestSweepEndsDuringKafkaOutageAlthoughOtherMarkersSucceed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, id := range b.mark(60) {
		if i%2 == 0 {
			require.NoError(t, b.store.Delete(t.Context(), orak.OriginalKey("choir", id))) // left until its grace period is over
		}
	}
	page, err := b.Sweep(t.Context(), "", 100, 0)
	require.ErrorIs(t, err, outbox.ErrUnsent)
	require.Equal(t, outbox.MaxFailures, page.Failed)
	require.EqualValues(t, outbox.MaxFailures, b.asked.Load())
}

// Markers that can never be published do not block others, however many.
func TestSweepSkipsMarkersThatAreBroken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.mark(2*outbox.MaxFailures + 3)
	for _, id := range ids[:2*outbox.MaxFailures] {
		b.put(orak.OriginalKey("choir", id), "") // no event can announce it
	}
	page, err := b.Sweep(t.Context(), "", 100, 0)
	require.NoError(t, err)
	require.Equal(t, len(ids), page.Failed)
	require.EqualValues(t, 3, b.asked.Load(), "the markers after them were tried")
}

// An accepted erasure consists only of its marker.
func TestSweepSendsErasures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := orak.UploadID(uuid.NewString())
	b.put(orak.PendingErasureKey("choir", id), `{"upload_id":"`+string(id)+`","tenant":"choir","by":"ada","requested_at":"2026-01-02T03:04:05Z"}`)
	page, err := b.Sweep(t.Context(), "", 100, 0)
	require.NoError(t, err)
	require.Equal(t, 1, page.Failed, "Kafka is unavailable")
	require.Equal(t, []events.Type{events.Erased}, b.types)

	// A young marker is left to the process that accepted the erasure.
	_, err = b.Sweep(t.Context(), "", 100, time.Hour)
	require.NoError(t, err)
	require.Len(t, b.types, 1)
}

// An erasure is recorded on the main cluster before it is announced, an upload is not.
func TestSweepSendsUploadsAlthoughErasuresCannotBeRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, events.TopicUploads))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	cl, err := kafka.NewClient(kafka.Config{Brokers: cluster.ListenAddrs(), ClientID: "test"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	b.events = kafka.NewRouter(closed(t), map[kafka.Place]*kafka.Producer{kafka.Primary: kafka.NewProducer(cl)})
	const erasures = 2 * outbox.MaxFailures
	for i := range erasures { // listed before the uploads
		id := orak.UploadID(fmt.Sprintf("%08x%s", i, uuid.NewString()[8:]))
		b.put(orak.PendingErasureKey("alto", id), "{}")
	}
	b.mark(3)
	page, err := b.Sweep(t.Context(), "", 100, 0)
	require.NoError(t, err)
	require.True(t, page.Done)
	require.Equal(t, 3, page.Published)
	require.Equal(t, erasures, page.Failed, "what is not tried any more counts, too")
	require.EqualValues(t, outbox.MaxFailures+3, b.asked.Load())
}

func TestBrakeToleratesAPartialOutage(t *testing.T) {
	t.Parallel()
	unsent := fmt.Errorf("%w: no leader", outbox.ErrUnsent)
	var b outbox.Brake
	for range 100 { // one partition of several
		for range outbox.MaxFailures - 1 {
			b.Count(outbox.Left, unsent)
		}
		require.False(t, b.On())
		b.Count(outbox.Published, nil)
	}
	for range outbox.MaxFailures {
		require.False(t, b.On())
		b.Count(outbox.Left, unsent)
		b.Count(outbox.Dropped, nil)
	}
	require.True(t, b.On())
}
