package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/internal/auth"
	"orak/internal/direct"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

const (
	// statusErasing is the status of an accepted erasure.
	statusErasing = "erasing"
	// defaultBy is the requester if the request names none.
	defaultBy = outbox.ByUnknown
)

// deleteUpload records that an upload is to be erased; see accept. A repeated
// request is answered like the first until the upload is erased.
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
		if err := s.mustKnow(ctx, exchangeOf(c).caller, t, id); err != nil {
			return err
		}
	}
	if err := s.accept(ctx, asked, erased); err != nil {
		return err
	}
	if err := s.direct.Discard(ctx, t, id); err != nil {
		exchangeOf(c).log.WarnContext(ctx, "an erased direct upload could not be removed at once; the erasure and the sweep remove it", "upload_id", id, "error", err)
	}
	exchangeOf(c).log.InfoContext(ctx, "accepted an erasure", "upload_id", id, "tenant", t, "by", asked.By, "reason", asked.Reason)
	return c.Status(fiber.StatusAccepted).JSON(resource.Erasing{ID: id, Status: statusErasing, Links: linksOf(id)})
}

// erasureOf reads the requester and the reason.
func erasureOf(c *fiber.Ctx, t orak.Tenant, id orak.UploadID) (events.Erasure, error) {
	given := c.Query("by")
	asked := events.Erasure{ID: id, Tenant: t, By: cmp.Or(exchangeOf(c).by(given), defaultBy), Reason: c.Query("reason")}
	return asked, errors.Join(checkText("by", given, events.MaxBy), checkText("reason", asked.Reason, events.MaxReason))
}

// mustKnow returns errUnknown unless the upload exists, is the tenant's, and one that the
// caller may know. The stored recording suffices, so that an erasure does not depend on
// Temporal.
func (s *Server) mustKnow(ctx context.Context, caller auth.Caller, t orak.Tenant, id orak.UploadID) error {
	var owner string
	info, err := s.store.Stat(ctx, orak.OriginalKey(t, id))
	switch {
	case err == nil:
		owner = orak.Upload{}.Describe(info.Metadata).Owner
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		if owner, err = s.ownerWithoutRecording(ctx, t, id); err != nil {
			return err
		}
	}
	if !caller.MayKnow(owner) {
		return errUnknown
	}
	return nil
}

// ownerWithoutRecording returns the owner of an upload whose recording is not stored: it
// is not there yet, or no longer.
func (s *Server) ownerWithoutRecording(ctx context.Context, t orak.Tenant, id orak.UploadID) (string, error) {
	d, err := s.direct.Get(ctx, t, id)
	if !errors.Is(err, direct.ErrUnknown) {
		return d.Owner, err
	}
	st, err := s.lookup(ctx, t, id)
	return st.Upload.Owner, err
}

// accept records an erasure in this order: its marker in the outbox, the tombstone,
// the event. Once the marker is written the erasure is carried out, whatever fails
// afterwards, Kafka included: the event is published from the outbox, as that of an
// upload is. Once the tombstone is written nothing is started for the upload, and
// its Idempotency-Key is refused. An error does not mean that nothing will be
// erased: a store that did not answer may have the marker.
func (s *Server) accept(ctx context.Context, asked events.Erasure, buried bool) error {
	m := outbox.Erasure{Erasure: asked, RequestedAt: time.Now().UTC()}
	m.Traceparent, m.Tracestate = traceOf(ctx)
	err := s.announcer.box.Write(ctx, m)
	if err == nil && !buried {
		err = s.bury(ctx, m)
	}
	if err != nil {
		return refuse(codeUnavailable, "The erasure may or may not have been recorded; it may still be carried out. Repeat the request until it is accepted.").
			because(fmt.Errorf("recording the erasure: %w", err))
	}
	return s.announcer.announce(ctx, m)
}

// bury writes the tombstone, unless another request just did.
func (s *Server) bury(ctx context.Context, m outbox.Erasure) error {
	err := objectstore.PutJSON(ctx, s.store, orak.ErasedKey(m.Tenant, m.ID), orak.Tombstone{ID: m.ID, RequestedAt: m.RequestedAt}, true)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing the tombstone: %w", err)
	}
	return nil
}

// tombstone reads the tombstone of an upload; erased is false if there is none.
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
		detail = "The upload was erased on " + stone.ErasedAt.UTC().Format(time.RFC3339) + ". Nothing of it is left."
	}
	r := refuse(codeErased, detail)
	r.erasedAt = stone.ErasedAt
	return r
}

// refuseErased refuses the Idempotency-Key of an erased upload: a new recording
// would be stored and never processed.
func (s *Server) refuseErased(ctx context.Context, in *incoming) error {
	stone, erased, err := s.tombstone(ctx, in.tenant, in.id)
	if err != nil || !erased {
		return err
	}
	r := erasedRefusal(stone)
	r.detail = "An upload with this " + resource.HeaderIdempotencyKey + " was erased. Nothing was stored: send the recording with a new key."
	return r
}

// removeIfErased is refuseErased for a recording that was stored while an earlier
// one of the same key was erased, and removes it. An erasure that begins after this
// check removes the recording itself.
func (s *Server) removeIfErased(ctx context.Context, in *incoming, m outbox.Marker) error {
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
