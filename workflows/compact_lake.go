package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak/activities"
	"orak/activities/messages"
)

// CompactLakeInput is the input of CompactLake.
type CompactLakeInput struct {
	// Resume is set only by Continue-As-New.
	Resume *ResumeCompactLake `json:"resume,omitempty"`
}

// ResumeCompactLake is the state that a run of CompactLake passes to the next.
type ResumeCompactLake struct {
	Report CompactLakeReport `json:"report"`
	Since  time.Time         `json:"since,omitzero"`
	Cursor string            `json:"cursor"`
}

// CompactLakeReport reports what a CompactLake did. It is the result of the workflow.
type CompactLakeReport struct {
	BeganAt time.Time `json:"began_at"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	activities.LakeCounts
}

// A page of the lake ends soon after a minute, unless a folder of it is large.
const (
	lakePageOnce = 2 * time.Hour
	lakePageFor  = 5 * time.Hour
)

// CompactLake compacts the lake page by page, in as many runs as necessary, so that
// the history of a run does not grow with the lake. The last run that finished says
// since when there is something new.
func (f *Flows) CompactLake(ctx workflow.Context, in CompactLakeInput) (CompactLakeReport, error) {
	at := ResumeCompactLake{Report: CompactLakeReport{BeganAt: workflow.Now(ctx).UTC()}}
	if in.Resume != nil {
		at = *in.Resume
	} else if workflow.HasLastCompletionResult(ctx) {
		var last CompactLakeReport
		if err := workflow.GetLastCompletionResult(ctx, &last); err != nil {
			return at.Report, err
		}
		at.Since = last.BeganAt
	}
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              QueuePipeline,
		StartToCloseTimeout:    lakePageOnce,
		ScheduleToCloseTimeout: lakePageFor,
		HeartbeatTimeout:       30 * time.Second,
		Summary:                "about a minute of the lake's folders",
		Priority:               temporal.Priority{PriorityKey: LowestPriority},
		RetryPolicy:            unlimited(time.Minute),
	})
	for range maxPages {
		var done activities.LakePageDone
		page := activities.LakePage{Cursor: at.Cursor, Since: at.Since, Began: at.Report.BeganAt}
		if err := workflow.ExecuteActivity(options, activities.TypeCompactLakePage, page).Get(ctx, &done); err != nil {
			return at.Report, err
		}
		at.Report.LakeCounts = at.Report.Plus(done.Counts)
		n := at.Report.LakeCounts
		workflow.SetCurrentDetails(ctx, messages.LakeDetails(n.Examined, n.Compacted, n.Replaced, n.Removed, n.ErasedRows))
		if at.Cursor = done.Cursor; at.Cursor == "" {
			at.Report.EndedAt = workflow.Now(ctx).UTC()
			return at.Report, nil
		}
	}
	return at.Report, workflow.NewContinueAsNewError(ctx, TypeCompactLake, CompactLakeInput{Resume: &at})
}
