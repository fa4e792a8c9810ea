package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/activities"
	"orak/api/resource"
	"orak/control"
	"orak/events"
	"orak/internal/standardwebhooks"
	"orak/workflows"
)

// StoppedData is the data of control.WebhookStopped.
type StoppedData struct {
	WebhookID string `json:"webhook_id"`
	Reason    string `json:"reason"`
}

// clockSkew is how much earlier than its webhook an event may seem to be.
const clockSkew = time.Minute

// event is what a record of orak.lifecycle says.
type event struct {
	events.Event
	events.Lifecycle
	at time.Time
}

// readEvent reads a record. Its error is that of events.FromRecord, or says what is
// malformed.
func readEvent(r *kgo.Record) (event, error) {
	e, err := events.FromRecord(r)
	if err != nil {
		return event{}, err
	}
	l, err := e.Lifecycle()
	if err != nil {
		return event{}, err
	}
	if _, ok := workflows.DeliveryID(e.ID); !ok {
		return event{}, &orak.Fault{Class: orak.ClassInput, Message: "The event cannot be read: its id has characters that no webhook-id may have, or is too long."}
	}
	at := e.Time
	if at.IsZero() {
		at = r.Timestamp
	}
	return event{e, l, at.UTC()}, nil
}

// concerns reports whether e is sent to h.
func (e event) concerns(h control.Webhook, written time.Time) bool {
	return h.Wants(e.Type) && !written.Before(h.CreatedAt.Add(-clockSkew))
}

// delivery returns the delivery of e to h.
func (e event) delivery(h control.Webhook, body json.RawMessage, giveUpAfter time.Duration) activities.WebhookDelivery {
	return activities.WebhookDelivery{
		Tenant: h.Tenant, Webhook: h.ID, EventID: e.ID, Type: string(e.Type), At: e.at, Body: body, GiveUpAfter: giveUpAfter,
	}
}

// body returns what is sent, to every webhook alike.
func (e event) body(publicURL string) (json.RawMessage, error) {
	u := e.Upload
	self := strings.TrimRight(publicURL, "/") + "/v1/uploads/" + string(u.ID)
	data := resource.WebhookEventData{
		UploadID: u.ID, Tenant: u.Tenant, Status: e.Status, Cycle: e.Cycle, Owner: u.Owner, Metadata: u.Metadata,
		Links: resource.WebhookEventLinks{Upload: self},
	}
	if e.Failure != nil {
		data.Stage, data.Class = e.Failure.Stage, e.Failure.Class
	}
	if e.Type == events.Completed {
		data.Links.Analysis = self + "/analysis"
	}
	text, err := json.Marshal(standardwebhooks.Payload{Type: string(e.Type), Timestamp: e.at, Data: data})
	if err != nil {
		return nil, fmt.Errorf("encoding a webhook's body: %w", err)
	}
	return text, nil
}
