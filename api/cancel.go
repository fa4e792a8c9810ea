package api

import (
	"context"
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
	if err := s.requestCancel(c.UserContext(), asked); err != nil {
		return refuse(codeUnavailable, "The cancellation may or may not have been recorded. Repeat the request until it is accepted.").because(err)
	}
	x.log.InfoContext(c.UserContext(), "accepted a cancellation", "upload_id", asked.ID, "tenant", asked.Tenant, "by", asked.By)
	return c.Status(fiber.StatusAccepted).JSON(st.resource())
}

// requestCancel puts a cancellation behind the announcement of its upload. The bridge
// does not keep one that comes first: the upload would be started after it.
func (s *Server) requestCancel(ctx context.Context, asked events.Cancellation) error {
	if _, err := s.announcer.box.Publish(ctx, outbox.Found{Tenant: asked.Tenant, ID: asked.ID, At: time.Now()}); err != nil {
		return fmt.Errorf("announcing the upload: %w", err)
	}
	e, err := events.NewCancellation(time.Now(), asked)
	if err != nil {
		return err
	}
	if err := s.events.PublishEvent(ctx, events.TopicUploads, e); err != nil {
		return fmt.Errorf("publishing the cancellation: %w", err)
	}
	return nil
}
