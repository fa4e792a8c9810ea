package bridge_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/bridge"
	"orak/events"
	"orak/workflows"
)

// structured is r as it is written in structured mode.
func structured(t *testing.T, r *kgo.Record, encoded bool) *kgo.Record {
	t.Helper()
	e, err := events.FromRecord(r)
	require.NoError(t, err)
	fields := map[string]any{"specversion": "1.0", "id": e.ID, "type": e.Type, "source": "/elsewhere", "subject": e.Subject}
	if encoded {
		fields["data_base64"] = base64.StdEncoding.EncodeToString(e.Data)
	} else {
		fields["data"] = json.RawMessage(e.Data)
	}
	value, err := json.Marshal(fields)
	require.NoError(t, err)
	return &kgo.Record{
		Topic: r.Topic, Key: r.Key, Value: value,
		Headers: []kgo.RecordHeader{{Key: events.HeaderContentType, Value: []byte("application/cloudevents+json")}},
	}
}

func TestStructuredEventsStartTheirWorkflows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := []orak.Upload{newUpload(), newUpload()}
	broken := structured(t, announcement(t, newUpload()), false)
	broken.Value = broken.Value[1:]
	b.publish(
		structured(t, announcement(t, uploads[0]), false), structured(t, announcement(t, uploads[1]), true),
		announcement(t, uploads[0]), broken,
	)
	m := b.start(nil)
	m.awaitOutcome("started", 2)
	m.awaitOutcome("duplicate", 1)
	m.awaitOutcome("dead_lettered", 1)
	b.awaitCommitted(4)
	b.requireStarted(uploads)
	require.Equal(t, broken.Value, b.readDeadLetters(1)[0].Value)
}

// recordings has what a test puts there.
type recordings struct {
	mu      sync.Mutex
	uploads map[orak.UploadID]orak.Upload
	errs    map[orak.UploadID]error
	asked   map[orak.UploadID]int
}

var _ bridge.Recordings = (*recordings)(nil)

func newRecordings(uploads ...orak.Upload) *recordings {
	r := &recordings{
		uploads: make(map[orak.UploadID]orak.Upload), errs: make(map[orak.UploadID]error), asked: make(map[orak.UploadID]int),
	}
	for _, u := range uploads {
		u.Filename = ""
		r.uploads[u.ID] = u
	}
	return r
}

func (r *recordings) Bucket() string { return "orak" }

func (r *recordings) Describe(_ context.Context, t orak.Tenant, id orak.UploadID) (orak.Upload, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[id]++
	if err := r.errs[id]; err != nil {
		return orak.Upload{}, err
	}
	u, ok := r.uploads[id]
	if !ok || u.Tenant != t {
		return orak.Upload{}, fs.ErrNotExist
	}
	return u, nil
}

func (r *recordings) fail(id orak.UploadID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs[id] = err
}

func (r *recordings) times(id orak.UploadID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[id]
}

func (r *recordings) into(_ *bridge.Config, d *bridge.Deps) { d.Recordings = r }

// notify is a record that says what happened to objects of bucket.
func notify(bucket, event string, keys ...string) *kgo.Record {
	var entries []any
	for _, key := range keys {
		entries = append(entries, map[string]any{"eventName": event, "s3": map[string]any{
			"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": url.QueryEscape(key)},
		}})
	}
	value, err := json.Marshal(map[string]any{"Records": entries})
	if err != nil {
		panic(err)
	}
	return &kgo.Record{Topic: events.TopicUploads, Key: []byte(bucket + "/" + keys[0]), Value: value}
}

func (m *member) requireNotified(want map[string]int) {
	m.t.Helper()
	for outcome, n := range want {
		require.Equal(m.t, n, m.metric("orak_bridge_notified_objects_total", outcome), outcome)
	}
}

func TestNotificationsStartTheirUploadsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second, third := newUpload(), newUpload(), newUpload()
	store := newRecordings(first, second, third)
	m := b.start(store.into)
	minio, aws := "s3:ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload"
	b.publish(notify("orak", minio, first.Key), notify("orak", aws, second.Key))
	m.awaitOutcome("started", 2)
	b.publish(
		announcement(t, first), notify("orak", minio, first.Key),
		notify("orak", minio, "other", first.Key, third.Key),
		&kgo.Record{Topic: events.TopicUploads, Value: []byte(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"orak"}`)},
	)
	m.awaitOutcome("duplicate", 2)
	m.awaitOutcome("started", 3)
	m.awaitOutcome("skipped", 1)
	b.awaitCommitted(6)
	m.requireNotified(map[string]int{"started": 3, "duplicate": 2, "skipped": 1})
	b.requireStarted([]orak.Upload{first, second, third})
	require.Equal(t, 1, store.times(first.ID), "what was started is not read again")
	require.Zero(t, b.deadLetters())

	described, err := b.temporal.DescribeWorkflowExecution(b.ctx, workflows.UploadWorkflowID(first.ID), "")
	require.NoError(t, err)
	var progress orak.Progress
	memo := described.GetWorkflowExecutionInfo().GetMemo().GetFields()[workflows.MemoProgress]
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(memo, &progress))
	require.Equal(t, store.uploads[first.ID], progress.Upload)
}

func TestNotificationsThatAnnounceNothingAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone, theirs, held := newUpload(), newUpload(), newUpload()
	store := newRecordings(theirs, held)
	store.fail(held.ID, fmt.Errorf("looking: %w", bridge.ErrInOutbox))
	b.publish(
		notify("orak", "s3:ObjectCreated:Put", gone.Key),
		notify("elsewhere", "s3:ObjectCreated:Put", theirs.Key),
		notify("orak", "s3:ObjectRemoved:Delete", theirs.Key),
		notify("orak", "s3:ObjectCreated:Put", orak.AudioKey(theirs.Tenant, theirs.ID)),
		notify("orak", "s3:ObjectCreated:Put", held.Key),
	)
	m := b.start(store.into)
	m.awaitOutcome("skipped", 4)
	m.awaitOutcome("erased", 1)
	b.awaitCommitted(5)
	m.requireNotified(map[string]int{"erased": 1, "skipped": 4})
	require.Zero(t, store.times(theirs.ID))
	require.Zero(t, b.deadLetters())
}

func TestNotificationsThatAreInvalidAreDeadLettered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good, empty := newUpload(), newUpload()
	store := newRecordings(good)
	store.fail(empty.ID, &orak.Fault{Class: orak.ClassInput, Message: "The recording is empty."})
	malformed := &kgo.Record{Topic: events.TopicUploads, Value: []byte(`{"Records":[{"eventName":"ObjectCreated:Put"}]}`)}
	b.publish(notify("orak", "ObjectCreated:Put", empty.Key, good.Key), malformed)
	m := b.start(store.into)
	m.awaitOutcome("dead_lettered", 2)
	b.awaitCommitted(2)
	m.requireNotified(map[string]int{"dead_lettered": 1, "started": 1})
	b.requireStarted([]orak.Upload{good})
	d, err := events.DeadLetterFrom(b.readDeadLetters(1)[0])
	require.NoError(t, err)
	require.Equal(t, "The event cannot be read: records[0]: s3.bucket.name: missing", d.Failure.Message)
	parked := b.progress(empty.ID)
	require.Equal(t, orak.StatusDeadLettered, parked.Status)
	require.Equal(t, "The recording is empty.", parked.Failure.Message)
}

func TestNotificationsWaitForAnUnavailableStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	store := newRecordings(u)
	store.fail(u.ID, &orak.Fault{Class: orak.ClassDependency, Message: "The object store cannot be reached.", Err: errors.New("down")})
	b.publish(notify("orak", "s3:ObjectCreated:Put", u.Key))
	m := b.start(store.into)
	require.Eventually(t, func() bool { return store.times(u.ID) >= 3 }, within, 10*time.Millisecond)
	require.ErrorContains(t, m.Ready(b.ctx), "reading the recording")
	require.Zero(t, b.committed())
	store.fail(u.ID, nil)
	m.awaitOutcome("started", 1)
	b.awaitCommitted(1)
	b.requireStarted([]orak.Upload{u})
	require.Zero(t, b.deadLetters())
}

func TestNotificationIsMalformedWhereThereIsNoStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(notify("orak", "s3:ObjectCreated:Put", newUpload().Key))
	b.start(nil).awaitOutcome("dead_lettered", 1)
}

func cancellation(t *testing.T, u orak.Upload, tenant orak.Tenant) *kgo.Record {
	t.Helper()
	e, err := events.NewCancellation(time.Now(), events.Cancellation{ID: u.ID, Tenant: tenant, By: "ada", Reason: "wrong take"})
	require.NoError(t, err)
	return e.Record(events.TopicUploads)
}
