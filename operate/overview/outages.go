package overview

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/api/resource"
	"orak/workflows"
)

// Bounds of the work for the outages: those that are over, and the events of the history
// of one that are read.
const (
	recentOutages   = 20
	maxOutageEvents = 2000
)

// Outages returns the outages that are open, and the last ones that are over. The cause
// of failing workflow tasks names an upload, and so is left out for one tenant.
func (o *Overview) Outages(ctx context.Context, t orak.Tenant) (resource.Outages, error) {
	found, err := o.outages.Get(ctx, struct{}{})
	if err != nil {
		return resource.Outages{}, temporalDown("listing outages", err)
	}
	if t == resource.EveryTenant {
		return found, nil
	}
	found.Open, found.Recent = withoutUploads(found.Open), withoutUploads(found.Recent)
	return found, nil
}

func withoutUploads(outages []resource.Outage) []resource.Outage {
	shown := slices.Clone(outages)
	for i := range shown {
		if shown[i].Dependency == string(orak.DependencyWorkflows) {
			shown[i].Cause = ""
		}
	}
	return shown
}

func (o *Overview) readOutages(ctx context.Context) (resource.Outages, error) {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus", workflows.TypeOutageDigest)
	open, err := o.listOutages(ctx, query+" = 'Running'", len(orak.Dependencies()))
	if err != nil {
		return resource.Outages{}, err
	}
	recent, err := o.listOutages(ctx, query+" IN ('Completed', 'Failed', 'Canceled', 'Terminated', 'TimedOut')", recentOutages)
	if err != nil {
		return resource.Outages{}, err
	}
	return resource.Outages{Open: open, Recent: recent, CheckedAt: now()}, nil
}

// listOutages returns the outages of the workflows that a query finds, the latest first.
func (o *Overview) listOutages(ctx context.Context, query string, most int) ([]resource.Outage, error) {
	page, err := o.deps.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: o.deps.Namespace, PageSize: int32(most), Query: query})
	if err != nil {
		return nil, fmt.Errorf("listing outages: %w", err)
	}
	found := make([]resource.Outage, len(page.GetExecutions()))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, info := range page.GetExecutions() {
		group.Go(func() error {
			found[i] = o.outage(ctx, info)
			return nil
		})
	}
	_ = group.Wait() // no error
	slices.SortStableFunc(found, func(a, b resource.Outage) int { return b.BeganAt.Compare(a.BeganAt) })
	return found, nil
}

// outage returns the outage of a workflow. If the history cannot be read, there is only
// what the list says.
func (o *Overview) outage(ctx context.Context, info *executionInfo) resource.Outage {
	run := info.GetExecution()
	if known, ok := o.closed.Get(run.GetRunId()); ok {
		return known
	}
	out := resource.Outage{
		Dependency: strings.TrimPrefix(run.GetWorkflowId(), workflows.OutageWorkflowID("")), BeganAt: info.GetStartTime().AsTime(),
		WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId(), WebUI: o.webUI(run.GetWorkflowId(), run.GetRunId()),
	}
	over := info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	if over {
		out.EndedAt = info.GetCloseTime().AsTime()
	}
	told := &story{payloads: o.deps.Payloads, posts: make(map[int64]messages.Outage)}
	err := o.tell(ctx, run.GetWorkflowId(), run.GetRunId(), told)
	o.reads.Report(ctx, err, "the history of an outage cannot be read", "workflow_id", run.GetWorkflowId())
	if err != nil {
		return out
	}
	if d := told.down; d.Count > 0 {
		out.BeganAt, out.LastAt, out.Count, out.Cause = d.FirstAt, d.LastAt, int64(d.Count), d.Message
	}
	out.Posted = told.posted
	if over {
		o.closed.Add(run.GetRunId(), out)
	}
	return out
}

// tell reads the history of a run into s.
func (o *Overview) tell(ctx context.Context, workflowID, runID string, s *story) error {
	events := o.deps.Temporal.GetWorkflowHistory(ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for n := 0; events.HasNext() && n < maxOutageEvents; n++ {
		e, err := events.Next()
		if err != nil {
			return fmt.Errorf("reading the history of %s: %w", workflowID, err)
		}
		s.read(e)
	}
	return nil
}

// story is what the history of an OutageDigest tells.
type story struct {
	payloads workflows.Payloads
	down     messages.Down
	posted   bool
	// over means that the outage ended: a later report is of another one.
	over bool
	// posts are the messages by the event that scheduled them.
	posts map[int64]messages.Outage
}

func (s *story) read(e *history.HistoryEvent) {
	if started := e.GetWorkflowExecutionStartedEventAttributes(); started != nil {
		var in workflows.OutageDigestInput
		if s.payloads.Decode(started.GetInput(), &in) == nil && in.Resume != nil {
			s.down, s.posted = in.Resume.Down, !in.Resume.ToldAt.IsZero()
		}
	}
	if signal := e.GetWorkflowExecutionSignaledEventAttributes(); signal.GetSignalName() == workflows.SignalDown {
		var d workflows.DownSignal
		if s.payloads.Decode(signal.GetInput(), &d) == nil {
			s.add(d.Down, e.GetEventTime().AsTime())
		}
	}
	if scheduled := e.GetActivityTaskScheduledEventAttributes(); scheduled.GetActivityType().GetName() == activities.TypePostOutage {
		var m messages.Outage
		if s.payloads.Decode(scheduled.GetInput(), &m) == nil {
			s.posts[e.GetEventId()] = m
		}
	}
	if completed := e.GetActivityTaskCompletedEventAttributes(); completed != nil {
		if m, ok := s.posts[completed.GetScheduledEventId()]; ok {
			s.posted, s.over = true, !m.OverAt.IsZero()
		}
	}
}

// add adds a report.
func (s *story) add(d messages.Down, at time.Time) {
	if s.over {
		s.down, s.posted, s.over = messages.Down{}, false, false
	}
	if d.FirstAt.IsZero() {
		d.FirstAt, d.LastAt = at, at
	}
	if s.down.Count == 0 || d.FirstAt.Before(s.down.FirstAt) {
		s.down.FirstAt = d.FirstAt
	}
	if d.LastAt.After(s.down.LastAt) {
		s.down.LastAt = d.LastAt
	}
	s.down.Count += max(d.Count, 1)
	s.down.Message = d.Message
}
