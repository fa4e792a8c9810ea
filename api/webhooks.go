package api

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"orak/api/resource"
	"orak/control"
	"orak/events"
	"orak/internal/standardwebhooks"
)

// webhooks are what the routes of webhooks work with.
type webhooks struct {
	Webhooks
	sending standardwebhooks.Config
	keys    standardwebhooks.Keys
	// giveUpAfter is how long a delivery is tried that is asked for.
	giveUpAfter time.Duration
}

// newWebhooks panics for keys that cannot be read: the settings are validated before.
func newWebhooks(deps Deps) webhooks {
	keys, err := standardwebhooks.ParseKeys(deps.Sending.Keys)
	if err != nil {
		panic(err)
	}
	return webhooks{deps.Webhooks, deps.Sending, keys, deps.GiveUpAfter}
}

// The overlap of two secrets, and the longest that may be asked for.
const (
	defaultOverlap = 24 * time.Hour
	maxOverlap     = 7 * 24 * time.Hour
)

// everyType in a request asks for all types, also for those of later versions.
const everyType = "*"

// defaultTypes are the types that end or stop an upload.
func defaultTypes() []string {
	return []string{
		string(events.Completed), string(events.DeadLettered), string(events.Discarded), string(events.Canceled),
		string(events.Expired), string(events.Erased), string(control.WebhookStopped),
	}
}

// configured returns an error unless webhooks can be kept and signed here.
func (s *Server) configured() error {
	if s.webhooks.Webhooks == nil || !s.webhooks.keys.Usable() {
		return refuse(codeUnavailable, "Webhooks are not configured on this server: an operator has to set webhooks-keys.")
	}
	return nil
}

// webhookOf is the webhook in the path. It is as new as the last change that was made
// before the request, wherever that was.
func (s *Server) webhookOf(c *fiber.Ctx) (control.Webhook, error) {
	t, err := tenantOf(c)
	if err != nil {
		return control.Webhook{}, err
	}
	if err := s.configured(); err != nil {
		return control.Webhook{}, err
	}
	id, err := control.ParseWebhookID(c.Params("id"))
	if err != nil {
		return control.Webhook{}, refuse(codeNotFound, "There is no such webhook.")
	}
	if err := s.webhooks.Sync(c.UserContext()); err != nil {
		return control.Webhook{}, err
	}
	h, ok := s.webhooks.Webhook(t, id)
	if !ok {
		return control.Webhook{}, refuse(codeNotFound, "There is no such webhook.")
	}
	return h, nil
}

func (s *Server) getWebhooks(c *fiber.Ctx) error {
	t, err := tenantOf(c)
	if err != nil {
		return err
	}
	if err := s.configured(); err != nil {
		return err
	}
	if err := s.webhooks.Sync(c.UserContext()); err != nil {
		return err
	}
	answer := resource.Webhooks{Webhooks: []resource.Webhook{}}
	for _, h := range s.webhooks.Webhooks.Webhooks(t) {
		answer.Webhooks = append(answer.Webhooks, webhookResource(h))
	}
	return unstored(c).JSON(answer)
}

func (s *Server) getWebhook(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	return unstored(c).JSON(webhookResource(h))
}

// unstored forbids caches to keep the answer.
func unstored(c *fiber.Ctx) *fiber.Ctx {
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c
}

func webhookResource(h control.Webhook) resource.Webhook {
	r := resource.Webhook{
		ID: h.ID, URL: h.URL, Description: h.Description, Events: h.Events, Status: resource.WebhookActive,
		CreatedAt: h.CreatedAt, CreatedBy: h.CreatedBy, ChangedAt: h.At, ChangedBy: h.By, Version: h.Version,
	}
	if len(r.Events) == 0 {
		r.Events = []string{everyType}
	}
	if h.Previous != nil && time.Now().Before(h.PreviousUntil) {
		r.PreviousUntil = h.PreviousUntil
	}
	if p := h.Paused; p != nil {
		r.Status, r.Paused = resource.WebhookPaused, &resource.WebhookPause{At: p.At, By: p.By, Reason: p.Reason}
	}
	return r
}

