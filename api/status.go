package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/gofiber/fiber/v2"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"

	"orak"
	"orak/api/resource"
	"orak/internal/direct"
	"orak/internal/objectstore"
	"orak/workflows"
)

// state is the current state of an upload, from Temporal or from the store.
type state struct {
	orak.Progress
	// attempt and share belong to the running step; see resource.Upload.
	attempt int
	share   *float64
	// halted means that the workflow is closed although the upload is not
	// finished.
	halted bool
	// concluding means that the workflow may be storing its outcome.
	concluding bool
	runID      string
}

// errUnknown means that neither Temporal nor the store knows the upload.
var errUnknown = refuse(codeNotFound, "There is no such upload.")

// lookup returns the state of an upload of a tenant, or with EveryTenant of any
// tenant. An upload of another tenant is errUnknown, an erased one a refusal with
// codeErased.
func (s *Server) lookup(ctx context.Context, t orak.Tenant, id orak.UploadID) (state, error) {
	st, err := s.find(ctx, t, id)
	if err == nil && !st.ended() && st.runID != "" {
		return st, nil
	}
	if err != nil && !errors.Is(err, errUnknown) {
		return st, s.unlessDirect(ctx, t, id, err)
	}
	if t == resource.EveryTenant {
		if t = st.Upload.Tenant; t == "" {
			return st, err
		}
	}
	// An upload whose workflow runs is erased only after the workflow has ended.
	switch stone, erased, storeErr := s.tombstone(ctx, t, id); {
	case erased:
		return state{}, erasedRefusal(stone)
	case storeErr != nil && err != nil:
		return state{}, storeErr
	default:
		return st, s.unlessDirect(ctx, t, id, err)
	}
}

// unlessDirect returns another error than err for a direct upload that is not complete:
// neither Temporal nor the index knows it.
func (s *Server) unlessDirect(ctx context.Context, t orak.Tenant, id orak.UploadID, err error) error {
	if err == nil {
		return nil
	}
	d, getErr := s.direct.Get(ctx, t, id)
	switch {
	case getErr != nil && errors.Is(err, errUnknown) && !errors.Is(getErr, direct.ErrUnknown):
		return getErr
	case getErr != nil || d.State == direct.Accepting:
		return err
	case d.State == direct.Refused:
		return refuse(codeUploadIncomplete, "The recording of this direct upload was refused: GET "+directSelf(id)+" says why.")
	}
	return refuse(codeUploadIncomplete, "This direct upload is not complete yet: send its recording, then POST "+directSelf(id)+"/complete.")
}

// find is lookup without the erasure check.
func (s *Server) find(ctx context.Context, t orak.Tenant, id orak.UploadID) (state, error) {
	st, err := s.fromTemporal(ctx, id)
	switch {
	case err == nil && st.Upload.ID == id:
		if t != resource.EveryTenant && st.Upload.Tenant != t {
			return state{}, errUnknown
		}
		return s.settled(ctx, st), nil
	case t == resource.EveryTenant:
		// Without the name of a tenant there is no key in the store.
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
		return stored, nil // a stored outcome is final
	default:
		return state{}, s.temporalDown(err)
	}
}

// settled returns the stored outcome of an upload that may be ending, if there is one.
// The outcome is stored before Temporal shows it, and answered while Temporal is
// unavailable: without this, a completed upload could be publishing again. An outcome of
// an earlier cycle is not this one's.
func (s *Server) settled(ctx context.Context, st state) state {
	if st.Status.Final() || st.halted || !st.concluding {
		return st
	}
	stored, err := s.outcome(ctx, st.Upload.Tenant, st.Upload.ID)
	if err != nil || !stored.Status.Final() || stored.Cycle < st.Cycle {
		return st // the workflow shows its end in a moment
	}
	stored.runID = st.runID
	return stored
}

func isNotFound(err error) bool {
	var nf *serviceerror.NotFound
	return errors.As(err, &nf)
}

