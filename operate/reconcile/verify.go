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

// Kind is the kind of a Disagreement.
type Kind string

// The kinds.
const (
	// ParkedWithoutLetter is a parked upload whose dead letter of this cycle is not
	// on the topic.
	ParkedWithoutLetter Kind = "parked_without_letter"
	// LetterWithoutWorkflow is a letter whose workflow Temporal does not know,
	// although it is within the retention.
	LetterWithoutWorkflow Kind = "letter_without_workflow"
	// WorkflowGone is a letter whose workflow was closed without a decision.
	WorkflowGone Kind = "workflow_gone"
)

// Disagreement is an upload whose dead letter and workflow disagree.
type Disagreement struct {
	Kind       Kind   `json:"kind"`
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id,omitempty"`
	Cycle      int    `json:"cycle"`
	// At is when the upload was parked, or its letter written.
	At time.Time `json:"at"`
	// Progress is that of the upload; nil unless Kind is ParkedWithoutLetter.
	Progress *orak.Progress `json:"-"`
}

// UploadID returns the upload.
func (d Disagreement) UploadID() orak.UploadID { return uploadOf(d.WorkflowID) }

// uploadOf returns the upload of a workflow; "" if the id has another form, since
// a letter can have any.
func uploadOf(workflowID string) orak.UploadID {
	name, _ := strings.CutPrefix(workflowID, workflows.UploadWorkflowID(""))
	id, err := orak.ParseUploadID(name)
	if err != nil || workflows.UploadWorkflowID(id) != workflowID {
		return ""
	}
	return id
}

// Compared counts what Verify compared.
type Compared struct {
	// Letters counts uploads with a letter, Parked those that are parked.
	Letters int `json:"letters"`
	Parked  int `json:"parked"`
	// Receive counts letters of records that the bridge refused, which have no
	// workflow. Unreadable counts records that are no dead letters of orak.
	Receive    int `json:"receive"`
	Unreadable int `json:"unreadable"`
}

// clocks bounds the difference between the clocks of two machines.
const clocks = time.Minute

// comparisons bounds the workflows that are described at once.
const comparisons = 16

// listPage is the size of a page of workflows.
const listPage = 1000

// letter is what is kept in memory of an upload's last dead letter. There may be
// very many.
type letter struct {
	at     int64 // Unix milliseconds
	cycle  int32
	parked bool // its upload is parked
}

// window says what is compared.
type window struct {
	// read is since when letters are read, and uploads are looked at that were
	// parked; zero means all that are retained. Earlier runs have compared the others.
	read time.Time
	// judged is since when letters without a parked upload are disagreements.
	judged time.Time
}

// comparison is a call of Verify, or a page of rewriteLetters.
type comparison struct {
	*Reconciler
	window   window
	letters  map[string]*letter // by workflow id
	compared Compared
	visit    func(Disagreement) error
	// doubtful are parked uploads without a letter in the window: it may be older.
	doubtful []Disagreement
	// undecided is when the first upload was parked whose letter may still be
	// written; zero if there is none.
	undecided time.Time
}

// maxDoubtful bounds the parked uploads whose letters are looked for at once.
const maxDoubtful = 500

// Verify compares all retained dead letters with the workflows, and calls visit for
// each disagreement, one call at a time; an error of visit ends it. Letters without
// a parked upload are ignored if they were written before since.
func (r *Reconciler) Verify(ctx context.Context, since time.Time, visit func(Disagreement) error) (Compared, error) {
	c := r.comparison(window{judged: since}, visit)
	err := c.compare(ctx)
	return c.compared, err
}

func (r *Reconciler) comparison(w window, visit func(Disagreement) error) *comparison {
	return &comparison{Reconciler: r, window: w, letters: make(map[string]*letter), visit: visit}
}

func (c *comparison) compare(ctx context.Context) error {
	if err := c.read(ctx, c.window.read, c.keep); err != nil {
		return err
	}
	if err := c.compareParked(ctx); err != nil {
		return err
	}
	if err := c.settleDoubts(ctx); err != nil {
		return err
	}
	return c.compareLetters(ctx, c.window.judged)
}

// read passes the letters of uploads since a time to keep, and counts the others.
func (c *comparison) read(ctx context.Context, since time.Time, keep func(events.DeadLetter)) error {
	bounds, err := c.deps.Replayer.Since(ctx, events.TopicDeadLetters, since)
	if err != nil {
		return err
	}
	return c.deps.Replayer.Read(ctx, events.TopicDeadLetters, bounds, func(records []*kgo.Record) error {
		for _, rec := range records {
			l, err := events.DeadLetterFrom(rec)
			switch {
			case err == nil && l.WorkflowID == "":
				c.compared.Receive++
			case err != nil || uploadOf(l.WorkflowID) == "":
				c.compared.Unreadable++
			default:
				keep(l)
			}
		}
		return nil
	})
}

