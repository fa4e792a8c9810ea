package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/internal/direct"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

// The bounds of direct uploads.
const (
	// maxPut is the size in bytes of the largest object that S3 takes with one PUT.
	maxPut = 5 << 30
	// maxSigned bounds the parts that one request has signed.
	maxSigned = 100
)

// newDirect makes the direct uploads of s.
func (s *Server) newDirect(deps Deps) *direct.Uploads {
	return direct.New(s.cfg.Direct, direct.Deps{
		Store: deps.Store, Outbox: s.announcer.box,
		Announce: func(ctx context.Context, m outbox.Marker) error {
			s.metrics.bytes.Add(float64(m.Size))
			s.limits.sent(m.Tenant, m.Size)
			return s.announcer.announce(ctx, m)
		},
		Sniff: deps.Media.Sniff, SniffLen: deps.Media.Len,
		Paused: deps.Paused, Log: deps.Log, Metrics: deps.Metrics,
	})
}

// sweepDirect sweeps the direct uploads until ctx ends, from when the bucket exists.
func (s *Server) sweepDirect(ctx context.Context, bucket <-chan struct{}) {
	if bucket != nil {
		select {
		case <-bucket:
		case <-ctx.Done():
			return
		}
	}
	s.direct.Run(ctx)
}

// postDirect begins a direct upload.
func (s *Server) postDirect(c *fiber.Ctx) error {
	d, err := s.declared(c)
	if err != nil {
		return err
	}
	d.Traceparent, d.Tracestate = traceOf(c.UserContext())
	made, created, err := s.direct.Create(c.UserContext(), d)
	if errors.Is(err, direct.ErrAccepted) {
		return s.answerDirect(c, fiber.StatusOK, acceptedDirect(d))
	}
	if err != nil {
		return s.directRefusal(c, err)
	}
	status := fiber.StatusOK
	if created {
		status = fiber.StatusCreated
	}
	answer, err := s.directResource(c.UserContext(), made)
	if err != nil {
		return s.directRefusal(c, err)
	}
	c.Set(fiber.HeaderLocation, answer.Links.Self)
	return s.answerDirect(c, status, answer)
}

// declared reads what the caller says of the recording.
func (s *Server) declared(c *fiber.Ctx) (direct.Upload, error) {
	t, err := tenantOf(c)
	if err != nil {
		return direct.Upload{}, err
	}
	if s.paused != nil && s.paused(t) {
		s.metrics.turnedAway.WithLabelValues("paused").Inc()
		return direct.Upload{}, refuse(codeIntakePaused, "The operators have paused uploads for a while. Try again later.")
	}
	key, err := onlyHeader(c, resource.HeaderIdempotencyKey)
	if err != nil {
		return direct.Upload{}, err
	}
	id, _, err := newID(t, key)
	if err != nil {
		return direct.Upload{}, err
	}
	exchangeOf(c).upload = id
	var asked resource.NewDirect
	if err := decodeJSON(c, &asked); err != nil {
		return direct.Upload{}, err
	}
	if err := s.checkSize(c, asked); err != nil {
		return direct.Upload{}, err
	}
	d := direct.Upload{
		Upload:   orak.Upload{ID: id, Tenant: t, Size: asked.Size, Filename: orak.CleanFilename(asked.Filename), Metadata: asked.Metadata},
		Declared: asked.SHA256, PartSize: asked.PartSize,
	}
	if asked.SHA256 != "" && !orak.IsSHA256(asked.SHA256) {
		return direct.Upload{}, refuse(codeInvalidRequest, "sha256 must be 64 lower-case hex digits.")
	}
	if d.Kind, err = orak.ParseKind(asked.Kind); err != nil {
		return direct.Upload{}, refuse(codeInvalidRequest, "kind: "+err.Error()+".")
	}
	if d.Owner, err = orak.ParseOwner(asked.Owner); err != nil {
		return direct.Upload{}, refuse(codeInvalidRequest, "owner: "+err.Error()+".")
	}
	d.Owner, err = boundOwner(exchangeOf(c).caller, d.Owner)
	return d, err
}

// checkSize bounds the recording and its parts.
func (s *Server) checkSize(c *fiber.Ctx, asked resource.NewDirect) error {
	caller := exchangeOf(c).caller
	limit := min(s.cfg.MaxUploadBytes, s.limits.uploadBytes(caller))
	if err := s.limits.admits(caller.Tenant, asked.Size); err != nil && asked.Size > 0 {
		return err
	}
	parts := asked.PartSize
	switch {
	case asked.Size <= 0:
		return refuse(codeInvalidRequest, "size must be that of the recording in bytes, more than 0.")
	case asked.Size > limit:
		return refuse(codeTooLarge, "A recording may have at most "+formatBytes(limit)+".")
	case parts == 0 && asked.Size > maxPut:
		return refuse(codeInvalidRequest, "A recording of more than "+formatBytes(maxPut)+" must be sent in parts: give part_size.")
	case parts != 0 && (parts < objectstore.MinPartSize || parts > maxPut):
		return refuse(codeInvalidRequest, fmt.Sprintf("part_size must be %d to %d.", objectstore.MinPartSize, maxPut))
	case parts != 0 && asked.Size > parts*objectstore.MaxParts:
		return refuse(codeInvalidRequest, fmt.Sprintf("A recording may have at most %d parts: give a larger part_size.", objectstore.MaxParts))
	}
	return nil
}

