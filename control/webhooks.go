package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"orak"
	"orak/events"
)

// SchemaWebhook is the schema of a webhook's document.
const SchemaWebhook = "webhook/1"

const prefixWebhook = "webhook/"

// Bounds of a webhook's document: bytes of its URL and of its description, and a number
// of events.
const (
	MaxWebhookURL         = 2048
	MaxWebhookDescription = 200
	maxWebhookEvents      = 30
)

// The types that only webhooks have. They are in no topic.
const (
	// WebhookPing is sent where a person asks for a test.
	WebhookPing events.Type = "orak.webhook.ping"
	// WebhookStopped says that another webhook of the tenant was paused, since it failed.
	WebhookStopped events.Type = "orak.webhook.paused"
)

// WebhookTypes returns the types that a webhook can choose from.
func WebhookTypes() []events.Type { return append(events.LifecycleTypes(), WebhookStopped) }

// webhookID is the form of a webhook's id.
var webhookID = regexp.MustCompile(`^wh[a-z0-9]{10,30}$`)

// ParseWebhookID returns untrusted s, if it has the form of a webhook's id. Such ids are
// safe in workflow ids and visibility queries.
func ParseWebhookID(s string) (string, error) {
	if !webhookID.MatchString(s) {
		return "", errors.New("not a webhook id: want wh and 10 to 30 of a-z and 0-9")
	}
	return s, nil
}

// WebhookSecret says how a signing secret is derived. It does not reveal the secret: that
// follows from the key of this id, which is in the settings of the processes that sign.
type WebhookSecret struct {
	Key string `json:"key"`
	// Salt is random, at least 16 bytes.
	Salt []byte `json:"salt"`
}

func (s WebhookSecret) check() error {
	if s.Key == "" || len(s.Key) > 40 || len(s.Salt) < 16 || len(s.Salt) > 64 {
		return errors.New("secret: want the id of a key, and 16 to 64 bytes of salt")
	}
	return nil
}

