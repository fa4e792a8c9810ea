package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/gofiber/fiber/v2"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"

	"orak"
	"orak/api/resource"
	"orak/internal/objectstore"
	"orak/workflows"
)

// state is where an upload stands, from wherever it is known.
type state struct {
	orak.Progress
	// attempt and share are those of the step that runs; see Upload.
	attempt int
	share   *float64
	// halted means that the workflow is closed although the upload is not at
	// an end.
	halted bool
	runID  string
}

// errUnknown means that neither Temporal nor the store knows the upload.
var errUnknown = refuse(codeNotFound, "There is no such upload.")

// lookup finds where an upload of a tenant stands, or with EveryTenant of any.
// Another tenant's upload is errUnknown, and an erased one a refusal of
// codeErased.
func (s *Server) lookup(ctx context.Context, t orak.Tenant, id orak.UploadID) (state, error) {
	st, err := s.find(ctx, t, id)
	if err == nil && !st.ended() && st.runID != "" || err != nil && !errors.Is(err, errUnknown) {
		return st, err
	}
	if t == resource.EveryTenant {
		if t = st.Upload.Tenant; t == "" {
			return st, err
		}
	}
	// What has a workflow that runs is erased once that has ended.
	switch stone, erased, storeErr := s.tombstone(ctx, t, id); {
	case erased:
		return state{}, erasedRefusal(stone)
	case storeErr != nil && err != nil:
		return state{}, storeErr
	default:
		return st, err
	}
}

// find is lookup without a thought of erasure.
func (s *Server) find(ctx context.Context, t orak.Tenant, id orak.UploadID) (state, error) {
	st, err := s.fromTemporal(ctx, id)
	switch {
	case err == nil && st.Upload.ID == id:
		if t != resource.EveryTenant && st.Upload.Tenant != t {
			return state{}, errUnknown
		}
		return st, nil
	case t == resource.EveryTenant:
		// Without a tenant's name there is no key to look at in the store.
		if err == nil || isNotFound(err) {
			return state{}, errUnknown
		}
		return state{}, s.temporalDown(err)
	}
	stored, storeErr := s.fromStore(ctx, t, id)
	switch {
	case err == nil || isNotFound(err):
		return stored, storeErr
	case storeErr == nil && stored.Status.Final():
		return stored, nil // an outcome needs no Temporal
	default:
		return state{}, s.temporalDown(err)
	}
}

func isNotFound(err error) bool {
	var nf *serviceerror.NotFound
	return errors.As(err, &nf)
}

func (s *Server) temporalDown(err error) error {
	return refuse(codeUnavailable, "The status cannot be told at the moment. Uploads that were accepted are safe.").because(fmt.Errorf("describing the workflow: %w", err))
}

// fromTemporal asks the workflow's memo. A workflow that has not written it
// yet gives a state without an upload.
func (s *Server) fromTemporal(ctx context.Context, id orak.UploadID) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StatusTimeout)
	defer cancel()
	resp, err := s.workflows.DescribeWorkflowExecution(ctx, workflows.UploadWorkflowID(id), "")
	if err != nil {
		return state{}, err
	}
	info := resp.GetWorkflowExecutionInfo()
	p, ok := s.payloads.Progress(info)
	if !ok || p.Upload.ID != id {
		return state{}, nil
	}
	st := state{Progress: p, runID: info.GetExecution().GetRunId()}
	if running(p.Status) {
		st.attempt, st.share = s.stepProgress(resp.GetPendingActivities())
	}
	if info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING && !p.Status.Final() {
		return s.closed(ctx, st, info), nil
	}
	return st, nil
}

func running(st orak.Status) bool {
	return st == orak.StatusConverting || st == orak.StatusAnalyzing || st == orak.StatusPublishing
}

// closed tells the truth about an upload whose workflow ended before it had:
// by an operator's hand, or by a fault of ours.
func (s *Server) closed(ctx context.Context, st state, info *workflow.WorkflowExecutionInfo) state {
	if stored, err := s.outcome(ctx, st.Upload.Tenant, st.Upload.ID); err == nil && stored.Status.Final() {
		stored.runID = st.runID
		return stored
	}
	st.attempt, st.share = 0, nil
	at := info.GetCloseTime().AsTime()
	st.UpdatedAt = at
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED {
		st.Status = orak.StatusCanceled
		return st
	}
	st.halted = true
	message := "Processing ended before it was finished. The operators have to start it again."
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		message = "Processing was stopped by an operator before it was finished."
	}
	st.Failure = &orak.Failure{Stage: st.Stage, Class: orak.ClassInternal, Message: message, FirstAt: at, LastAt: at}
	return st
}

