package reconcile

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/workflows"
)

// Kind says how a dead letter and a workflow disagree.
type Kind string

// The kinds.
const (
	// ParkedWithoutLetter is an upload that is parked and whose dead letter of
	// this cycle is not on the topic.
	ParkedWithoutLetter Kind = "parked_without_letter"
	// LetterWithoutWorkflow is a letter of a workflow that Temporal does not
	// know, although it would still remember it.
	LetterWithoutWorkflow Kind = "letter_without_workflow"
	// WorkflowGone is a letter whose workflow was closed before anybody
	// decided about it.
	WorkflowGone Kind = "workflow_gone"
)

// Disagreement is one upload whose dead letter and workflow disagree.
type Disagreement struct {
	Kind       Kind   `json:"kind"`
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id,omitempty"`
	Cycle      int    `json:"cycle"`
	// At is when the upload was parked, or when the letter was written.
	At time.Time `json:"at"`
	// Progress is the parked upload's, of ParkedWithoutLetter alone.
	Progress *orak.Progress `json:"-"`
}

// UploadID is whose it is.
func (d Disagreement) UploadID() orak.UploadID { return uploadOf(d.WorkflowID) }

// uploadOf is the upload that a workflow is of; empty where the id is of
// another form, as anybody can write one into a letter.
func uploadOf(workflowID string) orak.UploadID {
	name, _ := strings.CutPrefix(workflowID, workflows.UploadWorkflowID(""))
	id, err := orak.ParseUploadID(name)
	if err != nil || workflows.UploadWorkflowID(id) != workflowID {
		return ""
	}
	return id
}

// Compared counts what Verify looked at.
type Compared struct {
	// Letters are the uploads that have one, Parked those that are parked.
	Letters int `json:"letters"`
	Parked  int `json:"parked"`
	// Receive are letters of records that the bridge could not take: they
	// have no workflow. Unreadable are records that are no letters of ours.
	Receive    int `json:"receive"`
	Unreadable int `json:"unreadable"`
}

// clocks is how far the clocks of two machines may be apart.
const clocks = time.Minute

// comparisons is how many workflows are described at once.
const comparisons = 16

// listPage is how many workflows are listed at once.
const listPage = 1000

// letter is what is kept of an upload's last dead letter: little, since there
// may be very many.
type letter struct {
	at      int64 // Unix milliseconds
	cycle   int32
	settled bool
}

// comparison is one Verify.
type comparison struct {
	*Reconciler
	letters  map[string]*letter // by workflow id
	compared Compared
	visit    func(Disagreement) error
}

// Verify compares the dead letters, all that are retained, with the workflows,
// and hands visit whatever disagrees; an error of visit ends it. Of letters
// that no parked upload answers to, those written before since are passed over.
// visit is called by one goroutine at a time.
func (r *Reconciler) Verify(ctx context.Context, since time.Time, visit func(Disagreement) error) (Compared, error) {
	c := &comparison{Reconciler: r, letters: make(map[string]*letter), visit: visit}
	if err := c.read(ctx); err != nil {
		return c.compared, err
	}
	if err := c.compareParked(ctx); err != nil {
		return c.compared, err
	}
	return c.compared, c.compareLetters(ctx, since)
}

// read keeps the last letter of each upload.
func (c *comparison) read(ctx context.Context) error {
	bounds, err := c.deps.Replayer.Since(ctx, events.TopicDeadLetters, time.Time{})
	if err != nil {
		return err
	}
	return c.deps.Replayer.Read(ctx, events.TopicDeadLetters, bounds, func(records []*kgo.Record) error {
		for _, rec := range records {
			c.keep(rec)
		}
		return nil
	})
}

func (c *comparison) keep(rec *kgo.Record) {
	l, err := events.DeadLetterFrom(rec)
	switch {
	case err == nil && l.WorkflowID == "":
		c.compared.Receive++
		return
	case err != nil || uploadOf(l.WorkflowID) == "":
		c.compared.Unreadable++
		return
	}
	kept, ok := c.letters[l.WorkflowID]
	if !ok {
		kept = &letter{}
		c.letters[strings.Clone(l.WorkflowID)] = kept
		c.compared.Letters++
	}
	if at := l.FailedAt.UnixMilli(); at >= kept.at {
		kept.at, kept.cycle = at, int32(l.Cycle)
	}
}

