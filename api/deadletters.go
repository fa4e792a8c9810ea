package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/api/resource"
	"orak/workflows"
)

// The bounds of the work for one page: the number of examined workflows, and of
// requests to Temporal.
const (
	maxScanned = 1000
	maxAsked   = 20
)

// getDeadLetters lists the selected parked uploads. The list comes from Temporal's
// visibility, which lags slightly.
func (s *Server) getDeadLetters(c *fiber.Ctx) error {
	sel, err := s.selectionOf(c, time.Now(), append(slices.Clone(filters), paramPageSize, paramPageToken))
	if err != nil {
		return err
	}
	size, token, err := pageOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.StatusTimeout)
	defer cancel()
	page, err := s.scan(ctx, exchangeOf(c), sel, size, token)
	if err != nil {
		return refuse(codeUnavailable, "The dead letters cannot be listed at the moment.").because(fmt.Errorf("listing workflows: %w", err))
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(page)
}

// scan collects a page. It uses every page of Temporal completely, since tokens point
// between those; so it returns once three quarters of its page are full, instead of
// requesting ever smaller pages.
func (s *Server) scan(ctx context.Context, x *exchange, sel selection, size int, token []byte) (resource.DeadLetterPage, error) {
	page := resource.DeadLetterPage{DeadLetters: []resource.DeadLetter{}}
	query := sel.query()
	for asked, scanned := 0, 0; ; {
		room := size - len(page.DeadLetters)
		resp, err := s.workflows.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			PageSize: int32(min(room, maxScanned-scanned)), NextPageToken: token, Query: query,
		})
		if err != nil {
			return page, err
		}
		for _, info := range resp.GetExecutions() {
			if d := s.listed(ctx, x, info); !sel.looks() || sel.matches(d) {
				page.DeadLetters = append(page.DeadLetters, d)
			}
		}
		token = resp.GetNextPageToken()
		asked, scanned = asked+1, scanned+len(resp.GetExecutions())
		full := 4*(size-len(page.DeadLetters)) <= size
		if len(token) == 0 || full || !sel.looks() || asked == maxAsked || scanned >= maxScanned {
			page.Next = encodePage(token)
			return page, nil
		}
	}
}

// listed makes a dead letter of a listed workflow. A workflow whose memo cannot be
// read is listed, too: it must not stay hidden.
func (s *Server) listed(ctx context.Context, x *exchange, info *workflow.WorkflowExecutionInfo) resource.DeadLetter {
	run := info.GetExecution()
	p, ok := s.payloads.Progress(info)
	if !ok {
		x.log.WarnContext(ctx, "the memo of a parked workflow cannot be read", "workflow_id", run.GetWorkflowId())
		p.Upload.ID = workflowUpload(run.GetWorkflowId())
	}
	return s.deadLetter(p, run.GetWorkflowId(), run.GetRunId())
}

// workflowUpload is the inverse of workflows.UploadWorkflowID.
func workflowUpload(workflowID string) orak.UploadID {
	prefix := len(workflows.UploadWorkflowID(""))
	return orak.UploadID(workflowID[min(prefix, len(workflowID)):])
}

func (s *Server) deadLetter(p orak.Progress, workflowID, runID string) resource.DeadLetter {
	d := resource.DeadLetter{
		ID: p.Upload.ID, Tenant: p.Upload.Tenant, Filename: p.Upload.Filename,
		Cycle: p.Cycle, WorkflowID: workflowID, RunID: runID,
	}
	if f := p.Failure; f != nil {
		d.Failure = resource.Failure{Stage: f.Stage, Class: f.Class, Message: f.Message}
		d.Attempts, d.FirstAt, d.LastAt = f.Attempts, f.FirstAt, f.LastAt
	}
	if s.workflowURL != nil {
		d.WebUI = s.workflowURL(workflowID, runID)
	}
	return d
}

// getDeadLetter answers with one parked upload, read from its workflow.
func (s *Server) getDeadLetter(c *fiber.Ctx) error {
	st, err := s.parked(c)
	if err != nil {
		return err
	}
	if st.Status != orak.StatusDeadLettered || st.halted {
		return refuse(codeNotFound, unparked(st))
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(s.detail(c.UserContext(), exchangeOf(c), st))
}

// unparked explains why a known upload is not a dead letter.
func unparked(st state) string {
	switch {
	case st.halted:
		return fmt.Sprintf("The upload is not a dead letter: its workflow ended while it was %s. The reconciliation or orak replay starts it again.", st.Status)
	case st.Status.Final():
		return fmt.Sprintf("The upload is %s and not a dead letter.", st.Status)
	default:
		return fmt.Sprintf("The upload is %s and not a dead letter: it is being processed (cycle %d).", st.Status, st.Cycle)
	}
}

// parked looks up the upload in the path of a dead letter.
func (s *Server) parked(c *fiber.Ctx) (state, error) {
	t, err := s.operatorTenant(c)
	if err != nil {
		return state{}, err
	}
	id, err := idOf(c)
	if err != nil {
		return state{}, err
	}
	x := exchangeOf(c)
	st, err := s.lookup(c.UserContext(), t, id)
	if err == nil {
		x.tenant = st.Upload.Tenant
	}
	return st, err
}
