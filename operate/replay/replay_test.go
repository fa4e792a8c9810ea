package replay_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/operate/replay"
)

func TestMissingUploadsStartOnceAndLast(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(30)
	committed := b.commitLive()
	p := b.plan(everything())
	require.Equal(t, 30, p.Records)
	require.Equal(t, map[replay.State]int{replay.Missing: 30}, p.States)
	require.Zero(t, p.Ahead)
	later := b.announce(1)

	require.Equal(t, map[replay.State]int{replay.Missing: 30}, b.run(p).Started)
	b.requireLast(uploads...)
	runs := make(map[orak.UploadID]string)
	for _, u := range uploads {
		runs[u.ID] = b.runOf(u)
	}
	require.Nil(t, b.info(later[0]), "the bridge starts what was announced after the plan")
	require.Equal(t, committed, b.live(), "the offsets of the bridges' group do not change")

	again := b.plan(everything())
	require.Equal(t, 30, again.States[replay.Running])
	require.Equal(t, 1, again.Total())
	require.Equal(t, 1, again.Ahead, "the bridges have not read the last record")
	// The first run of the plan has started everything.
	require.Equal(t, replay.Result{Started: map[replay.State]int{}, Overtaken: 30}, b.run(p))
	for _, u := range uploads {
		require.Equal(t, runs[u.ID], b.runOf(u))
	}
}

func TestPlanStartsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(5)
	b.begin(uploads[0], orak.StatusQueued)
	b.terminate(uploads[0])
	run := b.runOf(uploads[0])
	p := b.plan(forced())
	require.Equal(t, map[replay.State]int{replay.Missing: 4, replay.Failed: 1}, p.Start)
	require.Equal(t, run, b.runOf(uploads[0]))
	for _, u := range uploads[1:] {
		require.Nil(t, b.info(u))
	}
	require.Empty(t, b.live(), "a plan creates no group")
}

// standing has one upload in every state.
type standing struct {
	missing, failed, running, parked, completed, discarded, canceled, withdrawn orak.Upload
}

// erasure returns a request to erase an upload.
func (b *bundle) erasure(u orak.Upload) *kgo.Record {
	b.t.Helper()
	e, err := events.NewErasure(time.Now(), events.Erasure{ID: u.ID, Tenant: u.Tenant, By: "a test"})
	require.NoError(b.t, err)
	return e.Record(events.TopicUploads)
}

func TestErasureRequestsWithdrawUploads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.announce(2)
	b.publish(b.erasure(u[0]))
	p := b.plan(forced())
	require.Equal(t, map[replay.State]int{replay.Missing: 1, replay.Withdrawn: 1}, nonZero(p.States))
	require.Equal(t, 1, b.run(p).Total())
	require.Nil(t, b.info(u[0]))
}

func (s standing) open() []orak.Upload { return []orak.Upload{s.running, s.parked} }

func (b *bundle) oneOfEach() standing {
	b.t.Helper()
	u := b.announce(8)
	s := standing{u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7]}
	b.complete(b.begin(s.completed, orak.StatusCompleted), b.begin(s.discarded, orak.StatusDiscarded))
	b.begin(s.failed, orak.StatusConverting)
	b.terminate(s.failed)
	b.begin(s.running, orak.StatusAnalyzing)
	b.begin(s.parked, orak.StatusDeadLettered)
	for _, tenant := range []orak.Tenant{s.canceled.Tenant, "somebody-else"} {
		canceled := s.canceled
		if tenant != s.canceled.Tenant {
			canceled = s.missing
		}
		e, err := events.NewCancellation(time.Now(), events.Cancellation{ID: canceled.ID, Tenant: tenant, By: "a test"})
		require.NoError(b.t, err)
		b.publish(e.Record(events.TopicUploads))
	}
	run := b.begin(s.withdrawn, orak.StatusConverting)
	require.NoError(b.t, b.temporal.CancelWorkflow(b.ctx, run.GetID(), ""))
	return s
}

