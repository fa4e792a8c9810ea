package bridge_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/bridge"
	"orak/events"
	"orak/workflows"
)

func TestEveryAnnouncedUploadStartsItsWorkflow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.announce(30)
	m := b.start(nil)
	uploads := append(before, b.announce(30)...)
	m.awaitOutcome("started", 60)
	b.awaitCommitted(60)
	b.requireStarted(uploads)
	require.Zero(t, b.deadLetters())
	require.NoError(t, m.Ready(b.ctx))
	require.Equal(t, int(events.Partitions), m.metric("orak_bridge_assigned_partitions", ""))
	require.Zero(t, m.metric("orak_bridge_inflight_records", ""))
}

func TestWorkflowKnowsItsUploadAndWhereItWasAnnounced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	r := announcement(t, u)
	b.publish(r)
	b.start(nil).awaitOutcome("started", 1)

	id := workflows.UploadWorkflowID(u.ID)
	described, err := b.temporal.DescribeWorkflowExecution(b.ctx, id, "")
	require.NoError(t, err)
	info := described.GetWorkflowExecutionInfo()
	require.Equal(t, workflows.TypeProcessUpload, info.GetType().GetName())
	require.Equal(t, workflows.QueuePipeline, info.GetTaskQueue())
	var progress orak.Progress
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(info.GetMemo().GetFields()[workflows.MemoProgress], &progress))
	require.Equal(t, orak.StatusQueued, progress.Status)
	require.Equal(t, u, progress.Upload)
	var status, tenant string
	attrs := info.GetSearchAttributes().GetIndexedFields()
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(attrs[workflows.AttrStatus.GetName()], &status))
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(attrs[workflows.AttrTenant.GetName()], &tenant))
	require.Equal(t, []string{"queued", "choir"}, []string{status, tenant})

	history := b.temporal.GetWorkflowHistory(b.ctx, id, "", false, 0)
	started, err := history.Next()
	require.NoError(t, err)
	var input workflows.ProcessUploadInput
	payloads := started.GetWorkflowExecutionStartedEventAttributes().GetInput()
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(payloads, &input))
	require.Equal(t, u, input.Upload)
	require.Equal(t, events.OriginOf(r), input.Origin)
}

func TestRedeliveryStartsNothingTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(10)
	first := b.start(nil)
	first.awaitOutcome("started", 10)
	first.stop()
	b.awaitCommitted(10)
	runs := b.requireStarted(uploads)
	closed := workflows.UploadWorkflowID(uploads[0].ID)
	require.NoError(t, b.temporal.TerminateWorkflow(b.ctx, closed, "", "a closed run counts as well"))

	_, err := b.admin.DeleteGroup(b.ctx, events.GroupBridge)
	require.NoError(t, err)
	second := b.start(nil)
	second.awaitOutcome("duplicate", 10)
	b.awaitCommitted(10)
	require.Equal(t, runs, b.requireStarted(uploads))
	require.Zero(t, second.metric("orak_bridge_records_total", "started"))
}

func TestUploadAnnouncedTwiceStartsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	for range 5 {
		b.publish(announcement(t, u))
	}
	m := b.start(nil)
	m.awaitOutcome("duplicate", 4)
	m.awaitOutcome("started", 1)
	b.requireStarted([]orak.Upload{u})
}

// The bridge does not ask Temporal about what it has started itself, until another
// event of the upload says that something may have changed.
func TestRepeatedAnnouncementsAskTemporalNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var asked atomic.Int64
	m := b.start(func(_ *bridge.Config, d *bridge.Deps) {
		d.Temporal = b.client(b.address, onStart(func(context.Context, string) error { asked.Add(1); return nil }))
	})
	u := newUpload()
	r := announcement(t, u)
	b.publish(r)
	m.awaitOutcome("started", 1)
	for range 4 {
		b.publish(announcement(t, u))
	}
	m.awaitOutcome("duplicate", 4)
	require.EqualValues(t, 1, asked.Load())

	other := announcement(t, u)
	other.Key = []byte("another key")
	b.publish(other)
	m.awaitOutcome("duplicate", 5)
	require.EqualValues(t, 2, asked.Load(), "another key is another partition, which knows nothing of it")

	unknown := announcement(t, u)
	for i, h := range unknown.Headers {
		if h.Key == "ce_type" {
			unknown.Headers[i].Value = []byte(events.Erased)
		}
	}
	b.publish(unknown, announcement(t, u))
	m.awaitOutcome("duplicate", 6)
	require.EqualValues(t, 3, asked.Load())
	b.requireStarted([]orak.Upload{u})
}

func TestStopAndStartAreCalledInAnyOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	never := bridge.New(config(), bridge.Deps{Kafka: b.kafka, Temporal: b.temporal, Log: quiet()})
	require.Error(t, never.Ready(b.ctx))
	require.NoError(t, never.Stop(b.ctx))
	require.NoError(t, never.Stop(b.ctx))
	require.Error(t, never.Start(b.ctx), "a bridge is started once")

	m := b.start(nil)
	require.Error(t, m.Start(b.ctx))
	m.stop()
	m.stop()
	require.Error(t, m.Ready(b.ctx))
}

// A member with an instance id keeps its partitions over a restart, so its stop
// must commit, too.
func TestNamedBridgeGoesOnAfterItsRestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	named := func(c *bridge.Config, _ *bridge.Deps) { c.InstanceID, c.CommitInterval = "bridge-1", time.Hour }
	first := b.start(named)
	b.announce(5)
	first.awaitOutcome("started", 5)
	first.stop()
	b.awaitCommitted(5)
	b.announce(5)
	second := b.start(named)
	second.awaitOutcome("started", 5)
	require.Zero(t, second.metric("orak_bridge_records_total", "duplicate"))
}

func TestTwoBridgesShareTheWorkAndOneTakesOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := b.start(nil)
	uploads := b.announce(40)
	two := b.start(nil)
	uploads = append(uploads, b.announce(40)...)
	owned := func(m *member) int { return m.metric("orak_bridge_assigned_partitions", "") }
	require.Eventually(t, func() bool { return owned(one) == 6 && owned(two) == 6 }, within, 20*time.Millisecond)
	uploads = append(uploads, b.announce(40)...)
	b.awaitCommitted(120)

	uploads = append(uploads, b.announce(20)...)
	one.stop()
	uploads = append(uploads, b.announce(20)...)
	b.awaitCommitted(160)
	require.Eventually(t, func() bool { return owned(two) == int(events.Partitions) }, within, 20*time.Millisecond)
	b.requireStarted(uploads)
	total := 0
	for _, m := range []*member{one, two} {
		total += m.metric("orak_bridge_records_total", "started")
	}
	require.Equal(t, 160, total)
	require.Zero(t, b.deadLetters())
}

func TestBridgeStartsBeforeItsServers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dead := newProxy(t, b.address)
	dead.set(false)
	m := b.start(func(_ *bridge.Config, d *bridge.Deps) {
		d.Temporal = b.client(dead.address())
		d.Kafka.Brokers = []string{dead.address()}
	})
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
	defer cancel()
	require.ErrorContains(t, m.Ready(ctx), "reaching Kafka")
}
