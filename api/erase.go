package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

const (
	// statusErasing is what an erasure that was asked for is called.
	statusErasing = "erasing"
	// defaultBy is who asks where the request does not say.
	defaultBy = outbox.ByUnknown
)

// deleteUpload puts on record that an upload is to be erased; see accept. The
// repeat of a request that is being carried out is answered as the first one
// was.
func (s *Server) deleteUpload(c *fiber.Ctx) error {
	t, err := tenantOf(c)
	if err != nil {
		return err
	}
	id, err := idOf(c)
	if err != nil {
		return err
	}
	asked, err := erasureOf(c, t, id)
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	stone, erased, err := s.tombstone(ctx, t, id)
	switch {
	case err != nil:
		return err
	case erased && !stone.ErasedAt.IsZero():
		return c.SendStatus(fiber.StatusNoContent)
	case !erased:
		if err := s.mustKnow(ctx, t, id); err != nil {
			return err
		}
	}
	if err := s.accept(ctx, asked, erased); err != nil {
		return err
	}
	exchangeOf(c).log.Info("an erasure is on record", slog.String("upload_id", string(id)), slog.String("tenant", string(t)),
		slog.String("by", asked.By), slog.String("reason", asked.Reason))
	return c.Status(fiber.StatusAccepted).JSON(resource.Erasing{ID: id, Status: statusErasing, Links: linksOf(id)})
}

// erasureOf reads who asks, and why.
func erasureOf(c *fiber.Ctx, t orak.Tenant, id orak.UploadID) (events.Erasure, error) {
	asked := events.Erasure{ID: id, Tenant: t, By: c.Query("by", defaultBy), Reason: c.Query("reason")}
	for _, f := range []struct {
		name, value string
		limit       int
	}{{"by", asked.By, events.MaxBy}, {"reason", asked.Reason, events.MaxReason}} {
		if len(f.value) > f.limit || !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, unicode.IsControl) {
			return events.Erasure{}, refuse(codeInvalidRequest, fmt.Sprintf("%s must be %d bytes of text at most, without control characters.", f.name, f.limit))
		}
	}
	return asked, nil
}

// mustKnow is errUnknown for what is no upload of the tenant's. The recording
// is enough: an erasure needs no Temporal.
func (s *Server) mustKnow(ctx context.Context, t orak.Tenant, id orak.UploadID) error {
	_, err := s.store.Stat(ctx, orak.OriginalKey(t, id))
	if errors.Is(err, fs.ErrNotExist) {
		_, err = s.lookup(ctx, t, id)
	}
	return err
}

// accept makes an erasure certain, in this order: its marker in the outbox, the
// tombstone, the event. From the marker on it will be done, whatever fails
// afterwards, Kafka included: the event follows from the outbox, as an upload's
// does. From the tombstone on nothing is started for the upload, and its
// Idempotency-Key is refused. An error does not mean that nothing will be
// erased: a store that did not answer may have the marker.
func (s *Server) accept(ctx context.Context, asked events.Erasure, buried bool) error {
	m := outbox.Erasure{Erasure: asked, RequestedAt: time.Now().UTC()}
	m.Traceparent, m.Tracestate = traceOf(ctx)
	err := s.announcer.box.Write(ctx, m)
	if err == nil && !buried {
		err = s.bury(ctx, m)
	}
	if err != nil {
		return refuse(codeUnavailable, "It is not certain that the erasure is on record: it may still be carried out. Repeat the request until it is accepted.").
			because(fmt.Errorf("putting the erasure on record: %w", err))
	}
	return s.announcer.announce(ctx, m)
}

// bury writes the tombstone, unless somebody else just did.
func (s *Server) bury(ctx context.Context, m outbox.Erasure) error {
	err := objectstore.PutJSON(ctx, s.store, orak.ErasedKey(m.Tenant, m.ID), orak.Tombstone{ID: m.ID, RequestedAt: m.RequestedAt}, true)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing the tombstone: %w", err)
	}
	return nil
}

// tombstone reads what is left of an erased upload; erased is false where there
// is none.
func (s *Server) tombstone(ctx context.Context, t orak.Tenant, id orak.UploadID) (stone orak.Tombstone, erased bool, err error) {
	stone, _, err = objectstore.GetJSON[orak.Tombstone](ctx, s.store, orak.ErasedKey(t, id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return orak.Tombstone{}, false, nil
	case errors.Is(err, objectstore.ErrDamaged):
		// The upload is erased all the same; the next request to erase it
		// writes the tombstone again.
		s.log.WarnContext(ctx, "a tombstone is damaged", "upload_id", id, "error", err)
		return orak.Tombstone{ID: id}, true, nil
	case err != nil:
		return orak.Tombstone{}, false, err
	}
	return stone, true, nil
}

func erasedRefusal(stone orak.Tombstone) *refusal {
	detail := "The upload is being erased."
	if !stone.ErasedAt.IsZero() {
		detail = "It was erased on " + stone.ErasedAt.UTC().Format(time.RFC3339) + ". Nothing of it is left."
	}
	r := refuse(codeErased, detail)
	r.erasedAt = stone.ErasedAt
	return r
}

// refuseErased keeps the key of an erased upload from being used again: what
// was sent would be stored and never processed.
func (s *Server) refuseErased(ctx context.Context, in *incoming) error {
	stone, erased, err := s.tombstone(ctx, in.tenant, in.id)
	if err != nil || !erased {
		return err
	}
	r := erasedRefusal(stone)
	r.detail = "An upload with this " + resource.HeaderIdempotencyKey + " was erased. Nothing was stored: send the recording with a new key."
	return r
}

// keptTooLate is refuseErased for a recording that was stored while an earlier
// one of its key was erased. An erasure that begins after this removes it.
func (s *Server) keptTooLate(ctx context.Context, in *incoming, m outbox.Marker) error {
	if !in.repeatable {
		return nil
	}
	refused := s.refuseErased(ctx, in)
	if refused == nil {
		return nil
	}
	if r := (*refusal)(nil); !errors.As(refused, &r) {
		return refused
	}
	if err := errors.Join(s.store.Delete(ctx, m.Key), s.announcer.box.Remove(ctx, m)); err != nil {
		return err
	}
	return refused
}