func TestEachStateIsCountedAndOnlySelectedOnesAreStarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.oneOfEach()
	b.publish(
		announcement(t, s.missing), // once more
		&kgo.Record{Topic: events.TopicUploads, Partition: 0, Value: []byte("\x00no event")},
		&kgo.Record{Topic: events.TopicUploads, Value: []byte(`{"Records":[]}`)},
	)
	p := b.plan(everything())
	require.Equal(t, map[replay.State]int{
		replay.Missing: 1, replay.Failed: 1, replay.Running: 2, replay.Parked: 1, replay.Completed: 1, replay.Withdrawn: 2,
	}, p.States)
	require.Equal(t, map[replay.State]int{replay.Missing: 1, replay.Failed: 1}, nonZero(p.Start))
	require.Equal(t, []int{13, 1, 2, 1, 1}, []int{p.Records, p.Repeats, p.Skipped, p.Notifications, p.Undecodable}, "a notification of no recording is one, too")
	require.Len(t, p.Examples, 1)
	require.NotEmpty(t, p.Examples[0].Error)

	before := map[orak.UploadID]string{}
	untouched := append(s.open(), s.completed, s.discarded, s.withdrawn)
	for _, u := range append(untouched, s.failed) {
		before[u.ID] = b.runOf(u)
	}
	require.Equal(t, map[replay.State]int{replay.Missing: 1, replay.Failed: 1}, b.run(p).Started)
	b.requireLast(s.missing, s.failed)
	require.NotEqual(t, before[s.failed.ID], b.runOf(s.failed))
	for _, u := range untouched {
		require.Equal(t, before[u.ID], b.runOf(u))
	}
	require.Nil(t, b.info(s.canceled), "a canceled upload is not started")
	letters, err := b.admin.ListEndOffsets(b.ctx, events.TopicDeadLetters)
	require.NoError(t, err)
	for _, o := range letters.Offsets().Sorted() {
		require.Zero(t, o.At, "nothing is dead-lettered again")
	}
}

func nonZero(counts map[replay.State]int) map[replay.State]int {
	kept := make(map[replay.State]int)
	for state, n := range counts {
		if n != 0 {
			kept[state] = n
		}
	}
	return kept
}

func TestForceStartsCompletedUploadsAndNeverOpenOnes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.oneOfEach()
	before := map[orak.UploadID]string{}
	for _, u := range append(s.open(), s.completed, s.discarded) {
		before[u.ID] = b.runOf(u)
	}
	require.Equal(t, map[replay.State]int{replay.Missing: 1, replay.Failed: 1, replay.Completed: 1}, b.run(b.plan(forced())).Started)
	require.NotEqual(t, before[s.completed.ID], b.runOf(s.completed))
	b.requireLast(s.completed)
	for _, u := range append(s.open(), s.discarded) {
		require.Equal(t, before[u.ID], b.runOf(u))
	}

	named := forced()
	named.IDs = []orak.UploadID{s.discarded.ID, s.running.ID, newUpload().ID}
	p := b.plan(named)
	require.Equal(t, 2, p.Records)
	require.Equal(t, named.IDs[2:], p.Absent)
	require.Equal(t, map[replay.State]int{replay.Withdrawn: 1}, b.run(p).Started)
	require.NotEqual(t, before[s.discarded.ID], b.runOf(s.discarded))
}

func TestReusePolicyProtectsUploadsThatStartedMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(2)
	b.begin(uploads[0], orak.StatusQueued)
	b.terminate(uploads[0])
	p := b.plan(forced())
	require.Equal(t, map[replay.State]int{replay.Missing: 1, replay.Failed: 1}, p.Start)
	// Meanwhile one of them is started by others, and completes.
	b.complete(b.begin(uploads[1], orak.StatusCompleted))
	result := b.run(p)
	require.Equal(t, map[replay.State]int{replay.Failed: 1}, result.Started)
	require.Equal(t, 1, result.Overtaken)
	require.Zero(t, b.info(uploads[1]).GetPriority().GetPriorityKey())
}

func TestInterruptedReplayStartsTheRestOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 160
	uploads := b.announce(n)
	file := replay.NewFile(filepath.Join(t.TempDir(), "cache", "state.json"))
	_, found, err := file.Load()
	require.NoError(t, err)
	require.False(t, found)

	ctx, interrupt := context.WithCancelCause(b.ctx)
	defer interrupt(nil)
	stop := errors.New("interrupted")
	p := b.plan(forced())
	result, err := b.Run(ctx, p, replay.Options{
		Save: file.Save,
		Progress: func(done, total int64) {
			require.EqualValues(t, n, total)
			if done == 70 { // within the second batch
				interrupt(stop)
			}
		},
	})
	require.ErrorIs(t, err, stop)
	require.GreaterOrEqual(t, result.Total(), 70)
	require.Less(t, result.Total(), n)

	// The uploads that were started are terminated.
	runs := make(map[orak.UploadID]string)
	for _, u := range uploads {
		if b.info(u) != nil {
			runs[u.ID] = b.runOf(u)
			b.terminate(u)
		}
	}
	require.Len(t, runs, result.Total())

	saved, found, err := file.Load()
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, result.Total(), saved.Done.Total(), "starts of the interrupted batch are counted")
	rest, err := b.Resume(b.ctx, saved, nil)
	require.NoError(t, err)
	require.Equal(t, n-len(runs), rest.Total())
	end, err := b.Run(b.ctx, rest, replay.Options{Save: file.Save})
	require.NoError(t, err)
	require.Equal(t, saved.Done.Total()+n-len(runs), end.Total())
	for _, u := range uploads {
		run := b.runOf(u)
		if first, ok := runs[u.ID]; ok {
			require.Equal(t, first, run, "started twice")
		}
	}
	b.requireLast(uploads...)
	require.NoError(t, file.Remove())
	require.NoError(t, file.Remove())
}

func TestReplayThatIsInterruptedAtOnceCanBeResumed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(3)
	file := replay.NewFile(filepath.Join(t.TempDir(), "state.json"))
	sel := everything()
	sel.IDs = []orak.UploadID{uploads[0].ID, uploads[1].ID}
	p := b.plan(sel)
	cut, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err := b.Run(cut, p, replay.Options{Save: file.Save})
	require.ErrorIs(t, err, context.Canceled)
	b.announce(1) // beyond the bounds of the first plan

	saved, found, err := file.Load()
	require.NoError(t, err)
	require.True(t, found)
	rest, err := b.Resume(b.ctx, saved, nil)
	require.NoError(t, err)
	require.Empty(t, rest.Absent)
	require.Equal(t, 2, b.run(rest).Total())
	require.Nil(t, b.info(uploads[2]))
}

func TestSelectionsBoundWhatIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := time.Now().UTC().Add(-4 * time.Hour).Truncate(time.Millisecond)
	// The delivery timeout counts from the timestamp of the record.
	cl, err := kafka.NewClient(b.kafka, quiet(), kgo.RecordDeliveryTimeout(0))
	require.NoError(t, err)
	defer cl.Close()
	uploads := make([]orak.Upload, 4)
	for i := range uploads {
		uploads[i] = newUpload()
		r := announcement(t, uploads[i])
		r.Timestamp = at.Add(time.Duration(i) * time.Hour)
		require.NoError(t, cl.ProduceSync(b.ctx, r).FirstErr())
	}
	between := everything()
	between.Since, between.Until = at.Add(time.Hour), at.Add(3*time.Hour)
	p := b.plan(between)
	require.Equal(t, 2, p.Records)
	require.Equal(t, []time.Time{at.Add(time.Hour), at.Add(2 * time.Hour)}, []time.Time{p.First, p.Last})
	b.run(p)
	require.Nil(t, b.info(uploads[0]))
	require.NotNil(t, b.info(uploads[1]))
	require.NotNil(t, b.info(uploads[2]))
	require.Nil(t, b.info(uploads[3]))

	ends, err := b.admin.ListEndOffsets(b.ctx, events.TopicUploads)
	require.NoError(t, err)
	byOffset := everything()
	byOffset.Offsets = map[int32]int64{}
	want := 0
	for _, o := range ends.Offsets().Sorted() {
		if o.Partition%2 == 0 {
			byOffset.Offsets[o.Partition] = 1
			want += int(max(0, o.At-1))
		}
	}
	require.Equal(t, want, b.plan(byOffset).Records)

	beyond := everything()
	beyond.From = 1 << 40
	require.Zero(t, b.plan(beyond).Records)
	unknown := everything()
	unknown.Offsets = map[int32]int64{99: 0}
	_, err = b.Plan(b.ctx, unknown, nil)
	require.ErrorContains(t, err, "partition 99")
}

