package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/events"
	"orak/internal/outbox"
)

// postCancel asks for the end of an upload that has not ended. The request is on Kafka
// when it is answered; a repeat is the same request.
func (s *Server) postCancel(c *fiber.Ctx) error {
	reason := c.Query("reason")
	if err := checkText("reason", reason, events.MaxReason); err != nil {
		return err
	}
	st, err := s.lookupFor(c)
	if err != nil {
		return err
	}
	x := exchangeOf(c)
	x.upload = st.Upload.ID
	switch {
	case st.Status == orak.StatusCanceled:
		return c.JSON(st.resource())
	case st.Status.Final():
		return refuse(codeNotCancelable, "The upload is "+string(st.Status)+".")
	case st.halted:
		return refuse(codeNotCancelable, "The processing of the upload was ended by an operator, or by a defect.")
	}
	asked := events.Cancellation{ID: st.Upload.ID, Tenant: st.Upload.Tenant, By: x.caller.ID, Reason: reason}
	if err := s.requestCancel(c.UserContext(), st, asked); err != nil {
		return refuse(codeUnavailable, "The cancellation may or may not have been recorded. Repeat the request until it is accepted.").because(err)
	}
	x.log.InfoContext(c.UserContext(), "accepted a cancellation", "upload_id", asked.ID, "tenant", asked.Tenant, "by", asked.By)
	return c.Status(fiber.StatusAccepted).JSON(st.resource())
}

// cancelTries is how often a cancellation is announced if each time the clusters are
// switched meanwhile.
const cancelTries = 3

var errSwitched = errors.New("the clusters of " + events.TopicUploads + " were switched meanwhile")

// requestCancel puts a cancellation behind the announcement of its upload, on one cluster.
// The bridge does not keep one that comes first: the upload would be started after it.
func (s *Server) requestCancel(ctx context.Context, st state, asked events.Cancellation) error {
	e, err := events.NewCancellation(time.Now(), asked)
	if err != nil {
		return err
	}
	for range cancelTries {
		cluster := s.active()
		if err := s.announceBefore(ctx, st, asked); err != nil {
			return fmt.Errorf("announcing the upload: %w", err)
		}
		if err := s.events.PublishEvent(ctx, events.TopicUploads, e); err != nil {
			return fmt.Errorf("publishing the cancellation: %w", err)
		}
		if s.active() == cluster {
			return nil
		}
	}
	return errSwitched
}

// announceBefore announces the upload if it is in the outbox. One that is not, and has no
// workflow yet, is announced once more: its announcement may wait on the cluster that was
// active before a switch, where the cancellation would not come behind it.
func (s *Server) announceBefore(ctx context.Context, st state, asked events.Cancellation) error {
	marker := outbox.Found{Tenant: asked.Tenant, ID: asked.ID, At: time.Now()}
	outcome, err := s.announcer.box.Publish(ctx, marker)
	if err != nil || outcome != outbox.Left || st.runID != "" {
		return err
	}
	if err := s.announcer.box.Write(ctx, outbox.Marker{Upload: st.Upload}); err != nil {
		return err
	}
	_, err = s.announcer.box.Publish(ctx, marker)
	return err
}
