package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/internal/outbox"
	"orak/internal/resumable"
)

// The tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload), on
// internal/resumable. tusd's handlers need net/http, which under fasthttp would hold
// each body in memory.

const (
	tusVersion    = "1.0.0"
	tusExtensions = "creation,creation-with-upload,termination,checksum,expiration"
	tusMediaType  = "application/offset+octet-stream"

	headerTusResumable  = "Tus-Resumable"
	headerUploadOffset  = "Upload-Offset"
	headerUploadLength  = "Upload-Length"
	headerUploadMeta    = "Upload-Metadata"
	headerUploadExpires = "Upload-Expires"
	headerMethod        = "X-HTTP-Method-Override"
)

func newResumable(cfg Config, deps Deps, s *Server) *resumable.Uploads {
	return resumable.New(cfg.Tus, resumable.Deps{
		Store:  deps.Store,
		Mark:   func(ctx context.Context, m outbox.Marker) error { return s.announcer.box.Write(ctx, m) },
		Unmark: func(ctx context.Context, m outbox.Marker) error { return s.announcer.box.Remove(ctx, m) },
		Announce: func(ctx context.Context, m outbox.Marker) error {
			s.metrics.bytes.Add(float64(m.Size))
			s.limits.sent(m.Tenant, m.Size)
			return s.announcer.announce(ctx, m)
		},
		Erased: func(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
			_, erased, err := s.tombstone(ctx, t, id)
			return erased, err
		},
		Sniff: func(head []byte) (string, error) {
			mediaType, ok := s.media.Sniff(head)
			if !ok {
				return "", s.unknownMedia()
			}
			return mediaType, nil
		},
		SniffLen: deps.Media.Len, Log: deps.Log, Metrics: deps.Metrics,
	})
}

