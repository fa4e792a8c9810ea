package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/bridge"
	"orak/events"
	"orak/operate/replay"
	"orak/workflows"
)

// recordings is a store whose answers a test sets. The real store is tested in
// internal/app and with orak replay.
type recordings struct {
	mu      sync.Mutex
	uploads map[orak.UploadID]orak.Upload
	errs    map[orak.UploadID]error
	asked   map[orak.UploadID]int
}

var _ bridge.Recordings = (*recordings)(nil)

// Bucket implements bridge.Recordings.
func (r *recordings) Bucket() string { return "orak" }

// Describe implements bridge.Recordings. It returns an error that was set once.
func (r *recordings) Describe(_ context.Context, t orak.Tenant, id orak.UploadID) (orak.Upload, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[id]++
	if err := r.errs[id]; err != nil {
		delete(r.errs, id)
		return orak.Upload{}, err
	}
	if u, ok := r.uploads[id]; ok && u.Tenant == t {
		return u, nil
	}
	return orak.Upload{}, fs.ErrNotExist
}

// stored stores n recordings without a file name, which a notification does not have.
func (b *bundle) stored(n int) []orak.Upload {
	all := make([]orak.Upload, n)
	for i := range all {
		all[i] = newUpload()
		all[i].Filename = ""
		b.store.uploads[all[i].ID] = all[i]
	}
	return all
}

// notify returns a notification that objects of a bucket were created.
func notify(t *testing.T, bucket string, keys ...string) *kgo.Record {
	t.Helper()
	var entries []any
	for _, key := range keys {
		entries = append(entries, map[string]any{"eventName": "s3:ObjectCreated:Put", "s3": map[string]any{
			"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": url.QueryEscape(key)},
		}})
	}
	value, err := json.Marshal(map[string]any{"Records": entries})
	require.NoError(t, err)
	return &kgo.Record{Topic: events.TopicUploads, Key: []byte(bucket + "/" + keys[0]), Value: value}
}

func TestNotifiedUploadsAreStartedFromTheirRecordings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.stored(5)
	announced := newUpload() // by the API, and notified, too
	b.store.uploads[announced.ID] = announced
	failed, running := u[3], u[4]
	b.begin(failed, orak.StatusConverting)
	b.terminate(failed)
	b.begin(running, orak.StatusAnalyzing)
	b.publish(
		notify(t, "orak", announced.Key),
		notify(t, "orak", u[0].Key, orak.AudioKey(u[0].Tenant, u[0].ID), u[1].Key),
		notify(t, "orak", u[0].Key),
		notify(t, "elsewhere", u[2].Key),
		notify(t, "orak", failed.Key, running.Key),
		announcement(t, announced),
	)
	p := b.plan(everything())
	require.Equal(t, map[replay.State]int{replay.Missing: 3, replay.Failed: 1, replay.Running: 1}, nonZero(p.States))
	require.Equal(t, []int{6, 5, 0}, []int{p.Records, p.Notifications, p.Undecodable})
	require.Empty(t, b.store.asked, "a plan reads no recording")

	require.Equal(t, map[replay.State]int{replay.Missing: 3, replay.Failed: 1}, b.run(p).Started)
	b.requireLast(u[0], u[1], failed, announced)
	require.Nil(t, b.info(u[2]), "notifications of another bucket are ignored")
	require.Zero(t, b.store.asked[announced.ID], "its event says more")
	require.Equal(t, 1, b.store.asked[u[1].ID])
	resp, err := b.temporal.DescribeWorkflowExecution(b.ctx, workflows.UploadWorkflowID(u[1].ID), "")
	require.NoError(t, err)
	require.Equal(t, u[1], progressOf(t, resp.GetWorkflowExecutionInfo()).Upload)
	require.Zero(t, b.plan(everything()).Total())
}

func TestSelectionOfIDsAppliesToNotifiedUploads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.stored(3)
	b.publish(notify(t, "orak", u[0].Key, u[1].Key), notify(t, "orak", u[2].Key))
	named := everything()
	named.IDs = []orak.UploadID{u[1].ID, newUpload().ID}
	p := b.plan(named)
	require.Equal(t, []int{1, 1}, []int{p.Records, p.Notifications})
	require.Equal(t, named.IDs[1:], p.Absent)
	require.Equal(t, 1, b.run(p).Total())
	require.Nil(t, b.info(u[0]))
	require.NotNil(t, b.info(u[1]))
}

func TestRecordingsThatCannotBeStartedAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.stored(5)
	gone, held, empty, canceled, unreachable := u[0], u[1], u[2], u[3], u[4]
	delete(b.store.uploads, gone.ID)
	b.store.errs[held.ID] = fmt.Errorf("looking: %w", bridge.ErrInOutbox)
	b.store.errs[empty.ID] = &orak.Fault{Class: orak.ClassInput, Message: "The recording is empty."}
	b.store.errs[unreachable.ID] = &orak.Fault{Class: orak.ClassDependency, Message: "The object store cannot be reached.", Err: errors.New("down")}
	b.publish(notify(t, "orak", gone.Key, held.Key, empty.Key, canceled.Key, unreachable.Key), b.erasure(canceled))
	result := b.run(b.plan(everything()))
	require.Equal(t, map[replay.State]int{replay.Missing: 1}, result.Started)
	require.Equal(t, []int{2, 1}, []int{result.Left, result.Refused})
	require.Contains(t, result.Examples[0].Error, "The recording is empty.")
	require.NotNil(t, b.info(unreachable), "an outage is waited out")
	require.Nil(t, b.info(canceled))
}

// A store that refuses requests fails for every recording: the replay ends, and can be
// resumed.
func TestStoreThatRefusesEndsTheReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.stored(1)[0]
	b.store.errs[u.ID] = &orak.Fault{Class: orak.ClassInternal, Message: "The object store refused the request."}
	b.publish(notify(t, "orak", u.Key))
	file := replay.NewFile(filepath.Join(t.TempDir(), "state.json"))
	_, err := b.Run(b.ctx, b.plan(everything()), replay.Options{Save: file.Save})
	require.ErrorContains(t, err, "refused the request")
	require.Nil(t, b.info(u))

	saved, found, err := file.Load()
	require.NoError(t, err)
	require.True(t, found)
	rest, err := b.Resume(b.ctx, saved, nil)
	require.NoError(t, err)
	require.Equal(t, 1, b.run(rest).Total())
}
