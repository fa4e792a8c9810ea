package bridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/bridge"
	"orak/events"
	"orak/workflows"
)

func erasure(t *testing.T, u orak.Upload, tenant orak.Tenant) *kgo.Record {
	t.Helper()
	e, err := events.NewErasure(u.ReceivedAt, events.Erasure{ID: u.ID, Tenant: tenant, By: "ada", Reason: "asked by the singer"})
	require.NoError(t, err)
	return e.Record(events.TopicUploads)
}

// erasures are the runs that erase an upload, by whether they are open.
func (b *bundle) erasures(u orak.Upload) (runID string, open bool) {
	b.t.Helper()
	d, err := b.temporal.DescribeWorkflowExecution(b.ctx, workflows.EraseWorkflowID(u.ID), "")
	require.NoError(b.t, err)
	info := d.GetWorkflowExecutionInfo()
	require.Equal(b.t, workflows.TypeEraseUpload, info.GetType().GetName())
	require.Equal(b.t, workflows.QueuePipeline, info.GetTaskQueue())
	return info.GetExecution().GetRunId(), info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// It holds for unknown uploads, too: one that was never started must not be
// started after its erasure.
func TestErasureIsStartedOnceWhileItRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	known, unknown := newUpload(), newUpload()
	b.publish(announcement(t, known), erasure(t, known, known.Tenant), erasure(t, known, known.Tenant),
		erasure(t, unknown, unknown.Tenant))
	m := b.start(nil)
	m.awaitOutcome("started", 1)
	m.awaitOutcome("erasing", 2)
	m.awaitOutcome("duplicate", 1)
	b.awaitCommitted(4)
	require.Zero(t, b.deadLetters())
	first, open := b.erasures(known)
	require.True(t, open)

	history := b.temporal.GetWorkflowHistory(b.ctx, workflows.EraseWorkflowID(known.ID), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	began, err := history.Next()
	require.NoError(t, err)
	var in workflows.EraseUploadInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(began.GetWorkflowExecutionStartedEventAttributes().GetInput(), &in))
	require.Equal(t, workflows.EraseUploadInput{
		ID: known.ID, Tenant: known.Tenant, RequestedAt: known.ReceivedAt, By: "ada", Reason: "asked by the singer",
	}, in)

	// Once it has ended, another one is begun.
	require.NoError(t, b.temporal.TerminateWorkflow(b.ctx, workflows.EraseWorkflowID(known.ID), first, "a test"))
	b.publish(erasure(t, known, known.Tenant))
	m.awaitOutcome("erasing", 3)
	second, open := b.erasures(known)
	require.True(t, open)
	require.NotEqual(t, first, second)
}

func TestErasuresThatAreInvalidAreDeadLettered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	malformed := erasure(t, u, u.Tenant)
	malformed.Value = []byte(`{}`)
	reported, err := events.NewLifecycle("id", events.Erased, time.Now(), events.Lifecycle{Upload: orak.BareUpload(u.Tenant, u.ID), Status: orak.StatusErased})
	require.NoError(t, err)
	b.publish(announcement(t, u), malformed, erasure(t, u, "other"), reported.Record(events.TopicUploads))
	m := b.start(nil)
	m.awaitOutcome("dead_lettered", 2)
	m.awaitOutcome("skipped", 1)
	b.awaitCommitted(4)
	_, err = b.temporal.DescribeWorkflowExecution(b.ctx, workflows.EraseWorkflowID(u.ID), "")
	require.Error(t, err)
}

func TestErasureWaitsForTemporal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := newProxy(t, b.address)
	p.set(false)
	u := newUpload()
	b.publish(erasure(t, u, u.Tenant))
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		d.Temporal = b.client(p.address())
		c.StartTimeout = time.Second
	})
	require.Eventually(t, func() bool { return m.metric("orak_bridge_retrying_records", "") > 0 }, within, 10*time.Millisecond)
	require.Zero(t, b.committed())
	p.set(true)
	m.awaitOutcome("erasing", 1)
	b.awaitCommitted(1)
	require.Zero(t, b.deadLetters())
}
