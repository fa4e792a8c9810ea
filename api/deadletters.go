package api

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/workflows"
)

// Pages of dead letters.
const (
	defaultPage = 50
	maxPage     = 200
)

// getDeadLetters lists the parked uploads. The list follows Temporal's
// visibility, which is a moment behind.
func (s *Server) getDeadLetters(c *fiber.Ctx) error {
	t, err := claimedTenant(c)
	if err != nil {
		return err
	}
	size, token, err := pageOf(c)
	if err != nil {
		return err
	}
	// A tenant that was parsed needs no quoting.
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running' AND %s = '%s'",
		workflows.TypeProcessUpload, workflows.AttrStatus.GetName(), orak.StatusDeadLettered)
	if t != "" {
		query += fmt.Sprintf(" AND %s = '%s'", workflows.AttrTenant.GetName(), t)
	}
	x := exchangeOf(c)
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.StatusTimeout)
	defer cancel()
	resp, err := s.workflows.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: int32(size), NextPageToken: token, Query: query,
	})
	if err != nil {
		return refuse(codeUnavailable, "The dead letters cannot be listed at the moment.").because(fmt.Errorf("listing workflows: %w", err))
	}
	page := DeadLetterPage{DeadLetters: []DeadLetter{}, Next: encodePage(resp.GetNextPageToken())}
	for _, info := range resp.GetExecutions() {
		page.DeadLetters = append(page.DeadLetters, s.listed(x, info))
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(page)
}

func pageOf(c *fiber.Ctx) (size int, token []byte, err error) {
	size = defaultPage
	if given := c.Query("page_size"); given != "" {
		if size, err = strconv.Atoi(given); err != nil || size < 1 || size > maxPage {
			return 0, nil, refuse(codeInvalidRequest, "page_size must be 1 to "+strconv.Itoa(maxPage)+".")
		}
	}
	if given := c.Query("page_token"); given != "" {
		if token, err = decodePage(given); err != nil {
			return 0, nil, refuse(codeInvalidRequest, "page_token is not one of ours.").because(err)
		}
	}
	return size, token, nil
}

// encodePage makes a page_token of Temporal's, with a checksum: the server
// would try for long to understand one that is damaged.
func encodePage(token []byte) string {
	if len(token) == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(slices.Clone(token), crc32.ChecksumIEEE(token)))
}

func decodePage(given string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(given)
	if err != nil {
		return nil, fmt.Errorf("decoding the page token: %w", err)
	}
	cut := len(b) - crc32.Size
	if cut < 1 || binary.BigEndian.Uint32(b[cut:]) != crc32.ChecksumIEEE(b[:cut]) {
		return nil, errors.New("decoding the page token: it is damaged")
	}
	return b[:cut], nil
}

// listed makes a dead letter of a workflow in a list. One whose memo cannot
// be read is listed all the same: it must not hide.
func (s *Server) listed(x *exchange, info *workflow.WorkflowExecutionInfo) DeadLetter {
	run := info.GetExecution()
	p, ok := progressOf(info)
	if !ok {
		x.log.Warn("a parked workflow has no readable memo", slog.String("workflow_id", run.GetWorkflowId()))
		p.Upload.ID = workflowUpload(run.GetWorkflowId())
	}
	return s.deadLetter(p, run.GetWorkflowId(), run.GetRunId())
}

// workflowUpload is the inverse of workflows.UploadWorkflowID.
func workflowUpload(workflowID string) orak.UploadID {
	prefix := len(workflows.UploadWorkflowID(""))
	return orak.UploadID(workflowID[min(prefix, len(workflowID)):])
}

func (s *Server) deadLetter(p orak.Progress, workflowID, runID string) DeadLetter {
	d := DeadLetter{
		ID: p.Upload.ID, Tenant: p.Upload.Tenant, Filename: p.Upload.Filename,
		Cycle: p.Cycle, WorkflowID: workflowID, RunID: runID,
	}
	if f := p.Failure; f != nil {
		d.Failure = Failure{Stage: f.Stage, Class: f.Class, Message: f.Message}
		d.Attempts, d.FirstAt, d.LastAt = f.Attempts, f.FirstAt, f.LastAt
	}
	if s.workflowURL != nil {
		d.WebUI = s.workflowURL(workflowID, runID)
	}
	return d
}

// getDeadLetter shows one parked upload, from the workflow itself.
func (s *Server) getDeadLetter(c *fiber.Ctx) error {
	st, err := s.parked(c)
	if err != nil {
		return err
	}
	if st.Status != orak.StatusDeadLettered || st.halted {
		return refuse(codeNotFound, "The upload is "+string(st.Status)+", and no dead letter.")
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(s.deadLetter(st.Progress, workflows.UploadWorkflowID(st.Upload.ID), st.runID))
}

// parked looks up the upload that a dead letter's path names; without a
// tenant's header it may be anybody's.
func (s *Server) parked(c *fiber.Ctx) (state, error) {
	t, err := claimedTenant(c)
	if err != nil {
		return state{}, err
	}
	id, err := idOf(c)
	if err != nil {
		return state{}, err
	}
	x := exchangeOf(c)
	st, err := s.lookup(c.UserContext(), t, id)
	x.tenant = st.Upload.Tenant
	return st, err
}