// directOf returns the direct upload that a request names. A caller that is bound to
// an owner finds only its owner's.
func (s *Server) directOf(c *fiber.Ctx) (direct.Upload, error) {
	t, err := tenantOf(c)
	if err != nil {
		return direct.Upload{}, err
	}
	id, err := idOf(c)
	if err != nil {
		return direct.Upload{}, err
	}
	d, err := s.direct.Get(c.UserContext(), t, id)
	if err != nil {
		return direct.Upload{Upload: orak.Upload{ID: id, Tenant: t}}, err
	}
	if owner := exchangeOf(c).caller.Owner; owner != "" && owner != d.Owner {
		return direct.Upload{}, errUnknown
	}
	return d, nil
}

// getDirect answers with a direct upload, and signs its PUT anew.
func (s *Server) getDirect(c *fiber.Ctx) error {
	d, err := s.directOf(c)
	if err != nil {
		return s.directRefusal(c, err)
	}
	answer, err := s.directResource(c.UserContext(), d)
	if err != nil {
		return s.directRefusal(c, err)
	}
	return s.answerDirect(c, fiber.StatusOK, answer)
}

// postParts signs the requests that send parts.
func (s *Server) postParts(c *fiber.Ctx) error {
	d, err := s.directOf(c)
	if err != nil {
		return s.directRefusal(c, err)
	}
	var asked resource.SignParts
	if err := decodeJSON(c, &asked); err != nil {
		return err
	}
	if len(asked.Numbers) == 0 || len(asked.Numbers) > maxSigned {
		return refuse(codeInvalidRequest, fmt.Sprintf("numbers must be 1 to %d numbers of parts.", maxSigned))
	}
	if d.State != direct.Waiting {
		return s.directRefusal(c, stateError(d))
	}
	answer := resource.SignedParts{Parts: make([]resource.SignedPart, len(asked.Numbers))}
	for i, number := range asked.Numbers {
		p, err := s.direct.PresignPart(c.UserContext(), d, number)
		if err != nil {
			return s.directRefusal(c, err)
		}
		answer.Parts[i] = resource.SignedPart{Number: number, Size: d.PartLength(number), SignedRequest: signedRequest(p)}
	}
	return s.answerDirect(c, fiber.StatusOK, answer)
}

// getParts lists the parts that are there.
func (s *Server) getParts(c *fiber.Ctx) error {
	d, err := s.directOf(c)
	if err != nil {
		return s.directRefusal(c, err)
	}
	if d.State != direct.Waiting {
		return s.directRefusal(c, stateError(d))
	}
	parts, err := s.direct.Parts(c.UserContext(), d)
	if err != nil {
		return s.directRefusal(c, err)
	}
	answer := resource.DirectParts{Parts: make([]resource.DirectPart, len(parts))}
	for i, p := range parts {
		answer.Parts[i] = resource.DirectPart{Number: p.Number, Size: p.Size, ETag: p.ETag}
	}
	return s.answerDirect(c, fiber.StatusOK, answer)
}

// postComplete verifies what was sent, and accepts it like postUpload.
func (s *Server) postComplete(c *fiber.Ctx) error {
	d, err := s.directOf(c)
	if err != nil && !errors.Is(err, direct.ErrUnknown) {
		return s.directRefusal(c, err)
	}
	if s.paused != nil && s.paused(d.Tenant) {
		return refuse(codeIntakePaused, "The operators have paused uploads for a while. What was sent is kept; complete it later.")
	}
	ctx := c.UserContext()
	u, repeated, err := s.direct.Complete(ctx, d.Tenant, d.ID)
	if owner := exchangeOf(c).caller.Owner; err == nil && owner != "" && owner != u.Owner {
		return errUnknown
	}
	if err != nil {
		s.outages.Report(err)
		err = s.directRefusal(c, err)
		s.metrics.uploads.WithLabelValues(string(asRefusal(err).code)).Inc()
		return err
	}
	outcome := outcomeAccepted
	if repeated {
		outcome = outcomeRepeated
	}
	s.metrics.uploads.WithLabelValues(outcome).Inc()
	return s.answerAccepted(c, u, outcome)
}

