package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"orak/api/resource"
)

const webhooksPath = "/v1/webhooks"

func webhookPath(id string) string { return webhooksPath + "/" + url.PathEscape(id) }

// Webhooks returns all webhooks of the tenant, the oldest first.
func (c *Client) Webhooks(ctx context.Context) ([]resource.Webhook, error) {
	all, err := call[resource.Webhooks](ctx, c, http.MethodGet, webhooksPath, nil)
	return all.Webhooks, err
}

// Webhook returns a webhook, without its secret.
func (c *Client) Webhook(ctx context.Context, id string) (resource.Webhook, error) {
	return call[resource.Webhook](ctx, c, http.MethodGet, webhookPath(id), nil)
}

// AddWebhook creates a webhook. Only its answer, and that of RotateWebhook, has the secret.
func (c *Client) AddWebhook(ctx context.Context, req resource.WebhookRequest) (resource.Webhook, error) {
	return call[resource.Webhook](ctx, c, http.MethodPost, webhooksPath, req)
}

// ChangeWebhook changes the fields that req has.
func (c *Client) ChangeWebhook(ctx context.Context, id string, req resource.WebhookRequest) (resource.Webhook, error) {
	return call[resource.Webhook](ctx, c, http.MethodPatch, webhookPath(id), req)
}

// RemoveWebhook removes a webhook; deliveries to it that are underway end.
func (c *Client) RemoveWebhook(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, webhookPath(id), nil)
	return err
}

// RotateWebhook gives a webhook another secret; the former one signs as well for overlap,
// of whole seconds and up to 7 days. force ends the overlap of an earlier rotation.
func (c *Client) RotateWebhook(ctx context.Context, id string, overlap time.Duration, force bool) (resource.Webhook, error) {
	seconds := int64(overlap / time.Second)
	return call[resource.Webhook](ctx, c, http.MethodPost, webhookPath(id)+"/rotate", resource.RotateRequest{OverlapSeconds: &seconds, Force: force})
}

// PauseWebhook pauses a webhook: deliveries to it end at once, as failed.
func (c *Client) PauseWebhook(ctx context.Context, id, reason string) (resource.Webhook, error) {
	return call[resource.Webhook](ctx, c, http.MethodPost, webhookPath(id)+"/pause", resource.PauseRequest{Reason: reason})
}

// ResumeWebhook resumes a webhook. What ended while it was paused is sent by Redeliver.
func (c *Client) ResumeWebhook(ctx context.Context, id string) (resource.Webhook, error) {
	return call[resource.Webhook](ctx, c, http.MethodPost, webhookPath(id)+"/resume", struct{}{})
}

// PingWebhook sends a test to a webhook, and returns the id of its delivery.
func (c *Client) PingWebhook(ctx context.Context, id string) (delivery string, err error) {
	pinged, err := call[resource.PingedWebhook](ctx, c, http.MethodPost, webhookPath(id)+"/ping", struct{}{})
	return pinged.Delivery, err
}

// DeliveryQuery selects deliveries; its zero value selects all.
type DeliveryQuery struct {
	// Status is one of resource.Delivery…; empty means all.
	Status string
	// From and To bound when they were started: from From, until before To.
	From, To time.Time
	// Page is the maximum number on a page; 0 means the server's maximum.
	Page int
}

// WebhookDeliveries returns one page of deliveries, the latest first. token is the Next of
// the page before; empty means the first page.
func (c *Client) WebhookDeliveries(ctx context.Context, id string, q DeliveryQuery, token string) (resource.WebhookDeliveryPage, error) {
	values := url.Values{}
	if q.Status != "" {
		values.Set("status", q.Status)
	}
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			values.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return call[resource.WebhookDeliveryPage](ctx, c, http.MethodGet, webhookPath(id)+"/deliveries?"+paged(values, q.Page, token).Encode(), nil)
}

// WebhookDelivery returns the last delivery of an event, with its attempts.
func (c *Client) WebhookDelivery(ctx context.Context, id, delivery string) (resource.WebhookDelivery, error) {
	return call[resource.WebhookDelivery](ctx, c, http.MethodGet, webhookPath(id)+"/deliveries/"+url.PathEscape(delivery), nil)
}

// Redeliver asks for deliveries again: one, or a page of a time range; go on with the Next
// of the answer until that is empty.
func (c *Client) Redeliver(ctx context.Context, id string, req resource.RedeliverRequest) (resource.Redelivered, error) {
	return call[resource.Redelivered](ctx, c, http.MethodPost, webhookPath(id)+"/redeliver", req)
}
