package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"orak/activities"
	"orak/control"
	"orak/internal/standardwebhooks"
	"orak/workflows"
)

// Judge pauses a webhook after a delivery that failed to the end of its time, unless
// another one has succeeded meanwhile.
func (c *courier) Judge(ctx context.Context, in activities.JudgeWebhookInput) error {
	c.metrics.ended.WithLabelValues("exhausted").Inc()
	h, ok := c.deps.Documents.Webhook(in.Tenant, in.Webhook)
	if !ok || h.Paused != nil {
		return nil
	}
	succeeded, err := c.deps.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: c.deps.Namespace,
		Query: workflows.DeliveryQuery(in.Tenant, in.Webhook, time.Time{}, time.Time{}) +
			" AND ExecutionStatus = 'Completed' AND CloseTime >= '" + in.Since.UTC().Format(time.RFC3339Nano) + "'",
	})
	if err != nil {
		return fmt.Errorf("counting deliveries: %w", err)
	}
	if succeeded.GetCount() > 0 {
		return nil
	}
	reason := "No delivery succeeded since " + in.Since.UTC().Format(time.RFC3339) + "; the last attempt: " + lastAttempt(in.Last) + "."
	return c.pause(ctx, h, pauseFailing, reason)
}

func lastAttempt(t activities.WebhookTries) string {
	if t.Error != "" {
		return t.Error
	}
	return fmt.Sprintf("the receiver answered %d", t.Status)
}

// pauses is how often a webhook that was changed meanwhile is tried to be paused.
const pauses = 3

// The causes of pauses.
const (
	pauseGone    = "gone"
	pauseFailing = "failing"
)

// pausedBy is who pauses a webhook that fails.
const pausedBy = "orak"

// pause pauses a webhook, and tells the operators and the tenant's other webhooks. It may
// be called again.
func (c *courier) pause(ctx context.Context, h control.Webhook, cause, reason string) error {
	for range pauses {
		changed := h
		changed.By = pausedBy
		changed.Paused = &control.WebhookPause{At: c.now().UTC(), By: pausedBy, Reason: reason}
		written, err := c.deps.Writer.PutWebhook(ctx, changed)
		var conflict *control.Conflict
		if errors.As(err, &conflict) {
			now, ok := c.deps.Documents.Webhook(h.Tenant, h.ID)
			if !ok || now.Paused != nil || now.URL != h.URL {
				return nil // somebody has dealt with it
			}
			h = now
			continue
		}
		if err != nil {
			return err
		}
		c.metrics.paused.WithLabelValues(cause).Inc()
		c.log.WarnContext(ctx, "webhook paused", "webhook", h.ID, "tenant", h.Tenant, "cause", cause)
		c.tell(ctx, written)
		return nil
	}
	return fmt.Errorf("pausing webhook %s: it was changed %d times meanwhile", h.ID, pauses)
}

// tell says that h was paused. A message that fails is logged: the webhook itself shows
// that it is paused.
func (c *courier) tell(ctx context.Context, h control.Webhook) {
	text := fmt.Sprintf(":pause_button: The webhook `%s` of tenant `%s` was paused. %s Fix the receiver, then run `orak webhooks resume %s` and `orak webhooks redeliver %s`.",
		h.ID, h.Tenant, h.Paused.Reason, h.ID, h.ID)
	if err := c.deps.Notifier.Post(ctx, text); err != nil {
		c.log.ErrorContext(ctx, "posting that a webhook was paused failed", "webhook", h.ID, "tenant", h.Tenant, "error", err)
	}
	body, err := json.Marshal(standardwebhooks.Payload{
		Type: string(control.WebhookStopped), Timestamp: h.Paused.At, Data: StoppedData{h.ID, h.Paused.Reason},
	})
	if err != nil {
		c.log.ErrorContext(ctx, "encoding a webhook's body failed", "error", err)
		return
	}
	for _, other := range c.deps.Documents.Webhooks(h.Tenant) {
		if other.ID == h.ID || other.Paused != nil || !other.Wants(control.WebhookStopped) {
			continue
		}
		in := activities.WebhookDelivery{
			Tenant: h.Tenant, Webhook: other.ID, EventID: fmt.Sprintf("%s/paused/%d", h.ID, h.Version), Type: string(control.WebhookStopped),
			At: h.Paused.At, Body: body, GiveUpAfter: c.cfg.GiveUpAfter,
		}
		if err := c.start(ctx, in, false); err != nil {
			c.log.ErrorContext(ctx, "telling a webhook that another one was paused failed", "webhook", other.ID, "tenant", h.Tenant, "error", err)
		}
	}
}