// keep keeps the last letter of each upload.
func (c *comparison) keep(l events.DeadLetter) {
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

// compareOne accepts a listing that agrees. A listing that does not may be outdated,
// so that it describes the workflow.
func (c *comparison) compareOne(ctx context.Context, listed *workflow.WorkflowExecutionInfo) error {
	id := listed.GetExecution().GetWorkflowId()
	if p, ok := c.deps.Payloads.Progress(listed); ok && (c.agrees(id, p) || c.comparedBefore(p)) {
		c.countParked(id)
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
	c.countParked(id)
	if c.agrees(id, p) || c.comparedBefore(p) {
		return nil
	}
	if c.onItsWay(d, p) {
		c.postpone(p.UpdatedAt)
		return nil
	}
	return c.doubt(ctx, Disagreement{
		Kind: ParkedWithoutLetter, WorkflowID: id, RunID: info.GetExecution().GetRunId(),
		Cycle: p.Cycle, At: p.UpdatedAt, Progress: &p,
	})
}

// comparedBefore reports whether an earlier run has compared an upload, which was
// parked before the window. Its letter is at most clocks older than the parking.
func (c *comparison) comparedBefore(p orak.Progress) bool {
	return p.Status == orak.StatusDeadLettered && p.UpdatedAt.Before(c.window.read.Add(clocks))
}

// postpone makes the next run look again at an upload that was parked at t.
func (c *comparison) postpone(t time.Time) {
	if c.undecided.IsZero() || t.Before(c.undecided) {
		c.undecided = t
	}
}

// doubt visits a parked upload without a letter. If not all letters were read, they
// are looked for first.
func (c *comparison) doubt(ctx context.Context, d Disagreement) error {
	if c.window.read.IsZero() {
		return c.visit(d)
	}
	if c.doubtful = append(c.doubtful, d); len(c.doubtful) < maxDoubtful {
		return nil
	}
	return c.settleDoubts(ctx)
}

// settleDoubts reads the letters of the doubtful uploads that are older than the
// window, and visits those that have none.
func (c *comparison) settleDoubts(ctx context.Context) error {
	if len(c.doubtful) == 0 {
		return nil
	}
	older := c.Reconciler.comparison(window{}, nil)
	from := c.window.read
	asked := make(map[string]bool, len(c.doubtful))
	for _, d := range c.doubtful {
		asked[d.WorkflowID] = true
		first := d.At
		if d.Progress.Failure != nil {
			first = d.Progress.Failure.FirstAt
		}
		if first = first.Add(-clocks); first.Before(from) {
			from = first
		}
	}
	err := older.read(ctx, from, func(l events.DeadLetter) {
		if asked[l.WorkflowID] {
			older.keep(l)
		}
	})
	if err != nil {
		return err
	}
	doubtful := c.doubtful
	c.doubtful = nil
	for _, d := range doubtful {
		if older.agrees(d.WorkflowID, *d.Progress) {
			continue
		}
		if err := c.visit(d); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) countParked(id string) {
	c.compared.Parked++
	if l, ok := c.letters[id]; ok {
		l.parked = true
	}
}

// agrees reports whether the upload's last letter is of the failure that parked it:
// of its cycle, and not older than the failure, since an upload that was started
// anew counts its cycles from 0 again.
func (c *comparison) agrees(id string, p orak.Progress) bool {
	l, ok := c.letters[id]
	return ok && int(l.cycle) == p.Cycle &&
		(p.Failure == nil || l.at >= p.Failure.FirstAt.Add(-clocks).UnixMilli())
}

// onItsWay reports whether the letter may still be written by the workflow.
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

// compareLetters looks for the workflow of every letter without a parked upload.
func (c *comparison) compareLetters(ctx context.Context, since time.Time) error {
	ns, err := c.deps.Temporal.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: c.deps.Namespace})
	if err != nil {
		return fmt.Errorf("describing namespace: %w", err)
	}
	// Temporal may have deleted workflows that closed before this.
	retained := time.Now().Add(overlap - ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	oldest := max(since.UnixMilli(), retained.UnixMilli())
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

// askAll judges the letters, and returns after all disagreements were sent to found.
func (c *comparison) askAll(ctx context.Context, group *errgroup.Group, oldest int64, found chan<- Disagreement) {
	for id, l := range c.letters {
		if l.parked || l.at < oldest || ctx.Err() != nil {
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
	// compareLetters gets the error from its own Wait.
	_ = group.Wait()
}

// judge returns how a letter disagrees with its workflow; "" if it does not.
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
