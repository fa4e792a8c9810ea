package outage

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/events"
	"orak/internal/objectstore"
	"orak/operate/reconcile"
	"orak/workflows"
)

// act is done to an upload while a dependency is unavailable.
type act string

const (
	discard   act = "discard"
	cancel    act = "cancel"
	terminate act = "terminate"
)

// fate is one upload of the table. ends are its allowed final statuses: if its run
// was terminated before an end was decided, nothing was promised.
type fate struct {
	parked bool
	acts   []act
	ends   []orak.Status
	id     orak.UploadID
}

func fates() []*fate {
	const (
		completed = orak.StatusCompleted
		discarded = orak.StatusDiscarded
		canceled  = orak.StatusCanceled
	)
	var all []*fate
	add := func(parked bool, ends []orak.Status, acts ...act) {
		all = append(all, &fate{parked: parked, acts: acts, ends: ends})
	}
	add(true, []orak.Status{discarded}, discard)
	add(true, []orak.Status{canceled}, cancel)
	add(true, []orak.Status{discarded}, discard, cancel)
	add(true, []orak.Status{canceled}, cancel, discard)
	add(true, []orak.Status{discarded}, terminate) // it is discarded later
	add(true, []orak.Status{discarded}, discard, terminate)
	add(true, []orak.Status{discarded, canceled}, cancel, terminate)
	add(true, []orak.Status{discarded}, discard, cancel, terminate)
	add(false, []orak.Status{completed})
	add(false, []orak.Status{canceled, completed}, cancel)
	add(false, []orak.Status{completed}, terminate)
	add(false, []orak.Status{canceled, completed}, cancel, terminate)
	return all
}

func TestUploadsHaveOneEndWithoutTheStore(t *testing.T) {
	t.Parallel()
	oneEnd(t, orak.DependencyStore)
}

func TestUploadsHaveOneEndWithoutKafka(t *testing.T) {
	t.Parallel()
	oneEnd(t, orak.DependencyKafka)
}

// oneEnd checks that uploads which are discarded, canceled or cut off during an
// outage have one end each: a final status, its outcome, and one event.
func oneEnd(t *testing.T, d orak.Dependency) {
	t.Helper()
	r := newRig(t, d)
	r.start()
	all := fates()
	for i, f := range all {
		if f.parked {
			f.id = r.send(fmt.Sprintf("poisoned-%d", i), poisoned())
			r.stands(f.id, orak.StatusDeadLettered)
		}
	}
	require.Eventually(t, func() bool { return len(r.deadLetters()) == 8 }, patience, tick)
	for i, f := range all {
		if !f.parked {
			f.id = r.send(fmt.Sprintf("sound-%d", i), r.recording)
			r.begun(f.id)
		}
	}
	r.proxy.next(r.proxy.cut)
	for _, f := range all {
		for _, a := range f.acts {
			r.act(f.id, a)
		}
	}
	time.Sleep(trouble) // the duration of the outage is the subject of the test
	for _, f := range all {
		if f.parked && len(f.acts) > 0 {
			require.False(t, r.progress(f.id).Status.Final(), "a status is shown that is not durable: %+v", f)
		}
	}
	r.proxy.heal()
	r.reconciled(all)
	for _, f := range all {
		r.once(f)
	}
}

// poisoned is a recording that cannot be converted.
func poisoned() []byte {
	return []byte("caff\x00\x01\x00\x00 and then text")
}

func (r *rig) act(id orak.UploadID, a act) {
	r.t.Helper()
	workflow, ctx := workflows.UploadWorkflowID(id), r.t.Context()
	var err error
	switch a {
	case discard:
		err = r.temporal.SignalWorkflow(ctx, workflow, "", workflows.SignalDiscard, workflows.Discard{By: "a test"})
	case cancel:
		err = r.temporal.CancelWorkflow(ctx, workflow, "")
	case terminate:
		err = r.temporal.TerminateWorkflow(ctx, workflow, "", "a test")
	}
	if r.progress(id).Status.Final() {
		return // it was completed before the outage began
	}
	require.NoError(r.t, err, "%s %s", a, id)
	if a != terminate {
		r.taken(id)
	}
}