// sweepTus sweeps the resumable uploads until the server stops.
func (s *Server) sweepTus(ctx context.Context, bucket <-chan struct{}) {
	if bucket != nil {
		select {
		case <-bucket:
		case <-s.stopping:
			return
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	ticker := time.NewTicker(s.cfg.Tus.SweepInterval)
	defer ticker.Stop()
	for {
		if err := s.resumable.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.outages.Report(err)
			s.log.WarnContext(ctx, "resumable uploads could not be swept; trying again at the next interval", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// tus wraps the handlers of the protocol: each answer names the version, and each
// request must.
func (s *Server) tus(next fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(headerTusResumable, tusVersion)
		c.Set(fiber.HeaderCacheControl, "no-store")
		if given, err := onlyHeader(c, headerTusResumable); err != nil || given != tusVersion {
			c.Set("Tus-Version", tusVersion)
			return refuse(codeTusVersion, "Send "+headerTusResumable+": "+tusVersion+".")
		}
		return next(c)
	}
}

// optionsTus says what the server supports.
func (s *Server) optionsTus(c *fiber.Ctx) error {
	c.Set(headerTusResumable, tusVersion)
	c.Set("Tus-Version", tusVersion)
	c.Set("Tus-Extension", tusExtensions)
	c.Set("Tus-Checksum-Algorithm", checksumAlgorithms)
	c.Set("Tus-Max-Size", strconv.FormatInt(s.cfg.MaxUploadBytes, 10))
	return c.SendStatus(fiber.StatusNoContent)
}

// postTus creates an upload; the body, if there is one, is its beginning.
func (s *Server) postTus(c *fiber.Ctx) error {
	x := exchangeOf(c)
	tenant, err := tenantOf(c)
	if err != nil {
		return err
	}
	if err := s.accepting(tenant); err != nil {
		return err
	}
	given, err := s.creation(c, tenant)
	if err != nil {
		return err
	}
	x.upload = given.Upload.ID
	body, err := s.tusBody(c, given.Upload.Size)
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	if given.Repeatable {
		if stone, erased, err := s.tombstone(ctx, tenant, given.Upload.ID); err != nil || erased {
			return errors.Join(err, erasedRefusal(stone))
		}
	}
	st, err := s.resumable.Create(ctx, given)
	if err != nil {
		return s.tusRefusal(err)
	}
	location := "tus/" + string(st.ID)
	if strings.HasSuffix(c.Path(), "/") {
		location = string(st.ID)
	}
	c.Set(fiber.HeaderLocation, location) // relative: a proxy may serve the API under another path
	if body != nil && st.Offset == 0 {
		// The upload exists now, whatever becomes of the body: its sender learns of it.
		began := st
		st, err = s.resumable.Append(ctx, resumable.Name{Tenant: tenant, ID: st.ID}, 0, *body)
		if refused := (*resumable.Refused)(nil); errors.As(err, &refused) || errors.Is(err, resumable.ErrChecksum) {
			return s.tusRefusal(err)
		}
		if err != nil {
			s.tusFailed(ctx, x, err)
			st = began
			st.Offset = 0
		}
	}
	s.setTus(c, st)
	return c.SendStatus(fiber.StatusCreated)
}

// headTus answers where an upload stands.
func (s *Server) headTus(c *fiber.Ctx) error {
	name, err := s.tusOf(c)
	if err != nil {
		return err
	}
	st, err := s.resumable.Look(c.UserContext(), name)
	if err != nil {
		return s.tusRefusal(err)
	}
	s.setTus(c, st)
	c.Set(headerUploadLength, strconv.FormatInt(st.Size, 10))
	if st.Given != "" {
		c.Set(headerUploadMeta, st.Given)
	}
	return c.SendStatus(fiber.StatusOK)
}

// patchTus takes bytes of an upload, and with the last one accepts the recording.
func (s *Server) patchTus(c *fiber.Ctx) error {
	name, err := s.tusOf(c)
	if err != nil {
		return err
	}
	if c.Get(fiber.HeaderContentType) != tusMediaType {
		return refuse(codeTusMedia, "Send the bytes as "+tusMediaType+".")
	}
	offset, err := tusNumber(c, headerUploadOffset)
	if err != nil {
		return err
	}
	body, err := s.tusBody(c, s.cfg.MaxUploadBytes-offset)
	if err != nil {
		return err
	}
	if body == nil {
		body = &resumable.Body{Reader: http.NoBody, Interrupt: func() {}}
	}
	st, err := s.resumable.Append(c.UserContext(), name, offset, *body)
	if err != nil {
		s.tusFailed(c.UserContext(), exchangeOf(c), err)
		return s.tusRefusal(err)
	}
	s.setTus(c, st)
	return c.SendStatus(fiber.StatusNoContent)
}

// deleteTus ends an upload that is not complete.
func (s *Server) deleteTus(c *fiber.Ctx) error {
	name, err := s.tusOf(c)
	if err != nil {
		return err
	}
	if err := s.resumable.Terminate(c.UserContext(), name); err != nil {
		return s.tusRefusal(err)
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// overrideTus takes the method from a header, for clients that cannot send PATCH or
// DELETE.
func (s *Server) overrideTus(c *fiber.Ctx) error {
	switch c.Get(headerMethod) {
	case http.MethodPatch:
		return s.patchTus(c)
	case http.MethodDelete:
		return s.deleteTus(c)
	default:
		return refuse(codeMethodNotAllowed, "Send PATCH, or POST with "+headerMethod+": PATCH.")
	}
}

func (s *Server) tusOf(c *fiber.Ctx) (resumable.Name, error) {
	t, err := tenantOf(c)
	if err != nil {
		return resumable.Name{}, err
	}
	id, err := idOf(c)
	return resumable.Name{Tenant: t, ID: id, Owner: exchangeOf(c).caller.Owner}, err
}

// setTus sets the headers of an answer about an upload.
func (s *Server) setTus(c *fiber.Ctx, st resumable.Status) {
	c.Set(headerUploadOffset, strconv.FormatInt(st.Offset, 10))
	if sum, err := hex.DecodeString(st.SHA256); err == nil && len(sum) > 0 {
		c.Set(resource.HeaderReprDigest, "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":")
	}
	if !st.ExpiresAt.IsZero() {
		c.Set(headerUploadExpires, st.ExpiresAt.Format(http.TimeFormat))
	}
}

// tusFailed reports a request whose body or storing failed.
func (s *Server) tusFailed(ctx context.Context, x *exchange, err error) {
	s.outages.Report(err)
	x.log.DebugContext(ctx, "a request of a resumable upload ended early", "upload_id", x.upload, "error", err)
}

// tusRefusal turns an error of a resumable upload into a refusal.
func (s *Server) tusRefusal(err error) error {
	const goOn = " What was stored is kept: ask for the offset with HEAD and go on from there."
	switch {
	case errors.Is(err, resumable.ErrGone):
		return refuse(codeTusGone, "The upload was terminated or has expired. Begin it anew.").because(err)
	case errors.Is(err, resumable.ErrOffset):
		return refuse(codeTusOffset, headerUploadOffset+" is not where the stored bytes end. Ask with HEAD and go on from there.")
	case errors.Is(err, resumable.ErrLength):
		return refuse(codeTooLarge, "The request has more bytes than "+headerUploadLength+" leaves.")
	case errors.Is(err, resumable.ErrChecksum):
		return refuse(codeTusChecksum, "The bytes do not have the declared checksum, and were discarded.")
	case errors.Is(err, resumable.ErrOther):
		return refuse(codeIdempotencyConflict, "Use a new "+resource.HeaderIdempotencyKey+" for a new recording.").because(err)
	case errors.Is(err, resumable.ErrComplete):
		return refuse(codeUploadComplete, "The recording is accepted. DELETE /v1/uploads/{id} erases it.")
	case errors.Is(err, resumable.ErrTooMany):
		return refuse(codeTooManyOpen, "Complete some of your resumable uploads, or wait until they expire.")
	case errors.Is(err, resumable.ErrBusy):
		return refuse(codeUnavailable, "The service is receiving as many resumable uploads as it accepts at once. Go on later.")
	case errors.Is(err, fs.ErrNotExist):
		return refuse(codeNotFound, "There is no such upload.").because(err)
	case errors.Is(err, resumable.ErrLocked), errors.Is(err, errSlow):
		return refuse(codeTusLocked, "Another request writes this upload."+goOn).because(err)
	case errors.Is(err, errStalled):
		return refuse(codeTimeout, "No byte was received for "+s.cfg.BodyTimeout.String()+"."+goOn)
	case errors.Is(err, errCutOff), errors.Is(err, errOver):
		return refuse(codeIncompleteBody, "The connection ended before the request did."+goOn).because(err)
	default:
		return err
	}
}

// creation reads what a sender says of an upload that it begins.
func (s *Server) creation(c *fiber.Ctx, t orak.Tenant) (resumable.Creation, error) {
	var given resumable.Creation
	key, err := onlyHeader(c, resource.HeaderIdempotencyKey)
	if err != nil {
		return given, err
	}
	id, repeatable, err := newID(t, key)
	if err != nil {
		return given, err
	}
	if c.Get("Upload-Defer-Length") != "" || c.Get("Upload-Concat") != "" {
		return given, refuse(codeInvalidRequest, "Send "+headerUploadLength+"; uploads of a length that is declared later, and concatenation, are not supported.")
	}
	size, err := tusNumber(c, headerUploadLength)
	if err != nil {
		return given, err
	}
	caller := exchangeOf(c).caller
	most := min(s.cfg.MaxUploadBytes, s.limits.uploadBytes(caller))
	if err := s.limits.admits(t, size); err != nil {
		return given, err
	}
	switch {
	case size == 0:
		return given, refuse(codeEmptyBody, "A recording has at least one byte.")
	case size > most:
		return given, refuse(codeTooLarge, "A recording may have at most "+formatBytes(most)+".")
	}
	raw, err := onlyHeader(c, headerUploadMeta)
	if err != nil {
		return given, err
	}
	filename, about, err := tusMetadata(raw)
	if err != nil {
		return given, err
	}
	if about.owner, err = boundOwner(caller, about.owner); err != nil {
		return given, err
	}
	given = resumable.Creation{
		Upload:     about.describe(orak.Upload{ID: id, Tenant: t, Filename: filename, Size: size}),
		Repeatable: repeatable, Given: raw,
	}
	given.Traceparent, given.Tracestate = traceOf(c.UserContext())
	return given, nil
}