// deleteDirect aborts a direct upload.
func (s *Server) deleteDirect(c *fiber.Ctx) error {
	d, err := s.directOf(c)
	if err == nil {
		err = s.direct.Abort(c.UserContext(), d)
	}
	if err != nil {
		return s.directRefusal(c, err)
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// answerDirect answers with what may have signed requests, which no cache may keep.
func (s *Server) answerDirect(c *fiber.Ctx, status int, answer any) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(status).JSON(answer)
}

// directResource is the wire form of d.
func (s *Server) directResource(ctx context.Context, d direct.Upload) (resource.Direct, error) {
	answer := acceptedDirect(d)
	answer.ExpiresAt = d.ExpiresAt
	switch d.State {
	case direct.Refused:
		r := asRefusal(refusedRecording(d.Refusal))
		answer.State = resource.DirectRefused
		answer.Refusal = &resource.Problem{Type: resource.ProblemType + string(r.code), Title: meanings[r.code].title, Status: meanings[r.code].status, Detail: r.detail}
	case direct.Waiting:
		answer.State = resource.DirectWaiting
		if d.PartSize > 0 {
			break
		}
		p, err := s.direct.PresignPut(ctx, d)
		if err != nil {
			return resource.Direct{}, err
		}
		signed := signedRequest(p)
		answer.Put = &signed
	}
	return answer, nil
}

// acceptedDirect is the wire form of a direct upload that is accepted.
func acceptedDirect(d direct.Upload) resource.Direct {
	upload := linksOf(d.ID).Self
	self := directSelf(d.ID)
	return resource.Direct{
		ID: d.ID, State: resource.DirectAccepted, Size: d.Size, PartSize: d.PartSize, PartCount: d.Parts(),
		Links: resource.DirectLinks{Self: self, Parts: self + "/parts", Complete: self + "/complete", Upload: upload},
	}
}

func directSelf(id orak.UploadID) string { return "/v1/uploads/direct/" + string(id) }

func signedRequest(p objectstore.Presigned) resource.SignedRequest {
	headers := make(map[string]string, len(p.Header))
	for name := range p.Header {
		headers[name] = p.Header.Get(name)
	}
	return resource.SignedRequest{Method: p.Method, URL: p.URL, Headers: headers, ExpiresAt: p.Until}
}

// stateError is the error of a request for a direct upload for which nothing is
// awaited.
func stateError(d direct.Upload) error {
	if d.State == direct.Refused {
		return d.Refusal
	}
	return direct.ErrAccepted
}

// directRefusal returns the HTTP form of an error of package direct.
func (s *Server) directRefusal(c *fiber.Ctx, err error) error {
	var (
		missing *direct.Incomplete
		refused *direct.Refusal
	)
	switch {
	case errors.As(err, &refused):
		return s.acceptedMedia(refusedRecording(refused))
	case errors.As(err, &missing) && missing.Want > 0:
		return refuse(codeUploadIncomplete, fmt.Sprintf("%d of %d parts are there. Send the others, then complete the upload.", missing.Have, missing.Want))
	case errors.As(err, &missing):
		return refuse(codeUploadIncomplete, "The recording is not there yet. Send it, then complete the upload.")
	case errors.Is(err, direct.ErrErased):
		t, id := exchangeOf(c).tenant, exchangeOf(c).upload
		stone, erased, stoneErr := s.tombstone(c.UserContext(), t, id)
		if stoneErr != nil || !erased {
			return errors.Join(stoneErr, errUnknown)
		}
		return erasedRefusal(stone)
	case errors.Is(err, direct.ErrUnknown):
		return refuse(codeNotFound, "There is no such direct upload. It may have expired, or have been aborted or completed.").because(err)
	case errors.Is(err, direct.ErrAccepted):
		return refuse(codeUploadComplete, "The recording is an upload already, or is about to become one. DELETE the upload to erase it.")
	case errors.Is(err, direct.ErrOther):
		return refuse(codeIdempotencyConflict, "Use a new "+resource.HeaderIdempotencyKey+" for a new recording.")
	case errors.Is(err, direct.ErrTooMany):
		return refuse(codeTooManyOpen, "Complete or abort some of your direct uploads, or wait until they expire.")
	case errors.Is(err, direct.ErrExpired):
		return refuse(codeUploadExpired, "The time to send the recording is over. Create a new upload.")
	case errors.Is(err, direct.ErrNoParts):
		return refuse(codeInvalidRequest, "The recording has no such part: see part_count of the upload. Without parts it is sent by put.")
	}
	return err
}

// acceptedMedia adds the accepted media types to a refusal because of the type.
func (s *Server) acceptedMedia(r *refusal) error {
	if r.code == codeUnsupportedMedia {
		r.accepted = s.media.Accepted
	}
	return r
}

// refusedRecording is the refusal of a recording that was sent.
func refusedRecording(r *direct.Refusal) *refusal {
	const gone = " What was sent is removed; create a new upload."
	switch r.Why {
	case direct.WrongMedia:
		return refuse(codeUnsupportedMedia, "The first bytes are not those of an accepted media type."+gone)
	case direct.WrongSize:
		return refuse(codeDigestMismatch, "The recording does not have the declared size."+gone)
	case direct.OtherRecording:
		return refuse(codeIdempotencyConflict, "Another recording was accepted with this "+resource.HeaderIdempotencyKey+"."+gone)
	default:
		return refuse(codeDigestMismatch, "The recording does not match the declared sha256."+gone)
	}
}

// directCompletion matches the path that completes a direct upload.
var directCompletion = regexp.MustCompile(`^/v1/uploads/direct/[^/]+/complete$`)

// completes reports whether a request may take as long as storing a recording.
func completes(method, path string) bool {
	return method == http.MethodPost && (path == "/v1/uploads" || directCompletion.MatchString(path)) || strings.HasPrefix(path, "/v1/tus")
}