// taken waits until the workflow has handled the request.
func (r *rig) taken(id orak.UploadID) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		d, err := r.temporal.DescribeWorkflowExecution(r.t.Context(), workflows.UploadWorkflowID(id), "")
		require.NoError(r.t, err)
		return d.GetPendingWorkflowTask() == nil
	}, patience, tick)
}

func (r *rig) progress(id orak.UploadID) (p orak.Progress) {
	r.t.Helper()
	d, err := r.temporal.DescribeWorkflowExecution(r.t.Context(), workflows.UploadWorkflowID(id), "")
	require.NoError(r.t, err)
	memo := d.GetWorkflowExecutionInfo().GetMemo().GetFields()[workflows.MemoProgress]
	require.NoError(r.t, converter.GetDefaultDataConverter().FromPayload(memo, &p))
	return p
}

func (r *rig) stands(id orak.UploadID, s orak.Status) {
	r.t.Helper()
	r.begun(id)
	require.Eventually(r.t, func() bool { return r.progress(id).Status == s }, patience, tick)
}

// begun waits until the workflow exists.
func (r *rig) begun(id orak.UploadID) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		_, err := r.temporal.DescribeWorkflowExecution(r.t.Context(), workflows.UploadWorkflowID(id), "")
		return err == nil
	}, patience, tick)
}

// reconciled runs Reconcile until no cut-off run is left, and discards what is
// parked again.
func (r *rig) reconciled(all []*fate) {
	r.t.Helper()
	runs := reconcile.NewRuns(r.temporal, r.cfg.Temporal.Namespace, workflows.Payloads{})
	require.Eventually(r.t, func() bool {
		_, err := runs.Now(r.t.Context(), func(reconcile.Run) {})
		require.NoError(r.t, err)
		return !slices.ContainsFunc(all, func(f *fate) bool {
			d, err := r.temporal.DescribeWorkflowExecution(r.t.Context(), workflows.UploadWorkflowID(f.id), "")
			require.NoError(r.t, err)
			return d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
		})
	}, patience, tick)
	for _, f := range all {
		require.Eventually(r.t, func() bool {
			p := r.progress(f.id)
			if p.Status == orak.StatusDeadLettered && slices.Contains(f.acts, terminate) {
				// Refused if an end is in progress.
				if err := r.temporal.SignalWorkflow(r.t.Context(), workflows.UploadWorkflowID(f.id), "", workflows.SignalDiscard, nil); err != nil {
					r.t.Logf("discarding %s: %v", f.id, err)
				}
			}
			return p.Status.Final()
		}, patience, 5*tick, "%+v", f)
	}
}

// once checks that an upload has one end.
func (r *rig) once(f *fate) {
	r.t.Helper()
	p := r.progress(f.id)
	require.Contains(r.t, f.ends, p.Status, "%+v", f)
	require.Equal(r.t, p.Status, r.outcome(p.Upload).Status, "%+v", f)
	found := map[string]int{}
	for _, rec := range r.records(events.TopicLifecycle) {
		if string(rec.Key) != string(f.id) {
			continue
		}
		e, err := events.FromRecord(rec)
		require.NoError(r.t, err)
		switch e.Type {
		case events.Completed, events.Canceled, events.Discarded, events.Expired:
			require.Equal(r.t, "orak.upload."+string(p.Status), string(e.Type), "%+v", f)
			found[e.ID]++
		}
	}
	require.Len(r.t, found, 1, "%+v", f)
	require.Contains(r.t, found, events.EndID(f.id, p.Cycle))
}

func (r *rig) outcome(u orak.Upload) (p orak.Progress) {
	r.t.Helper()
	store, err := objectstore.New(r.cfg.Store)
	require.NoError(r.t, err)
	defer store.Close()
	body, _, err := store.Get(r.t.Context(), orak.OutcomeKey(u.Tenant, u.ID))
	require.NoError(r.t, err)
	defer body.Close()
	text, err := io.ReadAll(body)
	require.NoError(r.t, err)
	require.NoError(r.t, json.Unmarshal(text, &p))
	return p
}