// compareParked looks for the letter of every parked upload.
func (c *comparison) compareParked(ctx context.Context) error {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running' AND %s = '%s'",
		workflows.TypeProcessUpload, workflows.AttrStatus.GetName(), orak.StatusDeadLettered)
	var token []byte
	for {
		page, err := c.deps.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: c.deps.Namespace, PageSize: listPage, NextPageToken: token, Query: query,
		})
		if err != nil {
			return fmt.Errorf("listing parked workflows: %w", err)
		}
		for _, listed := range page.GetExecutions() {
			if err := c.compareOne(ctx, listed); err != nil {
				return err
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return nil
		}
	}
}

// compareOne believes a listing that agrees; one that does not may be late.
func (c *comparison) compareOne(ctx context.Context, listed *workflow.WorkflowExecutionInfo) error {
	id := listed.GetExecution().GetWorkflowId()
	if p, ok := c.deps.Payloads.Progress(listed); ok && c.agrees(id, p) {
		c.settle(id)
		return nil
	}
	d, err := workflows.Describe(ctx, c.deps.Temporal, id)
	if err != nil {
		return err
	}
	info := d.GetWorkflowExecutionInfo()
	p, _ := c.deps.Payloads.Progress(info)
	if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING || p.Status != orak.StatusDeadLettered {
		return nil
	}
	c.settle(id)
	if c.agrees(id, p) || c.onItsWay(d, p) {
		return nil
	}
	return c.visit(Disagreement{
		Kind: ParkedWithoutLetter, WorkflowID: id, RunID: info.GetExecution().GetRunId(),
		Cycle: p.Cycle, At: p.UpdatedAt, Progress: &p,
	})
}

func (c *comparison) settle(id string) {
	c.compared.Parked++
	if l, ok := c.letters[id]; ok {
		l.settled = true
	}
}

// agrees reports whether the upload's last letter is of the failure that
// parked it: of its cycle, and not of one in an earlier life of the upload.
func (c *comparison) agrees(id string, p orak.Progress) bool {
	l, ok := c.letters[id]
	return ok && int(l.cycle) == p.Cycle &&
		(p.Failure == nil || l.at >= p.Failure.FirstAt.Add(-clocks).UnixMilli())
}

// onItsWay reports whether the letter is still to come by itself.
func (c *comparison) onItsWay(d *workflowservice.DescribeWorkflowExecutionResponse, p orak.Progress) bool {
	if time.Since(p.UpdatedAt) < c.minAge {
		return true
	}
	for _, pending := range d.GetPendingActivities() {
		if pending.GetActivityType().GetName() == activities.TypeDeadLetter {
			return true
		}
	}
	return false
}

// compareLetters looks for the workflow of every letter that no parked upload
// has claimed.
func (c *comparison) compareLetters(ctx context.Context, since time.Time) error {
	ns, err := c.deps.Temporal.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: c.deps.Namespace})
	if err != nil {
		return fmt.Errorf("describing namespace: %w", err)
	}
	// What closed before this, Temporal may have forgotten.
	remembered := time.Now().Add(overlap - ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	oldest := max(since.UnixMilli(), remembered.UnixMilli())
	found := make(chan Disagreement)
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(comparisons)
	go func() {
		defer close(found)
		c.askAll(asking, group, oldest, found)
	}()
	var visited error
	for d := range found {
		if visited == nil {
			visited = c.visit(d)
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return visited
}

// askAll returns when every answer is in found.
func (c *comparison) askAll(ctx context.Context, group *errgroup.Group, oldest int64, found chan<- Disagreement) {
	for id, l := range c.letters {
		if l.settled || l.at < oldest || ctx.Err() != nil {
			continue
		}
		group.Go(func() error {
			kind, runID, err := c.judge(ctx, id)
			if err == nil && kind != "" {
				found <- Disagreement{Kind: kind, WorkflowID: id, RunID: runID, Cycle: int(l.cycle), At: time.UnixMilli(l.at).UTC()}
			}
			return err
		})
	}
	// The error is the group's owner's, who waits again.
	_ = group.Wait()
}

// judge finds out about a letter's workflow; no kind means that all is well.
func (c *comparison) judge(ctx context.Context, id string) (kind Kind, runID string, err error) {
	d, err := workflows.Describe(ctx, c.deps.Temporal, id)
	if err != nil {
		return "", "", err
	}
	if d == nil {
		return LetterWithoutWorkflow, "", nil
	}
	info := d.GetWorkflowExecutionInfo()
	if p, _ := c.deps.Payloads.Progress(info); cutOff(info, p) {
		return WorkflowGone, info.GetExecution().GetRunId(), nil
	}
	return "", "", nil
}
