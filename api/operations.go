package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
)

// Operations tells operators how the service does. Its methods return within seconds,
// whatever they depend on, and share what they found with callers of the same moment. An
// error is an *orak.Fault of class dependency. A tenant may be resource.EveryTenant.
type Operations interface {
	// Attention has no error: what it cannot read is in the answer.
	Attention(ctx context.Context, t orak.Tenant) resource.Attention
	Queues(ctx context.Context, t orak.Tenant) (resource.Queues, error)
	Lag(ctx context.Context) (resource.Lag, error)
	Topics(ctx context.Context) (resource.Topics, error)
	// Outages leaves out causes that name uploads, unless t is every tenant.
	Outages(ctx context.Context, t orak.Tenant) (resource.Outages, error)
	// Reconciliations returns at most limit runs.
	Reconciliations(ctx context.Context, limit int) (resource.Reconciliations, error)
	Reconcile(ctx context.Context) (resource.ReconcileRequested, error)
	Sinks(ctx context.Context) (resource.Sinks, error)
}

// The bounds of a list of reconciliations.
const (
	defaultReconciliations = 20
	maxReconciliations     = 100
)

// operated answers with what ask returns for the tenant of an operator.
func operated[T any](s *Server, c *fiber.Ctx, ask func(context.Context, Operations, orak.Tenant) (T, error)) error {
	if err := checkParameters(c, nil); err != nil {
		return err
	}
	return answered(s, c, http.StatusOK, ask)
}

// answered is operated for routes with parameters of their own, or another status.
func answered[T any](s *Server, c *fiber.Ctx, status int, ask func(context.Context, Operations, orak.Tenant) (T, error)) error {
	t, err := s.operatorTenant(c)
	if err != nil {
		return err
	}
	if s.operations == nil {
		return refuse(codeUnavailable, "This server does not look after the others.")
	}
	answer, err := ask(c.UserContext(), s.operations, t)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(status).JSON(answer)
}

// getQueues answers with the task queues.
func (s *Server) getQueues(c *fiber.Ctx) error {
	return operated(s, c, func(ctx context.Context, o Operations, t orak.Tenant) (resource.Queues, error) {
		return o.Queues(ctx, t)
	})
}

// getLag answers with the lag of the consumer groups.
func (s *Server) getLag(c *fiber.Ctx) error {
	return operated(s, c, func(ctx context.Context, o Operations, _ orak.Tenant) (resource.Lag, error) { return o.Lag(ctx) })
}

// getTopics answers with the topics.
func (s *Server) getTopics(c *fiber.Ctx) error {
	return operated(s, c, func(ctx context.Context, o Operations, _ orak.Tenant) (resource.Topics, error) { return o.Topics(ctx) })
}

// getOutages answers with the outages of dependencies.
func (s *Server) getOutages(c *fiber.Ctx) error {
	return operated(s, c, func(ctx context.Context, o Operations, t orak.Tenant) (resource.Outages, error) {
		return o.Outages(ctx, t)
	})
}

// getSinks answers with what the index, the lake and the webhooks have written.
func (s *Server) getSinks(c *fiber.Ctx) error {
	return operated(s, c, func(ctx context.Context, o Operations, _ orak.Tenant) (resource.Sinks, error) { return o.Sinks(ctx) })
}

// getReconciliations lists the last reconciliations.
func (s *Server) getReconciliations(c *fiber.Ctx) error {
	if err := checkParameters(c, []string{paramLimit}); err != nil {
		return err
	}
	limit := defaultReconciliations
	if given := c.Query(paramLimit); given != "" {
		var err error
		if limit, err = strconv.Atoi(given); err != nil || limit < 1 || limit > maxReconciliations {
			return refuse(codeInvalidRequest, fmt.Sprintf("limit must be 1 to %d.", maxReconciliations))
		}
	}
	return answered(s, c, http.StatusOK, func(ctx context.Context, o Operations, _ orak.Tenant) (resource.Reconciliations, error) {
		return o.Reconciliations(ctx, limit)
	})
}

// postReconcile begins a reconciliation.
func (s *Server) postReconcile(c *fiber.Ctx) error {
	if err := checkParameters(c, nil); err != nil {
		return err
	}
	return answered(s, c, http.StatusAccepted, func(ctx context.Context, o Operations, _ orak.Tenant) (resource.ReconcileRequested, error) {
		if !s.administersAll(c) {
			return resource.ReconcileRequested{}, refuse(codeForeignTenant, "A reconciliation is for all tenants: only a credential for every tenant begins one.")
		}
		if err := s.record(c, actReconcile, resource.EveryTenant, "", ""); err != nil {
			return resource.ReconcileRequested{}, err
		}
		return o.Reconcile(ctx)
	})
}
