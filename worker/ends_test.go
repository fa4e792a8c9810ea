package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdktemporal "go.temporal.io/sdk/temporal"

	"orak"
	"orak/events"
	"orak/workflows"
)

// happened waits until the history of u has an event of a type.
func (r *rig) happened(u orak.Upload, typ enumspb.EventType) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		it := r.client.GetWorkflowHistory(r.t.Context(), workflows.UploadWorkflowID(u.ID), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for it.HasNext() {
			e, err := it.Next()
			require.NoError(r.t, err)
			if e.GetEventType() == typ {
				return true
			}
		}
		return false
	}, patience, tick, typ)
}

// ends returns the final events of u.
func ends(es []events.Event) (found []events.Event) {
	for _, e := range es {
		switch e.Type {
		case events.Completed, events.Discarded, events.Canceled, events.Expired:
			found = append(found, e)
		}
	}
	return found
}

// No worker runs between a decision and the expiry of the upload: the next one finds
// both at once, and the decision came first.
func TestDecisionBeforeTheExpiryWins(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Settings.ParkFor = 5 * time.Second
	r.deps.Converter = convert(func(n int) error {
		if n <= 3 {
			return inputFault
		}
		return nil
	})
	w := r.start()
	again, given, canceled := r.upload([]byte("sound")), r.upload([]byte("sound")), r.upload([]byte("sound"))
	all := []orak.Upload{again, given, canceled}
	for _, u := range all {
		r.await(u, orak.StatusDeadLettered)
		r.happened(u, enumspb.EVENT_TYPE_TIMER_STARTED)
	}
	require.NoError(t, w.Stop(t.Context()))
	r.signal(again, workflows.SignalReprocess)
	r.signal(given, workflows.SignalDiscard)
	require.NoError(t, r.client.CancelWorkflow(t.Context(), workflows.UploadWorkflowID(canceled.ID), ""))
	for _, u := range all {
		r.happened(u, enumspb.EVENT_TYPE_TIMER_FIRED)
	}
	r.start()
	require.NoError(t, r.closed(again))
	require.NoError(t, r.closed(given))
	var end *sdktemporal.CanceledError
	require.ErrorAs(t, r.closed(canceled), &end)
	for u, typ := range map[orak.Upload]events.Type{again: events.Completed, given: events.Discarded, canceled: events.Canceled} {
		require.Len(t, ends(r.lifecycle(u, typ)), 1)
	}
}

// An Update that discards is answered with the final status, although the run closes
// with it.
func TestDiscardUpdateReturnsTheFinalStatus(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deps.Converter = convert(func(int) error { return inputFault })
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	require.NoError(t, r.update(u, workflows.SignalDiscard, workflows.Discard{By: "ada", Reason: "spam"}))
	require.Equal(t, orak.StatusDiscarded, get[orak.Progress](r, orak.OutcomeKey(u.Tenant, u.ID)).Status)
	require.NoError(t, r.closed(u))
	es := ends(r.lifecycle(u, events.Discarded))
	require.Len(t, es, 1)
	l, err := es[0].Lifecycle()
	require.NoError(t, err)
	require.Equal(t, "spam", l.Reason)
	r.record("discarded_by_update_brief", workflows.UploadWorkflowID(u.ID))
}
