package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// maxJSON bounds a request's JSON body, in bytes.
const maxJSON = 64 << 10

// postReprocess restarts a parked upload.
func (s *Server) postReprocess(c *fiber.Ctx) error {
	var req resource.ReprocessRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	if _, ok := orak.ParseStage(string(req.From)); req.From != "" && !ok {
		return refuse(codeInvalidRequest, "from must be convert, analyze or publish, or be left out.")
	}
	by, err := checkPerson(c, req.By, req.Reason)
	if err != nil {
		return err
	}
	return s.decide(c, workflows.SignalReprocess, by, req.Reason,
		workflows.Reprocess{From: req.From, Reason: req.Reason, By: by, Options: req.Options})
}

// postDiscard discards a parked upload.
func (s *Server) postDiscard(c *fiber.Ctx) error {
	var req resource.DiscardRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	by, err := checkPerson(c, req.By, req.Reason)
	if err != nil {
		return err
	}
	return s.decide(c, workflows.SignalDiscard, by, req.Reason, workflows.Discard{Reason: req.Reason, By: by})
}

// decide passes an operator's decision to the workflow, and answers with the
// resulting state of the upload.
func (s *Server) decide(c *fiber.Ctx, update, by, reason string, arg any) error {
	st, err := s.parked(c)
	if err != nil {
		return err
	}
	key, err := decisionKey(c, update, arg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.UpdateTimeout)
	defer cancel()
	handle, err := s.workflows.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.UploadWorkflowID(st.Upload.ID), UpdateName: update, UpdateID: key,
		Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var p orak.Progress
	if err == nil {
		err = handle.Get(ctx, &p)
	}
	if err != nil {
		return refused(st, err)
	}
	exchangeOf(c).log.InfoContext(ctx, "an operator decided on a dead letter",
		"decision", update, "upload_id", st.Upload.ID, "tenant", st.Upload.Tenant, "by", by, "reason", reason)
	return c.Status(fiber.StatusAccepted).JSON(state{Progress: p}.resource())
}

// decisionKey returns the id of an Update from the Idempotency-Key of its request, so
// that a repeat is answered like the first; "" without a key. It covers the decision,
// too: another one under the same key is another one. Temporal remembers the ids of a
// run.
func decisionKey(c *fiber.Ctx, update string, arg any) (string, error) {
	key, err := onlyHeader(c, resource.HeaderIdempotencyKey)
	if err != nil || key == "" {
		return "", err
	}
	if len(key) > maxIdempotencyKey {
		return "", refuse(codeInvalidRequest, resource.HeaderIdempotencyKey+" may have at most "+formatBytes(maxIdempotencyKey)+".")
	}
	decision, err := json.Marshal(arg)
	if err != nil {
		return "", fmt.Errorf("encoding the decision: %w", err)
	}
	sum := sha256.New()
	for _, part := range [][]byte{[]byte(key), []byte(update), decision} {
		fmt.Fprintf(sum, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// refused turns the error of a decision into a refusal.
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
		return refuse(codeNotParked, "The upload is "+string(st.Status)+" and no longer processed.").because(err)
	default:
		return refuse(codeUnavailable, "No worker accepted the decision in time. It may still be carried out: check the upload before you repeat it.").
			because(fmt.Errorf("updating the workflow: %w", err))
	}
}

// sentence turns an error message into a sentence.
func sentence(message string) string {
	if message == "" {
		return "The workflow refused the decision."
	}
	return strings.ToUpper(message[:1]) + strings.TrimSuffix(message[1:], ".") + "."
}

// checkPerson returns who decides, for the record.
func checkPerson(c *fiber.Ctx, given, reason string) (by string, err error) {
	by = exchangeOf(c).by(given)
	for _, f := range [][2]string{{"by", by}, {"reason", reason}} {
		if strings.TrimSpace(f[1]) == "" {
			return "", refuse(codeInvalidRequest, f[0]+" is required; it is stored with the upload.")
		}
	}
	return by, errors.Join(checkText("by", given, workflows.MaxBy), checkText("reason", reason, workflows.MaxReason))
}

// checkText refuses a value that has more than limit bytes or control characters.
func checkText(name, value string, limit int) error {
	if len(value) > limit || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return refuse(codeInvalidRequest, fmt.Sprintf("%s must be at most %d bytes of text without control characters.", name, limit))
	}
	return nil
}

// decodeJSON decodes the body of a request, which must be one JSON object without
// unknown fields.
func decodeJSON(c *fiber.Ctx, into any) error {
	text, err := readJSON(c, maxJSON)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(codeInvalidRequest, "The body must be a JSON object with only the documented fields.").because(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return refuse(codeInvalidRequest, "The body must be one JSON object with nothing after it.")
	}
	return nil
}

// readJSON reads a body of JSON of at most limit bytes. It does not look at the content.
func readJSON(c *fiber.Ctx, limit int64) ([]byte, error) {
	// A page of another site can send any other type without a preflight request.
	if kind, _, _ := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); kind != fiber.MIMEApplicationJSON {
		return nil, refuse(codeNotJSON, "Send the body as Content-Type: application/json.")
	}
	if enc := c.Get(fiber.HeaderContentEncoding); enc != "" && enc != "identity" {
		return nil, refuse(codeUnsupportedEncoding, "Send the body without Content-Encoding.")
	}
	b := bodyOf(c)
	b.limit = limit
	text, err := io.ReadAll(b)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, refuse(codeTooLarge, fmt.Sprintf("The body may have at most %d bytes.", limit))
	case errors.Is(err, errStalled):
		return nil, refuse(codeTimeout, "The body did not arrive in time.")
	case err != nil:
		return nil, refuse(codeIncompleteBody, "The connection ended before the body did.").because(err)
	}
	return text, nil
}
