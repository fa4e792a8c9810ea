package api

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"orak/api/resource"
	"orak/events"
	"orak/sinks/index"
)

// The query parameters of the list of acts, beside those of other lists.
const (
	paramBy      = "by"
	paramAct     = "act"
	paramSubject = "subject"
)

// recordTimeout bounds how long an act waits for its record.
const recordTimeout = 10 * time.Second

// getAudit lists what was done by whom, from the index.
func (s *Server) getAudit(c *fiber.Ctx) error {
	q, err := actQueryOf(c)
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

func actQueryOf(c *fiber.Ctx) (q index.ActQuery, err error) {
	if err := checkParameters(c, []string{paramBy, paramAct, paramSubject, paramFrom, paramTo, paramPageSize, paramPageToken}); err != nil {
		return q, err
	}
	q = index.ActQuery{
		Tenant: managed(c), By: c.Query(paramBy), Act: c.Query(paramAct), Subject: c.Query(paramSubject), Cursor: c.Query(paramPageToken),
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
func (s *Server) record(c *fiber.Ctx, act, subject, detail string) error {
	x := exchangeOf(c)
	ctx, cancel := context.WithTimeout(c.UserContext(), recordTimeout)
	defer cancel()
	err := s.events.PublishAct(ctx, events.Act{
		ID: uuid.NewString(), At: time.Now().UTC(), Act: act, By: cmp.Or(x.caller.ID, "anonymous"), Tenant: x.caller.Tenant, Subject: subject, Detail: detail,
	})
	if err != nil {
		return refuse(codeUnavailable, "It cannot be recorded at the moment who asks for this, so nothing was done. Try again later.").
			because(fmt.Errorf("recording %s: %w", act, err))
	}
	return nil
}
