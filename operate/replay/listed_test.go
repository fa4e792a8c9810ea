package replay_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orak"
	"orak/events"
	"orak/operate/replay"
	"orak/workflows"
)

// visibility is a client of the real server whose visibility fails, or lists what it is
// told to. It counts what is described.
type visibility struct {
	client.Client
	err       error
	lists     []*workflow.WorkflowExecutionInfo
	described atomic.Int64
}

// ListWorkflow overrides that of the client.
func (v *visibility) ListWorkflow(ctx context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	if v.err != nil {
		return nil, v.err
	}
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: v.lists}, nil
}

// DescribeWorkflowExecution counts the calls.
func (v *visibility) DescribeWorkflowExecution(ctx context.Context, id, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	v.described.Add(1)
	return v.Client.DescribeWorkflowExecution(ctx, id, run)
}

// Visibility that fails or lags behind makes no upload look missing.
func TestUploadsThatVisibilityDoesNotListAreDescribed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(5)
	for _, u := range uploads[1:] {
		b.begin(u, orak.StatusQueued)
	}
	for name, err := range map[string]error{"fails": errors.New("no visibility"), "lags behind": nil} {
		seen := &visibility{Client: b.temporal, err: err}
		r := replay.New(replay.Deps{Kafka: b.kafka, Temporal: seen, Namespace: "unused", Tombstones: b.tombstones, Log: quiet()})
		bounds, err := r.Since(b.ctx, events.TopicUploads, time.Time{})
		require.NoError(t, err)
		missing, err := r.Missing(b.ctx, bounds)
		require.NoError(t, err, name)
		require.Len(t, missing, 1, name)
		require.Equal(t, uploads[0].ID, missing[0].ID, name)
		require.EqualValues(t, len(uploads), seen.described.Load(), name)
	}
}

// Temporal's database may be restored from an older backup than that of visibility.
func TestUploadsThatOnlyVisibilityKnowsAreMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(3)
	b.begin(uploads[0], orak.StatusQueued)
	seen := &visibility{Client: b.temporal}
	for i, u := range uploads {
		seen.lists = append(seen.lists, &workflow.WorkflowExecutionInfo{
			Execution: &common.WorkflowExecution{WorkflowId: workflows.UploadWorkflowID(u.ID)},
			StartTime: timestamppb.New(time.Now().Add(time.Duration(i) * time.Second)), Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		})
	}
	r := replay.New(replay.Deps{Kafka: b.kafka, Temporal: seen, Namespace: "unused", Tombstones: b.tombstones, Log: quiet()})
	bounds, err := r.Since(b.ctx, events.TopicUploads, time.Time{})
	require.NoError(t, err)
	missing, err := r.Missing(b.ctx, bounds)
	require.NoError(t, err)
	require.Len(t, missing, 2)
}

// After such a restore, uploads that were lost and ones that came since are asked about in
// one request.
func TestUploadsThatOnlyVisibilityKnowsAreMissingAmongNewerOnes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(5)
	lost, ended, fresh := uploads[:2], uploads[2], uploads[3:]
	for _, u := range fresh {
		b.begin(u, orak.StatusQueued)
	}
	seen := &visibility{Client: b.temporal}
	for i, u := range uploads {
		seen.lists = append(seen.lists, &workflow.WorkflowExecutionInfo{
			Execution: &common.WorkflowExecution{WorkflowId: workflows.UploadWorkflowID(u.ID)},
			StartTime: timestamppb.New(time.Now().Add(time.Duration(i) * time.Second)), Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		})
	}
	seen.lists[2].Status = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	r := replay.New(replay.Deps{Kafka: b.kafka, Temporal: seen, Namespace: "unused", Tombstones: b.tombstones, Log: quiet()})
	bounds, err := r.Since(b.ctx, events.TopicUploads, time.Time{})
	require.NoError(t, err)
	missing, err := r.Missing(b.ctx, bounds)
	require.NoError(t, err)
	var found []orak.UploadID
	for _, a := range missing {
		found = append(found, a.ID)
	}
	require.ElementsMatch(t, []orak.UploadID{lost[0].ID, lost[1].ID}, found)
	require.NotContains(t, found, ended.ID, "what has ended is not started again")
	require.EqualValues(t, 1+len(lost)+len(fresh), seen.described.Load(), "the latest, and what is listed as open")
}

func TestPlanOfTooManyRecordsIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.announce(5)
	r := replay.New(replay.Deps{Kafka: b.kafka, Temporal: b.temporal, Namespace: "unused", Tombstones: b.tombstones, MaxRecords: 4, Log: quiet()})
	_, err := r.Plan(b.ctx, everything(), nil)
	var many *replay.TooManyError
	require.ErrorAs(t, err, &many)
	require.Equal(t, replay.TooManyError{Records: 5, Most: 4}, *many)
}
