package worker_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/serviceerror"

	"orak"
	"orak/events"
	"orak/worker"
	"orak/workflows"
)

// gpuWorkers run in parallel, as in a deployment, and have more slots together than a
// card has room for requests.
func (r *rig) gpuWorkers(slots int) (ws []*worker.Worker) {
	r.t.Helper()
	r.cfg.Queues, r.cfg.GPUSlots = []string{workflows.QueueGPU}, slots
	for range 3 {
		ws = append(ws, r.start())
	}
	return ws
}

// song is a recording of 1 to 5 seconds for remote: of one window, or of more.
func song(i int) []byte { return bytes.Repeat([]byte("s"), 1+i%5) }

func TestModelServerIsNeverKilled(t *testing.T) {
	t.Parallel()
	r, c := newRig(t), newCard(t)
	c.work = 60 * time.Millisecond // so that the backlog outlasts the restarts
	const many, parked = 200, 9
	r.deps.Converter = convert(func(n int) error {
		if n <= parked {
			return inputFault
		}
		return nil
	})
	r.use(c, time.Minute)
	r.cfg.AlertGroupWait = patience
	r.cfg.Queues = []string{workflows.QueuePipeline, workflows.QueueConvert}
	r.start()
	var uploads []orak.Upload
	for i := range parked {
		uploads = append(uploads, r.upload(song(i)))
	}
	for _, u := range uploads {
		r.await(u, orak.StatusDeadLettered)
	}
	for i := range many - parked {
		u := r.put(song(i))
		require.NoError(t, r.begin(u, i%2*workflows.LowestPriority)) // every second one as a replay does
		uploads = append(uploads, u)
	}
	// A backlog first: with it the workers ask for more than the card can hold,
	// however slowly this machine converts.
	r.backlog(many - parked)
	workers := r.gpuWorkers(4)
	for i, w := range workers { // each is restarted under load, and some parked uploads are reprocessed
		require.Eventually(t, func() bool { return c.read(&c.analyzed) >= 20*(i+1) }, patience, tick)
		require.NoError(t, w.Stop(t.Context()))
		r.start()
		for _, u := range uploads[3*i : 3*i+3] {
			require.NoError(t, r.update(u, workflows.SignalReprocess, workflows.Reprocess{By: "ada", Reason: "fixed"}))
		}
	}
	for _, u := range uploads[parked : 3*parked] { // replayed once more
		var exists *serviceerror.WorkflowExecutionAlreadyStarted
		require.ErrorAs(t, r.begin(u, workflows.LowestPriority), &exists)
	}
	for _, u := range uploads {
		require.NoError(t, r.closed(u))
		require.Equal(t, orak.StatusCompleted, r.progress(u).Status)
	}
	r.completedOnce(uploads)
	require.Zero(t, c.read(&c.kills))
	require.NotZero(t, c.read(&c.refused), "the workers asked for more than the card holds")
	require.Zero(t, c.read(&c.inFlight))
	t.Logf("%d windows analyzed, %d refused, none killed", c.read(&c.analyzed), c.read(&c.refused))
}

// The same without admission, which shows that the test above can fail.
func TestModelServerWithoutAdmissionIsKilled(t *testing.T) {
	t.Parallel()
	r, c := newRig(t), newCard(t)
	c.admits = false
	c.work = time.Second
	r.use(c, time.Minute)
	r.cfg.Queues = []string{workflows.QueuePipeline, workflows.QueueConvert}
	r.start()
	r.gpuWorkers(20)
	for i := range 40 {
		r.upload(song(i))
	}
	require.Eventually(t, func() bool { return c.read(&c.kills) > 0 }, patience, tick)
}

// completedOnce reads the lifecycle topic until all uploads have completed, without
// repeated events.
func (r *rig) completedOnce(uploads []orak.Upload) {
	r.t.Helper()
	want, ids := map[orak.UploadID]bool{}, map[orak.UploadID]map[string]bool{}
	for _, u := range uploads {
		want[u.ID] = true
	}
	r.consume(events.TopicLifecycle, func(rec *kgo.Record) bool {
		if !want[orak.UploadID(rec.Key)] {
			return false // of another test, and perhaps not an event
		}
		e, err := events.FromRecord(rec)
		require.NoError(r.t, err)
		if e.Type == events.Completed {
			if ids[e.Subject] == nil {
				ids[e.Subject] = map[string]bool{}
			}
			ids[e.Subject][e.ID] = true
		}
		return len(ids) == len(uploads)
	})
	for id, seen := range ids {
		require.Len(r.t, seen, 1, "upload %s", id)
	}
}
