package bridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"

	"orak"
	"orak/bridge"
	"orak/workflows"
)

// cancelRequests are the causes of the requests in the workflow's history; all
// are the bridge's.
func (b *bundle) cancelRequests(u orak.Upload) []string {
	b.t.Helper()
	history := b.temporal.GetWorkflowHistory(b.ctx, workflows.UploadWorkflowID(u.ID), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var causes []string
	for history.HasNext() {
		e, err := history.Next()
		require.NoError(b.t, err)
		if e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED {
			request := e.GetWorkflowExecutionCancelRequestedEventAttributes()
			require.Equal(b.t, "test-bridge", request.GetIdentity())
			causes = append(causes, request.GetCause())
		}
	}
	return causes
}

func TestCanceledUploadIsAskedToEndOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	canceled, again, untouched := newUpload(), newUpload(), newUpload()
	b.publish(
		announcement(t, canceled), announcement(t, again), announcement(t, untouched),
		cancellation(t, canceled, canceled.Tenant),
		cancellation(t, again, again.Tenant), structured(t, cancellation(t, again, again.Tenant), false),
	)
	m := b.start(nil)
	m.awaitOutcome("started", 3)
	m.awaitOutcome("canceled", 3)
	b.awaitCommitted(6)
	require.Equal(t, []string{"by ada: wrong take"}, b.cancelRequests(canceled))
	require.Equal(t, []string{"by ada: wrong take"}, b.cancelRequests(again))
	require.Empty(t, b.cancelRequests(untouched))
	require.Zero(t, b.deadLetters())
}

func TestCancellationWithoutAWorkflowIsDone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	early, closed := newUpload(), newUpload()
	b.publish(cancellation(t, early, early.Tenant), announcement(t, early), announcement(t, closed))
	m := b.start(nil)
	m.awaitOutcome("started", 2)
	require.NoError(t, b.temporal.TerminateWorkflow(b.ctx, workflows.UploadWorkflowID(closed.ID), "", "it has ended"))
	b.publish(cancellation(t, closed, closed.Tenant))
	m.awaitOutcome("not_running", 2)
	b.awaitCommitted(4)
	require.Empty(t, b.cancelRequests(early), "a cancellation is not kept")
	require.Zero(t, b.deadLetters())
}

func TestCancellationsThatAreInvalidAreDeadLettered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	malformed := cancellation(t, u, u.Tenant)
	malformed.Value = []byte(`{}`)
	b.publish(announcement(t, u), malformed, cancellation(t, u, "other"))
	m := b.start(nil)
	m.awaitOutcome("dead_lettered", 2)
	b.awaitCommitted(3)
	require.Empty(t, b.cancelRequests(u))
}

func TestCancellationWaitsForTemporal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := newProxy(t, b.address)
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		d.Temporal = b.client(p.address())
		c.StartTimeout = time.Second
	})
	u := newUpload()
	b.publish(announcement(t, u))
	m.awaitOutcome("started", 1)
	b.awaitCommitted(1)
	p.set(false)
	b.publish(cancellation(t, u, u.Tenant))
	require.Eventually(t, func() bool { return m.metric("orak_bridge_retrying_records", "") > 0 }, within, 10*time.Millisecond)
	require.Equal(t, 1, b.committed())
	p.set(true)
	m.awaitOutcome("canceled", 1)
	require.Len(t, b.cancelRequests(u), 1)
	require.Zero(t, b.deadLetters())
}
