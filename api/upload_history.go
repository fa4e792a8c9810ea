package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/api/resource"
	"orak/workflows"
)

// The bounds of a history: the runs and events that are read, and the entries of the
// answer.
const (
	maxRuns   = 5
	maxEvents = 10_000
	// historyPage is how many events one request reads.
	historyPage = 1000
	maxEntries  = 1000
	// sameEnd is how far apart the end of an attempt in the history may be from the
	// failure that the upload's timeline has of it.
	sameEnd = 5 * time.Second
)

// getHistory answers with what happened to an upload.
func (s *Server) getHistory(c *fiber.Ctx) error {
	if err := checkParameters(c, nil); err != nil {
		return err
	}
	st, err := s.parked(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(s.historyOf(c.UserContext(), exchangeOf(c), st))
}

// historyOf collects the history of an upload. Without the histories of its workflow,
// which Temporal keeps for its retention, there is only what the upload itself remembers.
func (s *Server) historyOf(ctx context.Context, x *exchange, st state) resource.UploadHistory {
	h := resource.UploadHistory{
		ID: st.Upload.ID, Tenant: st.Upload.Tenant, Status: st.Status, WorkflowID: workflows.UploadWorkflowID(st.Upload.ID),
		Runs: []resource.UploadRun{}, Entries: []resource.HistoryEntry{},
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StatusTimeout)
	defer cancel()
	if st.runID != "" {
		if err := s.readRuns(ctx, &h, st.runID); err != nil {
			x.log.WarnContext(ctx, "the history of an upload cannot be read completely", "workflow_id", h.WorkflowID, "error", err)
			h.Truncated = true
		}
	}
	h.Entries = withMarks(h.Entries, st.Timeline)
	slices.SortStableFunc(h.Entries, func(a, b resource.HistoryEntry) int { return a.At.Compare(b.At) })
	if over := len(h.Entries) - maxEntries; over > 0 {
		h.Entries, h.Truncated = slices.Delete(h.Entries, 0, over), true
	}
	return h
}

// readRuns reads the last runs of the workflow, of which latest is the last one.
func (s *Server) readRuns(ctx context.Context, h *resource.UploadHistory, latest string) error {
	d, err := s.workflows.DescribeWorkflowExecution(ctx, h.WorkflowID, latest)
	if err != nil {
		return fmt.Errorf("describing the workflow: %w", err)
	}
	runs := []*workflow.WorkflowExecutionInfo{d.GetWorkflowExecutionInfo()}
	// Ids of uploads have no quotes. Visibility may not have the last run yet.
	listed, listErr := s.workflows.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: maxRuns + 1, Query: "WorkflowId = '" + h.WorkflowID + "'"})
	for _, info := range listed.GetExecutions() {
		if info.GetExecution().GetRunId() != latest {
			runs = append(runs, info)
		}
	}
	// The newest first, so that the oldest are what a bound leaves out.
	slices.SortFunc(runs, func(a, b *workflow.WorkflowExecutionInfo) int {
		return b.GetStartTime().AsTime().Compare(a.GetStartTime().AsTime())
	})
	if len(runs) > maxRuns {
		runs, h.Truncated = runs[:maxRuns], true
	}
	left := s.historyEvents
	var errs []error
	for _, info := range runs {
		h.Runs = append(h.Runs, s.runResource(info))
		var pending []*workflow.PendingActivityInfo
		if info.GetExecution().GetRunId() == latest {
			pending = d.GetPendingActivities()
		}
		read, err := s.readRun(ctx, h, info, pending, left)
		left -= read
		errs = append(errs, err)
	}
	slices.Reverse(h.Runs)
	return errors.Join(append(errs, listErr)...)
}

// readRun reads the last events of a run, left at most, and returns how many it read.
// What was read before an error counts, and so do the activities that are pending.
func (s *Server) readRun(ctx context.Context, h *resource.UploadHistory, info *workflow.WorkflowExecutionInfo, pending []*workflow.PendingActivityInfo, left int) (read int, err error) {
	t := newTale(s.payloads, info.GetExecution().GetRunId())
	if info.GetHistoryLength() <= int64(left) {
		read, err = s.readForward(ctx, t, h.WorkflowID, left)
	} else {
		read, err = s.readLast(ctx, t, h.WorkflowID, left)
		h.Truncated = true
	}
	t.pending(pending)
	h.Entries = append(h.Entries, t.entries...)
	if h.Options == nil { // those of the newest run
		h.Options = t.options
	}
	if err != nil {
		return read, fmt.Errorf("reading the history: %w", err)
	}
	return read, nil
}

