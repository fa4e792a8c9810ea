package api

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"orak"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"orak/api/resource"
	"orak/events"
	"orak/internal/auth"
	"orak/sinks/index"
)

// The query parameters of the list of acts, beside those of other lists.
const (
	paramBy      = "by"
	paramAct     = "act"
	paramSubject = "subject"
)

// recordTimeout bounds how long an act waits for its record, and noteTimeout how long the
// answer to one does that is done already.
const (
	recordTimeout = 10 * time.Second
	noteTimeout   = 2 * time.Second
)

// getAudit lists what was done by whom, from the index.
func (s *Server) getAudit(c *fiber.Ctx) error {
	q, err := s.actQueryOf(c)
	if err != nil {
		return err
	}
	found, err := s.indexed()
	if err != nil {
		return err
	}
	page, err := found.Acts(c.UserContext(), q)
	if err != nil {
		return indexRefusal(err)
	}
	answer := resource.ActPage{Acts: make([]resource.Act, len(page.Acts)), Next: page.Next}
	for i, a := range page.Acts {
		answer.Acts[i] = resource.Act(a)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(answer)
}

func (s *Server) actQueryOf(c *fiber.Ctx) (q index.ActQuery, err error) {
	if err := checkParameters(c, []string{paramBy, paramAct, paramSubject, paramFrom, paramTo, paramPageSize, paramPageToken}); err != nil {
		return q, err
	}
	t, err := s.operatorTenant(c)
	if err != nil {
		return q, err
	}
	if exchangeOf(c).caller.EveryTenant {
		t = managed(c)
	}
	q = index.ActQuery{
		Tenant: t, By: c.Query(paramBy), Act: c.Query(paramAct), Subject: c.Query(paramSubject), Cursor: c.Query(paramPageToken),
	}
	if q.Limit, err = sizeOf(c); err != nil {
		return q, err
	}
	now := time.Now()
	if q.From, err = whenOf(c, paramFrom, now); err != nil {
		return q, err
	}
	if q.To, err = whenOf(c, paramTo, now); err != nil {
		return q, err
	}
	if err := q.Validate(); err != nil {
		return q, indexRefusal(err)
	}
	return q, nil
}

// record records an act that nothing else records, before it is done: without its record
// it is not done. One that then fails has a record as well.
func (s *Server) record(c *fiber.Ctx, act string, t orak.Tenant, subject, detail string) error {
	if err := s.publishAct(c, recordTimeout, exchangeOf(c).caller, act, t, subject, detail); err != nil {
		return refuse(codeUnavailable, "It cannot be recorded at the moment who asks for this, so nothing was done. Try again later.").because(err)
	}
	return nil
}

// note records an act that must not depend on Kafka, after it was done. The log has one
// that cannot be recorded.
func (s *Server) note(c *fiber.Ctx, caller auth.Caller, act string) {
	x := exchangeOf(c)
	x.log.InfoContext(c.UserContext(), "operator acted", "act", act, "by", caller.ID, "tenant", caller.Tenant)
	if err := s.publishAct(c, noteTimeout, caller, act, caller.Tenant, "", ""); err != nil {
		x.log.WarnContext(c.UserContext(), "an act is only in the log", "act", act, "error", err)
	}
}

func (s *Server) publishAct(c *fiber.Ctx, within time.Duration, caller auth.Caller, act string, t orak.Tenant, subject, detail string) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), within)
	defer cancel()
	err := s.events.PublishAct(ctx, events.Act{
		ID: uuid.NewString(), At: time.Now().UTC(), Act: act, By: cmp.Or(caller.ID, "anonymous"), Tenant: t, Subject: subject, Detail: detail,
	})
	if err != nil {
		return fmt.Errorf("recording %s: %w", act, err)
	}
	return nil
}