// A marker takes the last offset of its partition, and is no record.
func TestTransactionMarkersDoNotBlockAReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cl, err := kafka.NewClient(b.kafka, quiet(), kgo.TransactionalID("test"))
	require.NoError(t, err)
	defer cl.Close()
	u := newUpload()
	require.NoError(t, cl.BeginTransaction())
	require.NoError(t, cl.ProduceSync(b.ctx, announcement(t, u)).FirstErr())
	require.NoError(t, cl.EndTransaction(b.ctx, kgo.TryCommit))
	p := b.plan(everything())
	require.Equal(t, 1, p.Records)
	require.Equal(t, 1, b.run(p).Total())
	require.NotNil(t, b.info(u))
}

// Retention deletes records while a replay runs.
func TestDeletedRecordsDoNotBlockAReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(24)
	p := b.plan(everything())
	ends, err := b.admin.ListEndOffsets(b.ctx, events.TopicUploads)
	require.NoError(t, err)
	gone, kept := ends.Offsets(), 0
	for partition, o := range gone[events.TopicUploads] {
		if partition%2 == 1 {
			delete(gone[events.TopicUploads], partition)
			kept += int(o.At)
		}
	}
	_, err = b.admin.DeleteRecords(b.ctx, gone)
	require.NoError(t, err)
	require.Equal(t, kept, b.run(p).Total())
	started := 0
	for _, u := range uploads {
		if b.info(u) != nil {
			started++
		}
	}
	require.Equal(t, kept, started)
}

func TestInvalidSelectionsAreRefused(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for want, sel := range map[string]replay.Selection{
		"want one of them":     {Since: now, From: 3, Only: []replay.State{replay.Missing}},
		"not after":            {Since: now, Until: now, Only: []replay.State{replay.Missing}},
		"want 0 or more":       {Offsets: map[int32]int64{0: -1}, Only: []replay.State{replay.Missing}},
		"nothing is selected":  {},
		"cannot be selected":   {Only: []replay.State{replay.Parked}},
		"offset -1: want":      {From: -1, Only: []replay.State{replay.Missing}},
		"cannot be selected: ": {Only: []replay.State{replay.Running}, Force: true},
	} {
		require.ErrorContains(t, sel.Validate(), want)
	}
}

// No selection starts an erased upload, nor does a plan that is older than the
// erasure.
func TestErasedUploadsAreNeverStartedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(3)
	erased, late, other := uploads[0], uploads[1], uploads[2]
	b.begin(erased, orak.StatusErased)
	b.terminate(erased)
	b.tombstones[orak.ErasedKey(erased.Tenant, erased.ID)] = true
	before := b.runOf(erased)
	sel := forced()
	for _, u := range uploads {
		sel.IDs = append(sel.IDs, u.ID)
	}
	p := b.plan(sel)
	require.Equal(t, map[replay.State]int{replay.Missing: 2, replay.Erased: 1}, p.States)

	b.tombstones[orak.ErasedKey(late.Tenant, late.ID)] = true
	require.Equal(t, replay.Result{Started: map[replay.State]int{replay.Missing: 1}, Overtaken: 1}, b.run(p))
	require.Equal(t, before, b.runOf(erased))
	require.Nil(t, b.info(late))
	require.NotNil(t, b.info(other))
}

// Temporal's database was lost, or has forgotten what closed long ago.
func TestUploadsWithAnOutcomeAreNotMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(5)
	for i, status := range []orak.Status{orak.StatusCompleted, orak.StatusDiscarded, orak.StatusCanceled, orak.StatusExpired} {
		b.outcomes[uploads[i].ID] = status
	}
	p := b.plan(everything())
	require.Equal(t, map[replay.State]int{replay.Missing: 1, replay.Completed: 1, replay.Withdrawn: 2, replay.Failed: 1}, p.States)
	require.Equal(t, map[replay.State]int{replay.Missing: 1, replay.Failed: 1}, p.Start)
	require.Equal(t, map[replay.State]int{replay.Missing: 1, replay.Failed: 1}, b.run(p).Started)
	require.Nil(t, b.info(uploads[0]), "it was completed")

	require.Equal(t, map[replay.State]int{replay.Completed: 1}, b.run(b.plan(forced())).Started)
	require.NotNil(t, b.info(uploads[0]))
}
