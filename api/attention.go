package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/control"
)

// maxPaused bounds the paused webhooks that are listed one by one.
const maxPaused = 50

// getAttention answers with what needs a person now.
func (s *Server) getAttention(c *fiber.Ctx) error {
	return operated(s, c, func(ctx context.Context, o Operations, t orak.Tenant) (resource.Attention, error) {
		letters := make(chan attended, 1)
		go func() { letters <- s.letterItems(context.WithoutCancel(ctx), t) }()
		answer := o.Attention(ctx, t)
		counted := <-letters // bounded by Config.StatusTimeout
		answer.Items = slices.Concat(answer.Items, counted.items, s.pausedItems(t))
		if answer.Items == nil {
			answer.Items = []resource.AttentionItem{}
		}
		s.counted.Report(ctx, counted.err, "dead letters cannot be counted for what needs a person")
		if counted.err != nil {
			answer.Unavailable = append(answer.Unavailable, resource.Unavailable{Part: "dead_letters", Dependency: string(orak.DependencyTemporal)})
		}
		slices.SortStableFunc(answer.Items, func(a, b resource.AttentionItem) int {
			return cmp.Compare(severity(a), severity(b))
		})
		return answer, nil
	})
}

// severity orders the most severe first.
func severity(i resource.AttentionItem) int {
	if i.Severity == resource.SeverityCritical {
		return 0
	}
	return 1
}

// attended are items, or why there are none.
type attended struct {
	items []resource.AttentionItem
	err   error
}

// letterItems returns an item for each stage and class with dead letters. A failure of
// orak itself is critical: others follow.
func (s *Server) letterItems(ctx context.Context, t orak.Tenant) attended {
	counts, err := s.counts.Get(ctx, countKey{tenant: t})
	var items []resource.AttentionItem
	for _, g := range counts.Groups {
		item := resource.AttentionItem{
			Kind: resource.AttentionDeadLetters, Severity: resource.SeverityWarning, Subject: string(g.Stage) + "/" + string(g.Class),
			Count: g.Count, Since: g.Since, Stage: g.Stage, Class: g.Class,
			Detail: fmt.Sprintf("%d uploads failed in %s (%s) and wait for a decision.", g.Count, g.Stage, g.Class),
		}
		if g.Count == 1 {
			item.Detail = fmt.Sprintf("1 upload failed in %s (%s) and waits for a decision.", g.Stage, g.Class)
		}
		if g.Class == orak.ClassInternal {
			item.Severity = resource.SeverityCritical
		}
		items = append(items, item)
	}
	return attended{items, err}
}

// pausedItems returns an item for each webhook that is paused.
func (s *Server) pausedItems(t orak.Tenant) []resource.AttentionItem {
	if s.webhooks.Webhooks == nil {
		return nil
	}
	var items []resource.AttentionItem
	for _, h := range s.webhooks.Webhooks.Webhooks(t) {
		if h.Paused != nil && len(items) < maxPaused {
			items = append(items, pausedItem(h))
		}
	}
	return items
}

func pausedItem(h control.Webhook) resource.AttentionItem {
	return resource.AttentionItem{
		Kind: resource.AttentionWebhookPaused, Severity: resource.SeverityWarning, Subject: h.ID, Count: 1, Since: h.Paused.At.UTC().Truncate(time.Millisecond),
		Detail: fmt.Sprintf("A webhook of %s is paused: %s", h.Tenant, sentence(h.Paused.Reason)), Tenant: h.Tenant, Webhook: h.ID,
	}
}
