package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/api/resource"
	"orak/workflows"
)

const (
	// maxJSON bounds a request's JSON body, in bytes.
	maxJSON = 64 << 10
	// maxBy and maxReason bound what a person says, in bytes.
	maxBy     = 200
	maxReason = 1000
)

// postReprocess has a parked upload run again.
func (s *Server) postReprocess(c *fiber.Ctx) error {
	var req resource.ReprocessRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	if _, ok := orak.ParseStage(string(req.From)); req.From != "" && !ok {
		return refuse(codeInvalidRequest, "from must be convert, analyze or publish, or be left out.")
	}
	if err := checkPerson(req.By, req.Reason); err != nil {
		return err
	}
	return s.decide(c, workflows.SignalReprocess, req.By, req.Reason,
		workflows.Reprocess{From: req.From, Reason: req.Reason, By: req.By, Options: req.Options})
}

// postDiscard gives a parked upload up.
func (s *Server) postDiscard(c *fiber.Ctx) error {
	var req resource.DiscardRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	if err := checkPerson(req.By, req.Reason); err != nil {
		return err
	}
	return s.decide(c, workflows.SignalDiscard, req.By, req.Reason, workflows.Discard{Reason: req.Reason, By: req.By})
}

// decide hands an operator's decision to the workflow, and answers with the
// upload as it stands then.
func (s *Server) decide(c *fiber.Ctx, update, by, reason string, arg any) error {
	st, err := s.parked(c)
	if err != nil {
		return err
	}
	x := exchangeOf(c)
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.UpdateTimeout)
	defer cancel()
	handle, err := s.workflows.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.UploadWorkflowID(st.Upload.ID), UpdateName: update,
		Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var p orak.Progress
	if err == nil {
		err = handle.Get(ctx, &p)
	}
	if err != nil {
		return refused(st, err)
	}
	x.log.Info("an operator decided on a dead letter", slog.String("decision", update),
		slog.String("upload_id", string(st.Upload.ID)), slog.String("tenant", string(st.Upload.Tenant)),
		slog.String("by", by), slog.String("reason", reason))
	return c.Status(fiber.StatusAccepted).JSON(state{Progress: p}.resource())
}

// refused gives the ways in which a workflow can turn a decision down.
func refused(st state, err error) error {
	var (
		app      *temporal.ApplicationError
		notFound *serviceerror.NotFound
		failed   *serviceerror.FailedPrecondition
	)
	switch {
	case errors.As(err, &app) && app.Type() == workflows.ErrorNotParked:
		return refuse(codeNotParked, sentence(app.Message())).because(err)
	case errors.As(err, &app):
		return refuse(codeInvalidRequest, sentence(app.Message())).because(err)
	case errors.As(err, &notFound), errors.As(err, &failed):
		return refuse(codeNotParked, "The upload is "+string(st.Status)+", and its processing is over.").because(err)
	default:
		return refuse(codeUnavailable, "No worker took the decision in time. It may still be carried out: look at the upload before you repeat it.").
			because(fmt.Errorf("updating the workflow: %w", err))
	}
}

// sentence makes one of an error's message.
func sentence(message string) string {
	if message == "" {
		return "The workflow turned the decision down."
	}
	return strings.ToUpper(message[:1]) + strings.TrimSuffix(message[1:], ".") + "."
}

func checkPerson(by, reason string) error {
	for _, f := range []struct {
		name, value string
		limit       int
	}{{"by", by, maxBy}, {"reason", reason, maxReason}} {
		if strings.TrimSpace(f.value) == "" {
			return refuse(codeInvalidRequest, f.name+" is required: it is kept with the upload.")
		}
		if len(f.value) > f.limit || !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, unicode.IsControl) {
			return refuse(codeInvalidRequest, fmt.Sprintf("%s must be %d bytes at most, without control characters.", f.name, f.limit))
		}
	}
	return nil
}

// decodeJSON reads a request's body strictly: one object, no unknown fields.
func decodeJSON(c *fiber.Ctx, into any) error {
	// A page of another site could send anything else without asking first.
	if kind, _, _ := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); kind != fiber.MIMEApplicationJSON {
		return refuse(codeNotJSON, "Send the body as Content-Type: application/json.")
	}
	if enc := c.Get(fiber.HeaderContentEncoding); enc != "" && enc != "identity" {
		return refuse(codeUnsupportedEncoding, "Send the request as it is, without Content-Encoding.")
	}
	b := bodyOf(c)
	b.limit = maxJSON
	text, err := io.ReadAll(b)
	switch {
	case errors.Is(err, errTooLarge):
		return refuse(codeTooLarge, fmt.Sprintf("The body may have %d bytes at most.", maxJSON))
	case errors.Is(err, errStalled):
		return refuse(codeTimeout, "The body did not arrive in time.")
	case err != nil:
		return refuse(codeIncompleteBody, "The connection ended before the body did.").because(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(codeInvalidRequest, "The body must be a JSON object of the documented fields.").because(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return refuse(codeInvalidRequest, "The body must be one JSON object and nothing after it.")
	}
	return nil
}