// postWebhook creates a webhook. Its answer is the only one with the secret.
func (s *Server) postWebhook(c *fiber.Ctx) error {
	t, err := tenantOf(c)
	if err != nil {
		return err
	}
	if err := s.configured(); err != nil {
		return err
	}
	var req resource.WebhookRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	if req.URL == nil {
		return refuse(codeInvalidRequest, "url is required.")
	}
	by := exchangeOf(c).caller.ID
	h := control.Webhook{Tenant: t, ID: newWebhookID(), Events: defaultTypes(), CreatedAt: time.Now().UTC().Truncate(time.Millisecond), CreatedBy: by}
	if err := s.change(&h, req); err != nil {
		return err
	}
	h.Secret = s.newSecret()
	if err := s.webhooks.Sync(c.UserContext()); err != nil {
		return err
	}
	if n := len(s.webhooks.Webhooks.Webhooks(t)); n >= s.cfg.MaxTenantWebhooks {
		return refuse(codeTooManyWebhooks, fmt.Sprintf("A tenant may have at most %d webhooks. Remove one first.", s.cfg.MaxTenantWebhooks))
	}
	h, err = s.putWebhook(c, h)
	if err != nil {
		return err
	}
	exchangeOf(c).subject = h.ID
	c.Location("/v1/webhooks/" + h.ID)
	return s.answerWithSecret(c, http.StatusCreated, h)
}

func newWebhookID() string { return "wh" + strings.ToLower(rand.Text())[:20] }

// newSecret says how the secret of a webhook is derived from now on.
func (s *Server) newSecret() control.WebhookSecret {
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // never fails
	return control.WebhookSecret{Key: s.webhooks.keys.First(), Salt: salt}
}

func (s *Server) answerWithSecret(c *fiber.Ctx, status int, h control.Webhook) error {
	secret, err := s.webhooks.keys.Secret(h.Secret.Key, h.Secret.Salt, h.ID)
	if err != nil {
		return err
	}
	r := webhookResource(h)
	r.Secret = secret.Reveal()
	return unstored(c).Status(status).JSON(r)
}

