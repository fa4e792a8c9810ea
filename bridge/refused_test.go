package bridge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orak"
	"orak/bridge"
	"orak/events"
	"orak/workflows"
)

// malformed is an announcement of u that names the upload and its tenant, and is
// otherwise invalid.
func malformed(t *testing.T, u orak.Upload) *kgo.Record {
	t.Helper()
	r := announcement(t, u)
	r.Value = []byte(strings.Replace(string(r.Value), u.SHA256, "no digest", 1))
	return r
}

func (b *bundle) progress(id orak.UploadID) (p orak.Progress) {
	b.t.Helper()
	d, err := b.temporal.DescribeWorkflowExecution(b.ctx, workflows.UploadWorkflowID(id), "")
	require.NoError(b.t, err)
	memo := d.GetWorkflowExecutionInfo().GetMemo().GetFields()[workflows.MemoProgress]
	require.NoError(b.t, converter.GetDefaultDataConverter().FromPayload(memo, &p))
	return p
}

// input is what the upload's workflow was started with.
func (b *bundle) input(id orak.UploadID) (in workflows.ProcessUploadInput) {
	b.t.Helper()
	history := b.temporal.GetWorkflowHistory(b.ctx, workflows.UploadWorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := history.Next()
	require.NoError(b.t, err)
	require.NoError(b.t, converter.GetDefaultDataConverter().FromPayloads(first.GetWorkflowExecutionStartedEventAttributes().GetInput(), &in))
	return in
}

func (b *bundle) signalsOf(id orak.UploadID) (names []string) {
	b.t.Helper()
	history := b.temporal.GetWorkflowHistory(b.ctx, workflows.UploadWorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		require.NoError(b.t, err)
		if name := e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName(); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func TestUploadOfARefusedAnnouncementIsParked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	r := malformed(t, u)
	b.publish(r)
	m := b.start(nil)
	m.awaitOutcome("dead_lettered", 1)
	b.publish(malformed(t, u))
	m.awaitOutcome("duplicate", 1)
	b.awaitCommitted(2)

	p := b.progress(u.ID)
	require.Equal(t, orak.StatusDeadLettered, p.Status)
	require.Equal(t, orak.BareUpload(u.Tenant, u.ID), p.Upload)
	require.Equal(t, orak.StageReceive, p.Failure.Stage)
	require.Equal(t, orak.ClassInput, p.Failure.Class)
	require.Contains(t, p.Failure.Message, "sha256")
	require.Equal(t, r.Value, b.input(u.ID).Origin.Value, "the workflow writes the dead letter")
	require.Equal(t, p.Failure, b.input(u.ID).Refused)
	require.Zero(t, b.deadLetters())
	require.Eventually(t, func() bool {
		found, err := b.temporal.ListWorkflow(b.ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: b.ns, Query: "OrakStatus='dead_lettered' AND OrakStage='receive' AND OrakFailure='input' AND OrakTenant='choir'",
		})
		return err == nil && len(found.GetExecutions()) == 1
	}, within, 10*time.Millisecond, "it is in the lists")
}

func TestGoodAnnouncementTakesThePlaceOfARefusedOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u, stored := newUpload(), newUpload()
	store := newRecordings(stored)
	other := announcement(t, u)
	other.Value = []byte(strings.ReplaceAll(string(other.Value), "choir", "elsewhere"))
	b.publish(malformed(t, u), other, announcement(t, u), malformed(t, stored))
	m := b.start(store.into)
	m.awaitOutcome("dead_lettered", 3)
	m.awaitOutcome("started", 1)
	b.publish(notify("orak", "s3:ObjectCreated:Put", stored.Key))
	m.awaitOutcome("started", 2)
	b.awaitCommitted(5)
	require.Equal(t, []string{workflows.SignalAnnounced}, b.signalsOf(u.ID))
	require.Equal(t, []string{workflows.SignalAnnounced}, b.signalsOf(stored.ID))
	require.Equal(t, 1, b.deadLetters(), "of the other tenant")
}

// The upload is being processed: only the record is dead-lettered.
func TestRefusedAnnouncementOfARunningUploadLeavesItUntouched(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	b.publish(announcement(t, u), malformed(t, u))
	m := b.start(nil)
	m.awaitOutcome("started", 1)
	m.awaitOutcome("dead_lettered", 1)
	b.awaitCommitted(2)
	require.Equal(t, orak.StatusQueued, b.progress(u.ID).Status)
	d, err := events.DeadLetterFrom(b.readDeadLetters(1)[0])
	require.NoError(t, err)
	require.Empty(t, d.WorkflowID)
}

func TestUploadThatTemporalRefusesIsParkedWithoutItsRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	large := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if start, ok := req.(*workflowservice.StartWorkflowExecutionRequest); ok && len(start.GetInput().GetPayloads()[0].GetData()) > 2000 {
			return status.Error(codes.InvalidArgument, "Blob data size exceeds limit.")
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
	r := announcement(t, u)
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: "note", Value: []byte(strings.Repeat("x", 2000))})
	b.publish(r)
	m := b.start(func(_ *bridge.Config, d *bridge.Deps) { d.Temporal = b.client(b.address, large) })
	m.awaitOutcome("dead_lettered", 1)
	b.awaitCommitted(1)
	p, in := b.progress(u.ID), b.input(u.ID)
	require.Equal(t, orak.StatusDeadLettered, p.Status)
	require.Equal(t, orak.ClassInternal, p.Failure.Class)
	require.NoError(t, in.Upload.Validate(), "it can be reprocessed")
	require.Equal(t, len(r.Value), in.Origin.Omitted)
	require.Equal(t, r.Offset, in.Origin.Offset)
	require.Zero(t, b.deadLetters())
}
