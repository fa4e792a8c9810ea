package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/api/resource"
	"orak/internal/auth"
	"orak/internal/flight"
	"orak/workflows"
)

// The bounds of a list of tenants: how many there are, for how many of them uploads are
// counted, by how many requests at once, and for how long a count is taken for the present one.
const (
	maxTenants   = 500
	maxSenders   = 1000 // latest uploads
	maxCounted   = 100
	countsAtOnce = 8
	tenantsFor   = 10 * time.Second
)

func (s *Server) newToday(m *flight.Metrics) *flight.Cache[orak.Tenant, int64] {
	return flight.New(flight.Config[orak.Tenant]{Name: "uploads_today", TTL: tenantsFor, Timeout: s.cfg.StatusTimeout, MaxKeys: maxTenants}, m, s.countToday)
}

func (s *Server) newSenders(m *flight.Metrics) *flight.Cache[struct{}, []orak.Tenant] {
	return flight.New(flight.Config[struct{}]{Name: "senders", TTL: tenantsFor, Timeout: s.cfg.StatusTimeout, MaxKeys: 1}, m,
		func(ctx context.Context, _ struct{}) ([]orak.Tenant, error) { return s.findSenders(ctx) })
}

// countToday counts the uploads of a tenant that began today (UTC).
func (s *Server) countToday(ctx context.Context, t orak.Tenant) (int64, error) {
	query := fmt.Sprintf("WorkflowType = '%s' AND %s AND ExecutionStatus != 'ContinuedAsNew' AND StartTime >= '%s'",
		workflows.TypeProcessUpload, among(workflows.AttrTenant, t), time.Now().UTC().Truncate(24*time.Hour).Format(time.RFC3339))
	counted, err := s.workflows.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	return counted.GetCount(), err
}

// getTenants lists the tenants that are known.
func (s *Server) getTenants(c *fiber.Ctx) error {
	if err := checkParameters(c, nil); err != nil {
		return err
	}
	answer := resource.Tenants{CheckedAt: time.Now().UTC(), Tenants: []resource.TenantSummary{}}
	all := map[orak.Tenant]*resource.TenantSummary{}
	only := resource.EveryTenant
	if !s.administersAll(c) {
		own, err := tenantOf(c)
		if err != nil {
			return err
		}
		only, all[own] = own, &resource.TenantSummary{Tenant: own}
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.StatusTimeout)
	defer cancel()
	answer.Unavailable = s.collectTenants(ctx, all, only)
	for _, t := range slices.Sorted(maps.Keys(all)) {
		if len(answer.Tenants) == maxTenants {
			answer.Truncated = true
			break
		}
		answer.Tenants = append(answer.Tenants, s.tenantSummary(*all[t]))
	}
	if err := s.countTenants(ctx, answer.Tenants); err != nil {
		exchangeOf(c).log.WarnContext(ctx, "the uploads of tenants cannot be counted", "error", err)
		answer.Unavailable = append(answer.Unavailable, resource.Unavailable{Part: "uploads_today", Dependency: string(orak.DependencyTemporal)})
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(answer)
}

// collectTenants adds the tenants that keys, settings, webhooks and the latest uploads
// name.
func (s *Server) collectTenants(ctx context.Context, all map[orak.Tenant]*resource.TenantSummary, only orak.Tenant) []resource.Unavailable {
	of := func(t orak.Tenant) *resource.TenantSummary {
		if t == "" || t == auth.EveryTenant || only != resource.EveryTenant && t != only {
			return &resource.TenantSummary{} // not listed
		}
		if all[t] == nil {
			all[t] = &resource.TenantSummary{Tenant: t}
		}
		return all[t]
	}
	if s.keys != nil {
		for _, k := range s.keys.List(auth.EveryTenant) {
			of(k.Tenant).Keys++
		}
	}
	if s.settings != nil {
		for _, a := range s.settings.Assignments() {
			of(a.Tenant).Settings++
		}
	}
	if s.webhooks.Webhooks != nil {
		for _, h := range s.webhooks.Webhooks.Webhooks(auth.EveryTenant) {
			of(h.Tenant).Webhooks++
		}
	}
	if only != resource.EveryTenant {
		return nil
	}
	senders, err := s.senders.Get(ctx, struct{}{})
	if err != nil {
		return []resource.Unavailable{{Part: "uploads", Dependency: string(orak.DependencyTemporal)}}
	}
	for _, t := range senders {
		of(t)
	}
	return nil
}

// findSenders returns the tenants of the latest uploads.
func (s *Server) findSenders(ctx context.Context) ([]orak.Tenant, error) {
	listed, err := s.workflows.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: maxSenders, Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus != 'ContinuedAsNew'", workflows.TypeProcessUpload),
	})
	if err != nil {
		return nil, err
	}
	found := map[orak.Tenant]bool{}
	for _, info := range listed.GetExecutions() {
		found[workflows.TenantOf(info)] = true
	}
	return slices.Collect(maps.Keys(found)), nil
}

// tenantSummary adds the limits in effect, and what the tenant uses here.
func (s *Server) tenantSummary(t resource.TenantSummary) resource.TenantSummary {
	limits := s.limits.of(t.Tenant)
	t.Limits = resource.TenantLimits{
		Uploads: s.admission.most(t.Tenant), Requests: limits.Requests, DayBytes: limits.DayBytes,
		UploadBytes: cmp.Or(limits.UploadBytes, s.cfg.MaxUploadBytes), Watchers: s.limits.watchers(t.Tenant),
		Paused: s.paused != nil && s.paused(t.Tenant),
	}
	t.Usage = resource.TenantUsage{Uploads: s.admission.count(t.Tenant), DayBytes: s.limits.sentToday(t.Tenant)}
	return t
}

// countTenants adds how many uploads the tenants sent today, the first maxCounted of
// them.
func (s *Server) countTenants(ctx context.Context, tenants []resource.TenantSummary) error {
	var group errgroup.Group
	group.SetLimit(countsAtOnce)
	for i := range tenants[:min(len(tenants), maxCounted)] {
		group.Go(func() error {
			n, err := s.today.Get(ctx, tenants[i].Tenant)
			if err != nil {
				return err
			}
			tenants[i].UploadsToday = &n
			return nil
		})
	}
	return group.Wait()
}
