package resource

import (
	"time"

	"orak"
)

// Webhook is a receiver of a tenant's events.
type Webhook struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
	// Events are the types that are sent.
	Events []string `json:"events"`
	// Status is "active" or "paused".
	Status string `json:"status"`
	// Paused is present while it is paused.
	Paused *WebhookPause `json:"paused,omitempty"`
	// Secret is present in the answers that create and rotate it, and never again.
	Secret string `json:"secret,omitempty"`
	// PreviousUntil is until when the secret before signs as well.
	PreviousUntil time.Time `json:"previous_secret_until,omitzero"`
	CreatedAt     time.Time `json:"created_at"`
	CreatedBy     string    `json:"created_by"`
	ChangedAt     time.Time `json:"changed_at"`
	ChangedBy     string    `json:"changed_by"`
	// Version grows with each change.
	Version int64 `json:"version"`
}

// The values of Webhook.Status.
const (
	WebhookActive = "active"
	WebhookPaused = "paused"
)

// WebhookPause says since when and why nothing is sent.
type WebhookPause struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Webhooks are all webhooks of a tenant, the oldest first.
type Webhooks struct {
	Webhooks []Webhook `json:"webhooks"`
}

// WebhookRequest creates a webhook, or changes the fields that are present.
type WebhookRequest struct {
	URL         *string `json:"url,omitempty"`
	Description *string `json:"description,omitempty"`
	// Events are the types to send; without it all that end or stop an upload, and with
	// "*" all types.
	Events *[]string `json:"events,omitempty"`
}

// RotateRequest asks for a new secret.
type RotateRequest struct {
	// OverlapSeconds is for how long the former secret signs as well; a day without it,
	// 0 to end it at once.
	OverlapSeconds *int64 `json:"overlap_seconds,omitempty"`
	// Force ends the overlap of an earlier rotation.
	Force bool `json:"force,omitempty"`
}

// PauseRequest pauses a webhook.
type PauseRequest struct {
	Reason string `json:"reason"`
}

// WebhookDelivery is one event for one webhook.
type WebhookDelivery struct {
	// ID is that of the event, with "~" for each "/".
	ID string `json:"id"`
	// EventID is sent as webhook-id.
	EventID string    `json:"event_id"`
	Type    string    `json:"type"`
	At      time.Time `json:"at"`
	// Status is "pending", "delivered" or "failed".
	Status string `json:"status"`
	// Again means that a person asked for it after an earlier delivery had ended.
	Again     bool      `json:"again,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Attempts is present in the answer about one delivery.
	Attempts *WebhookAttempts `json:"attempts,omitempty"`
}

// The values of WebhookDelivery.Status.
const (
	DeliveryPending   = "pending"
	DeliveryDelivered = "delivered"
	DeliveryFailed    = "failed"
)

// WebhookAttempts says what became of the attempts of a delivery.
type WebhookAttempts struct {
	// Made counts the requests that were sent, or failed to be.
	Made int `json:"made"`
	// LastStatus is the HTTP status of the last answer; 0 without one.
	LastStatus int       `json:"last_status,omitempty"`
	LastError  string    `json:"last_error,omitempty"`
	LastAt     time.Time `json:"last_at,omitzero"`
	// NextAt is when the next attempt is due.
	NextAt time.Time `json:"next_at,omitzero"`
	// Ended is why a delivery failed: refused, gone, paused or removed; Message says
	// more.
	Ended   string `json:"ended,omitempty"`
	Message string `json:"message,omitempty"`
}

// WebhookDeliveryPage is one page of deliveries, the latest first.
type WebhookDeliveryPage struct {
	Deliveries []WebhookDelivery `json:"deliveries"`
	// Next is the page_token of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}

// RedeliverRequest asks for deliveries again: one, or those of a time range.
type RedeliverRequest struct {
	// Delivery is the id of one delivery.
	Delivery string `json:"delivery,omitempty"`
	// From and To bound when deliveries were started: from From, until before To.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Delivered means that those which were delivered are sent again, too; otherwise
	// only those that failed.
	Delivered bool `json:"delivered,omitempty"`
	// PageToken goes on where the answer before ended.
	PageToken string `json:"page_token,omitempty"`
}

// Redelivered says what a RedeliverRequest started.
type Redelivered struct {
	Started int `json:"started"`
	// Skipped counts those that are underway or were sent again already, and tests.
	Skipped int `json:"skipped"`
	// Next is the page_token that goes on; empty at the end.
	Next string `json:"next,omitempty"`
}

// PingedWebhook is the answer to a ping.
type PingedWebhook struct {
	// Delivery is the id of the delivery of the test.
	Delivery string `json:"delivery"`
}

// WebhookEvent is the body of a webhook about an upload.
type WebhookEvent struct {
	Type      string           `json:"type"`
	Timestamp time.Time        `json:"timestamp"`
	Data      WebhookEventData `json:"data"`
}

// WebhookEventData is thin: what has a link is fetched, with a credential.
type WebhookEventData struct {
	UploadID orak.UploadID `json:"upload_id"`
	Tenant   orak.Tenant   `json:"tenant"`
	Status   orak.Status   `json:"status"`
	Cycle    int           `json:"cycle"`
	Owner    string        `json:"owner,omitempty"`
	Metadata orak.Metadata `json:"metadata,omitempty"`
	// Stage and Class say what failed, and whose fault it is.
	Stage orak.Stage        `json:"stage,omitempty"`
	Class orak.Class        `json:"class,omitempty"`
	Links WebhookEventLinks `json:"links"`
}

// WebhookEventLinks are URLs of the API, or paths if its public URL is not configured.
type WebhookEventLinks struct {
	Upload string `json:"upload"`
	// Analysis is present if the upload is completed.
	Analysis string `json:"analysis,omitempty"`
}
