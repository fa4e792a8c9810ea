package activities

import (
	"encoding/json"
	"time"

	"orak"
)

// The activities of DeliverWebhook. Package sinks/webhook has them: only its processes
// send requests to strangers.
const (
	TypeSendWebhook  = "SendWebhook"
	TypeJudgeWebhook = "JudgeWebhook"
)

// WebhookDelivery is one event for one webhook. It has no secret and no address: both are
// looked up at each attempt.
type WebhookDelivery struct {
	Tenant  orak.Tenant `json:"tenant"`
	Webhook string      `json:"webhook"`
	// EventID is sent as webhook-id; Type and At are those of the event.
	EventID string    `json:"event_id"`
	Type    string    `json:"type"`
	At      time.Time `json:"at"`
	// Body is sent as it is, at each attempt.
	Body json.RawMessage `json:"body"`
	// Test means that it is also sent to a paused webhook, and that its end changes
	// nothing.
	Test bool `json:"test,omitempty"`
	// GiveUpAfter is how long attempts are made.
	GiveUpAfter time.Duration `json:"give_up_after"`
}

// WebhookTries says what became of the attempts of a delivery so far. It is the heartbeat
// of SendWebhook, so that the next attempt knows it.
type WebhookTries struct {
	// Made counts the requests that were sent, or failed to be.
	Made int `json:"made"`
	// Status is the HTTP status of the last answer; 0 if there was none, and Error says
	// why.
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
	// At is when the last one ended.
	At time.Time `json:"at,omitzero"`
}

// WebhookReceipt is the result of a delivery.
type WebhookReceipt struct {
	WebhookTries
	// Milliseconds is how long the receiver took to answer the last request.
	Milliseconds int64 `json:"ms"`
}

// The types of the errors of SendWebhook. All but WebhookRefused and WebhookWaiting end
// the delivery.
const (
	// WebhookRefused: the receiver did not answer with 2xx. It is tried again.
	WebhookRefused = "refused"
	// WebhookWaiting: nothing was sent yet, since the webhook has too much underway, or
	// the control documents are not known. It is tried again.
	WebhookWaiting = "waiting"
	// WebhookGone: the receiver answered 410, and the webhook was paused.
	WebhookGone = "gone"
	// WebhookPaused: the webhook is paused.
	WebhookPaused = "paused"
	// WebhookRemoved: there is no such webhook any more.
	WebhookRemoved = "removed"
)

// JudgeWebhookInput is the input of JudgeWebhook, after a delivery that failed from Since
// to the end of its time.
type JudgeWebhookInput struct {
	Tenant  orak.Tenant  `json:"tenant"`
	Webhook string       `json:"webhook"`
	Since   time.Time    `json:"since"`
	Last    WebhookTries `json:"last,omitzero"`
}