// WebhookPause says since when and why nothing is sent to a webhook.
type WebhookPause struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Webhook is the document of a tenant's endpoint.
type Webhook struct {
	Stamp
	// Tenant and ID are in the key of the document.
	Tenant orak.Tenant `json:"-"`
	ID     string      `json:"-"`
	// URL may hold a token of the receiver, and is never logged.
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
	// Events are the types that are sent; none means every type.
	Events    []string  `json:"events,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	// Paused is nil while the webhook is active.
	Paused *WebhookPause `json:"paused,omitempty"`
	Secret WebhookSecret `json:"secret"`
	// Previous signs as well until PreviousUntil, while the secret is rotated.
	Previous      *WebhookSecret `json:"previous,omitempty"`
	PreviousUntil time.Time      `json:"previous_until,omitzero"`
}

// Wants reports whether events of a type are sent to the webhook.
func (h Webhook) Wants(t events.Type) bool {
	return len(h.Events) == 0 || slices.Contains(h.Events, string(t))
}

// Check returns an error that says what is wrong with h, and may be shown to people. It
// does not judge the URL.
func (h Webhook) Check() error {
	if _, err := ParseWebhookID(h.ID); err != nil {
		return err
	}
	if _, err := orak.ParseTenant(string(h.Tenant)); err != nil {
		return fmt.Errorf("tenant: %w", err)
	}
	if h.URL == "" || len(h.URL) > MaxWebhookURL {
		return fmt.Errorf("url: want 1 to %d bytes", MaxWebhookURL)
	}
	if len(h.Description) > MaxWebhookDescription {
		return fmt.Errorf("description: want at most %d bytes", MaxWebhookDescription)
	}
	if len(h.Events) > maxWebhookEvents {
		return fmt.Errorf("events: want at most %d", maxWebhookEvents)
	}
	if h.CreatedAt.IsZero() {
		return errors.New("created_at: missing")
	}
	if h.Previous != nil {
		if err := h.Previous.check(); err != nil {
			return fmt.Errorf("previous: %w", err)
		}
	}
	return h.Secret.check()
}

// key is that of the document.
func (h Webhook) key() string { return webhookKey(h.Tenant, h.ID) }

func webhookKey(t orak.Tenant, id string) string { return prefixWebhook + string(t) + "/" + id }

// webhookOf reads the document of the webhook that name, TENANT/ID, stands for.
func webhookOf(name string, value []byte) (*Webhook, error) {
	t, id, _ := strings.Cut(name, "/")
	h := Webhook{Tenant: orak.Tenant(t), ID: id}
	if err := json.Unmarshal(value, &h); err != nil {
		return nil, err
	}
	if h.Schema != SchemaWebhook {
		return nil, fmt.Errorf("schema: want %s", SchemaWebhook)
	}
	if err := h.Check(); err != nil {
		return nil, err
	}
	return &h, nil
}

// Webhook returns a tenant's webhook as it is in effect; ok is false if there is none, or
// it was removed.
func (v *View) Webhook(t orak.Tenant, id string) (h Webhook, ok bool) {
	e := v.current().byKey[webhookKey(t, id)]
	if e.Value == nil || e.webhook == nil {
		return Webhook{}, false
	}
	return *e.webhook, true
}

// Webhooks returns the webhooks of a tenant, or of EveryTenant, the oldest first.
func (v *View) Webhooks(t orak.Tenant) []Webhook {
	var all []Webhook
	prefix := prefixWebhook + string(t) + "/"
	if t == EveryTenant {
		prefix = prefixWebhook
	}
	for key, e := range v.current().byKey {
		if e.Value != nil && e.webhook != nil && strings.HasPrefix(key, prefix) {
			all = append(all, *e.webhook)
		}
	}
	slices.SortFunc(all, func(a, b Webhook) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// PutWebhook writes a webhook and returns it once the Writer's View has it in effect.
// h.Version is that of the document that it replaces, 0 for a new one; h.By is who changes
// it. Errors are those of Apply.
func (w *Writer) PutWebhook(ctx context.Context, h Webhook) (Webhook, error) {
	if err := h.Check(); err != nil {
		return Webhook{}, err
	}
	stamp, err := w.write(ctx, h.key(), h.Version, func(_ entry, s Stamp) ([]byte, error) {
		h.Stamp = s
		h.Schema = SchemaWebhook
		return json.Marshal(h)
	}, h.act)
	h.Stamp = stamp
	h.Schema = SchemaWebhook
	return h, err
}

// RemoveWebhook removes h, which must be at its Version, and returns once the Writer's
// View has no such webhook. Errors are those of Apply.
func (w *Writer) RemoveWebhook(ctx context.Context, h Webhook, by string) error {
	_, err := w.write(ctx, h.key(), h.Version, func(entry, Stamp) ([]byte, error) { return nil, nil }, func(entry) events.Act {
		return events.Act{Act: ActRemoveWebhook, By: by, Tenant: h.Tenant, Subject: h.ID, Detail: h.Description}
	})
	return err
}

// act returns what is recorded of h replacing the webhook that is there now. Its URL may
// hold a token, and is not recorded.
func (h Webhook) act(now entry) events.Act {
	a := events.Act{Act: ActChangeWebhook, By: h.By, Tenant: h.Tenant, Subject: h.ID, Detail: h.Description}
	before := now.webhook
	switch {
	case now.Value == nil || before == nil:
		a.Act = ActCreateWebhook
	case !bytes.Equal(before.Secret.Salt, h.Secret.Salt):
		a.Act = ActRotateWebhook
	case before.Paused == nil && h.Paused != nil:
		a.Act, a.Detail = ActPauseWebhook, h.Paused.Reason
	case before.Paused != nil && h.Paused == nil:
		a.Act = ActResumeWebhook
	}
	return a
}