// readForward reads the first events of a run, most at most.
func (s *Server) readForward(ctx context.Context, t *tale, workflowID string, most int) (read int, err error) {
	events := s.workflows.GetWorkflowHistory(ctx, workflowID, t.runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for ; read < most && events.HasNext(); read++ {
		e, err := events.Next()
		if err != nil {
			return read, err
		}
		t.read(e)
	}
	return read, nil
}

// optionEvents are those at the beginning of a run among which its options are.
const optionEvents = 20

// readLast reads the last events of a run that has more, most at most, and its options.
func (s *Server) readLast(ctx context.Context, t *tale, workflowID string, most int) (read int, err error) {
	if most <= 0 {
		return 0, nil
	}
	beginning := newTale(s.payloads, t.runID)
	_, noOptions := s.readForward(ctx, beginning, workflowID, optionEvents)
	t.options, t.settled = beginning.options, true // no later side effect has settings
	last, err := s.lastEvents(ctx, workflowID, t.runID, most)
	for _, e := range slices.Backward(last) {
		t.read(e)
	}
	return len(last), errors.Join(noOptions, err)
}

// lastEvents returns the last events of a run, most at most, the latest first; with an
// error those that were read before it. The size of a page counts batches, each of which
// may have many events.
func (s *Server) lastEvents(ctx context.Context, workflowID, runID string, most int) (last []*history.HistoryEvent, err error) {
	var token []byte
	for len(last) < most {
		page, err := s.workflows.WorkflowService().GetWorkflowExecutionHistoryReverse(ctx, &workflowservice.GetWorkflowExecutionHistoryReverseRequest{
			Namespace: s.namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: workflowID, RunId: runID},
			MaximumPageSize: int32(min(historyPage, most-len(last))), NextPageToken: token,
		})
		if err != nil {
			return last, err
		}
		last = append(last, page.GetHistory().GetEvents()...)
		if token = page.GetNextPageToken(); len(token) == 0 {
			break
		}
	}
	return last[:min(len(last), most)], nil
}

func (s *Server) runResource(info *workflow.WorkflowExecutionInfo) resource.UploadRun {
	id := info.GetExecution()
	r := resource.UploadRun{
		RunID: id.GetRunId(), BeganAt: info.GetStartTime().AsTime(), Status: runStatus(info.GetStatus()), Events: info.GetHistoryLength(),
	}
	if info.GetCloseTime() != nil {
		r.EndedAt = info.GetCloseTime().AsTime()
	}
	if s.workflowURL != nil {
		r.WebUI = s.workflowURL(id.GetWorkflowId(), id.GetRunId())
	}
	return r
}

// runStatus returns a status of Temporal in snake case.
func runStatus(status enumspb.WorkflowExecutionStatus) string {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return "completed"
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:
		return outcomeFailed
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return outcomeCanceled
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "terminated"
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return outcomeTimedOut
	case enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return "continued_as_new"
	default:
		return "running"
	}
}

// withMarks adds what the upload remembers and the history does not show: attempts that
// failed and were followed by others, and where it parked or was restarted. Decisions are
// among the entries if the history has them.
func withMarks(entries []resource.HistoryEntry, timeline []orak.Mark) []resource.HistoryEntry {
	var added []resource.HistoryEntry
	for _, m := range timeline {
		e := resource.HistoryEntry{At: m.At, Stage: m.Stage, Class: m.Class, Message: m.Message, Attempt: m.Attempt, By: m.By, Reason: m.Reason}
		switch m.Kind {
		case orak.MarkAttemptFailed:
			e.Kind, e.EndedAt, e.Outcome = resource.HistoryAttempt, m.At, outcomeFailed
		case orak.MarkDeadLettered:
			e.Kind = resource.HistoryParked
		default:
			e.Kind, e.Name = resource.HistoryDecision, string(m.Kind)
		}
		if i := slices.IndexFunc(entries, func(known resource.HistoryEntry) bool { return sameAs(known, e) }); i < 0 {
			added = append(added, e)
		}
	}
	return append(entries, added...)
}

// sameAs reports whether known, from the history, is what e, from the timeline, says.
func sameAs(known, e resource.HistoryEntry) bool {
	if known.Kind != e.Kind {
		return false
	}
	near := func(a, b time.Time) bool { return a.Sub(b).Abs() < sameEnd }
	switch e.Kind {
	case resource.HistoryAttempt:
		return known.Stage == e.Stage && known.Outcome != outcomeCompleted && near(known.EndedAt, e.EndedAt)
	case resource.HistoryDecision:
		return near(known.At, e.At) && known.By == e.By
	default:
		return false
	}
}