// change applies the fields of req that are present.
func (s *Server) change(h *control.Webhook, req resource.WebhookRequest) error {
	if req.URL != nil {
		h.URL = *req.URL
		if len(h.URL) > control.MaxWebhookURL {
			return refuse(codeInvalidURL, fmt.Sprintf("url: want at most %d bytes.", control.MaxWebhookURL))
		}
		if err := s.webhooks.sending.CheckURL(h.URL); err != nil {
			return refuse(codeInvalidURL, err.Error()+".")
		}
	}
	if req.Description != nil {
		h.Description = *req.Description
		if len(h.Description) > control.MaxWebhookDescription || !printable(h.Description) {
			return refuse(codeInvalidRequest, fmt.Sprintf("description: want at most %d bytes of text.", control.MaxWebhookDescription))
		}
	}
	if req.Events == nil {
		return nil
	}
	types, err := typesOf(*req.Events)
	h.Events = types
	return err
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// typesOf returns the types that a request names, each once; none means all.
func typesOf(names []string) ([]string, error) {
	if len(names) == 1 && names[0] == everyType {
		return nil, nil
	}
	var types []string
	for _, name := range names {
		if !slices.Contains(control.WebhookTypes(), events.Type(name)) {
			return nil, refuse(codeInvalidRequest, "events: want some of "+strings.Join(typeNames(), ", ")+`, or only "*".`)
		}
		if !slices.Contains(types, name) {
			types = append(types, name)
		}
	}
	if len(types) == 0 {
		return nil, refuse(codeInvalidRequest, `events: want at least one, or "*".`)
	}
	return types, nil
}

func typeNames() []string {
	var names []string
	for _, t := range control.WebhookTypes() {
		names = append(names, string(t))
	}
	return names
}

// putWebhook writes h, as its caller, and names it for the log.
func (s *Server) putWebhook(c *fiber.Ctx, h control.Webhook) (control.Webhook, error) {
	x := exchangeOf(c)
	h.By, x.subject = x.caller.ID, h.ID
	h, err := s.webhooks.PutWebhook(c.UserContext(), h)
	if err != nil {
		return h, webhookRefusal(err)
	}
	return h, nil
}

// webhookRefusal returns the HTTP form of an error of control.Writer.
func webhookRefusal(err error) error {
	var conflict *control.Conflict
	if errors.As(err, &conflict) {
		return refuse(codeWebhookChanged, "Somebody changed the webhook at the same time. Nothing was done; read it and try again.").because(err)
	}
	return err
}

// patchWebhook changes the fields that the request has.
func (s *Server) patchWebhook(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	var req resource.WebhookRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	if err := s.change(&h, req); err != nil {
		return err
	}
	if h, err = s.putWebhook(c, h); err != nil {
		return err
	}
	return unstored(c).JSON(webhookResource(h))
}

// deleteWebhook removes a webhook. Deliveries to it that are underway end with their next
// attempt.
func (s *Server) deleteWebhook(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	if err := s.webhooks.RemoveWebhook(c.UserContext(), h, exchangeOf(c).caller.ID); err != nil {
		return webhookRefusal(err)
	}
	return c.SendStatus(http.StatusNoContent)
}

// postWebhookRotate gives the webhook another secret. The former one signs as well for a
// time, in which it is not rotated again: a receiver that knows neither would refuse
// everything.
func (s *Server) postWebhookRotate(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	var req resource.RotateRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	overlap := defaultOverlap
	if req.OverlapSeconds != nil {
		if *req.OverlapSeconds < 0 || *req.OverlapSeconds > int64(maxOverlap/time.Second) {
			return refuse(codeInvalidRequest, "overlap_seconds must be 0 to "+strconv.Itoa(int(maxOverlap/time.Second))+".")
		}
		overlap = time.Duration(*req.OverlapSeconds) * time.Second
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	if h.Previous != nil && now.Before(h.PreviousUntil) && !req.Force {
		return refuse(codeWebhookRotating, "The secret before signs until "+h.PreviousUntil.Format(time.RFC3339)+". Wait until then, or send force.")
	}
	former := h.Secret
	h.Previous, h.PreviousUntil = &former, now.Add(overlap)
	if overlap == 0 {
		h.Previous, h.PreviousUntil = nil, time.Time{}
	}
	h.Secret = s.newSecret()
	if h, err = s.putWebhook(c, h); err != nil {
		return err
	}
	return s.answerWithSecret(c, http.StatusOK, h)
}

// postWebhookPause pauses a webhook; one that is paused stays as it is.
func (s *Server) postWebhookPause(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	var req resource.PauseRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	if len(req.Reason) > events.MaxReason || !printable(req.Reason) {
		return refuse(codeInvalidRequest, fmt.Sprintf("reason must have at most %d bytes of text.", events.MaxReason))
	}
	if h.Paused == nil {
		h.Paused = &control.WebhookPause{At: time.Now().UTC().Truncate(time.Millisecond), By: exchangeOf(c).caller.ID, Reason: req.Reason}
		if h, err = s.putWebhook(c, h); err != nil {
			return err
		}
	}
	return unstored(c).JSON(webhookResource(h))
}

// postWebhookResume resumes a webhook. What ended while it was paused is not sent again
// by itself.
func (s *Server) postWebhookResume(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	if h.Paused != nil {
		h.Paused = nil
		if h, err = s.putWebhook(c, h); err != nil {
			return err
		}
	}
	return unstored(c).JSON(webhookResource(h))
}