func (s *Server) temporalDown(err error) error {
	return refuse(codeUnavailable, "The status cannot be read at the moment. Accepted uploads are safe.").because(fmt.Errorf("describing the workflow: %w", err))
}

// fromTemporal reads the memo of the workflow. If the workflow has not written it
// yet, the state has no upload.
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
	// The outcome is stored by a local activity, which is not pending, or while
	// publishing.
	st.concluding = p.Status == orak.StatusPublishing || len(resp.GetPendingActivities()) == 0
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

// closed returns the state of an upload whose workflow was closed before the upload
// was finished: by an operator, or because of a bug.
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
	message := "Processing ended before the upload was finished. The operators have to start it again."
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		message = "An operator stopped processing before the upload was finished."
	}
	st.Failure = &orak.Failure{Stage: st.Stage, Class: orak.ClassInternal, Message: message, FirstAt: at, LastAt: at}
	return st
}

// fromStore returns the state of an upload that Temporal does not know yet, or no
// longer knows.
func (s *Server) fromStore(ctx context.Context, t orak.Tenant, id orak.UploadID) (state, error) {
	st, err := s.outcome(ctx, t, id)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return st, err
	}
	// A marker without a recording is not an upload: 202 was not answered yet.
	info, err := s.store.Stat(ctx, orak.OriginalKey(t, id))
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, errUnknown
	}
	if err != nil {
		return state{}, err
	}
	at := orak.RecordedAt(info.Metadata, info.ModifiedAt)
	return state{Progress: orak.Progress{
		Upload:    orak.Upload{ID: id, Tenant: t, Key: info.Key, ContentType: info.ContentType, Size: info.Size, SHA256: orak.RecordedSHA256(info.Metadata), ReceivedAt: at}.Describe(info.Metadata),
		Status:    orak.StatusQueued,
		UpdatedAt: at,
	}}, nil
}

// outcome reads the stored outcome of an upload.
func (s *Server) outcome(ctx context.Context, t orak.Tenant, id orak.UploadID) (state, error) {
	p, _, err := objectstore.GetJSON[orak.Progress](ctx, s.store, orak.OutcomeKey(t, id))
	if err != nil {
		return state{}, fmt.Errorf("reading the outcome: %w", err)
	}
	if p.Upload.ID != id || p.Upload.Tenant != t {
		return state{}, errors.New("reading the outcome: it belongs to another upload")
	}
	return state{Progress: p}, nil
}

// getUpload answers with the state of an upload.
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

// lookupFor is lookup of the upload and tenant that a request names, for its caller.
func (s *Server) lookupFor(c *fiber.Ctx) (state, error) {
	t, err := tenantOf(c)
	if err != nil {
		return state{}, err
	}
	id, err := idOf(c)
	if err != nil {
		return state{}, err
	}
	st, err := s.lookup(c.UserContext(), t, id)
	if err == nil && !exchangeOf(c).caller.MayKnow(st.Upload.Owner) {
		return state{}, errUnknown
	}
	return st, err
}

// resource is the wire form of st.
func (st state) resource() resource.Upload {
	u := resource.Upload{
		ID: st.Upload.ID, Status: st.Status, Stage: st.Stage,
		Size: st.Upload.Size, SHA256: st.Upload.SHA256, ContentType: st.Upload.ContentType,
		Attempt: st.attempt, StageProgress: st.share,
		CreatedAt: st.Upload.ReceivedAt, UpdatedAt: st.UpdatedAt,
		Filename: st.Upload.Filename, Owner: st.Upload.Owner, Kind: st.Upload.Kind.String(), Metadata: st.Upload.Metadata,
		Halted: st.halted, Links: linksOf(st.Upload.ID),
	}
	if f := st.Failure; f != nil {
		u.Failure = &resource.Failure{Stage: f.Stage, Class: f.Class, Message: f.Message}
	}
	return u
}

// ended reports whether the upload changes only by a decision of an operator, or no more.
func (st state) ended() bool {
	return st.Status.Final() || st.Status == orak.StatusDeadLettered || st.halted
}