// fromStore answers for uploads that Temporal does not know: not yet, or not
// any more.
func (s *Server) fromStore(ctx context.Context, t orak.Tenant, id orak.UploadID) (state, error) {
	st, err := s.outcome(ctx, t, id)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return st, err
	}
	// A marker alone is no upload: nobody was told yet that it is accepted.
	info, err := s.store.Stat(ctx, orak.OriginalKey(t, id))
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, errUnknown
	}
	if err != nil {
		return state{}, err
	}
	at := orak.RecordedAt(info.Metadata, info.ModifiedAt)
	return state{Progress: orak.Progress{
		Upload:    orak.Upload{ID: id, Tenant: t, Key: info.Key, ContentType: info.ContentType, Size: info.Size, ReceivedAt: at},
		Status:    orak.StatusQueued,
		UpdatedAt: at,
	}}, nil
}

// outcome reads how a closed upload ended.
func (s *Server) outcome(ctx context.Context, t orak.Tenant, id orak.UploadID) (state, error) {
	p, _, err := objectstore.GetJSON[orak.Progress](ctx, s.store, orak.OutcomeKey(t, id))
	if err != nil {
		return state{}, fmt.Errorf("reading the outcome: %w", err)
	}
	if p.Upload.ID != id || p.Upload.Tenant != t {
		return state{}, errors.New("reading the outcome: it is another upload's")
	}
	return state{Progress: p}, nil
}

// getUpload says where an upload stands.
func (s *Server) getUpload(c *fiber.Ctx) error {
	st, err := s.lookupFor(c)
	if err != nil {
		return err
	}
	text, err := json.Marshal(st.resource())
	if err != nil {
		return fmt.Errorf("encoding the upload: %w", err)
	}
	sum := sha256.Sum256(text)
	if notModified(c, hex.EncodeToString(sum[:8])) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(text)
}

// lookupFor is lookup for the upload and tenant that a request names.
func (s *Server) lookupFor(c *fiber.Ctx) (state, error) {
	t, err := tenantOf(c)
	if err != nil {
		return state{}, err
	}
	id, err := idOf(c)
	if err != nil {
		return state{}, err
	}
	return s.lookup(c.UserContext(), t, id)
}

// resource is st as it stands on the wire.
func (st state) resource() resource.Upload {
	u := resource.Upload{
		ID: st.Upload.ID, Status: st.Status, Stage: st.Stage,
		Attempt: st.attempt, StageProgress: st.share,
		CreatedAt: st.Upload.ReceivedAt, UpdatedAt: st.UpdatedAt,
		Halted: st.halted, Links: linksOf(st.Upload.ID),
	}
	if f := st.Failure; f != nil {
		u.Failure = &resource.Failure{Stage: f.Stage, Class: f.Class, Message: f.Message}
	}
	return u
}

// ended reports whether nothing further will happen to the upload by itself.
func (st state) ended() bool {
	return st.Status.Final() || st.Status == orak.StatusDeadLettered || st.halted
}

// getAnalysis streams what was found.
func (s *Server) getAnalysis(c *fiber.Ctx) error {
	st, err := s.lookupFor(c)
	if err != nil {
		return err
	}
	switch {
	case st.Status == orak.StatusCompleted:
	case st.Status.Final():
		return refuse(codeNoAnalysis, "The upload is "+string(st.Status)+".")
	default:
		return refuse(codeAnalysisNotReady, "The upload is "+string(st.Status)+"; its events say when it is completed.")
	}
	r, info, err := s.store.Get(c.UserContext(), orak.AnalysisKey(st.Upload.Tenant, st.Upload.ID))
	if errors.Is(err, fs.ErrNotExist) {
		exchangeOf(c).log.Error("a completed upload has no analysis", slog.String("upload_id", string(st.Upload.ID)))
		return refuse(codeNoAnalysis, "The analysis was removed.")
	}
	if err != nil {
		return err
	}
	if notModified(c, info.ETag) {
		return errors.Join(r.Close(), c.SendStatus(fiber.StatusNotModified))
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.SendStream(r, int(info.Size))
}
