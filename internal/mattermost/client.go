package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"orak"
)

// Config says where messages go.
type Config struct {
	WebhookURL string            `name:"webhook-url" help:"Incoming webhook, in Mattermost's or Slack's format, to which alerts are posted: the alert webhook. Empty: alerts go only to the log, at level error." default:"" secret:""`
	Webhooks   map[string]string `name:"webhooks" help:"Further incoming webhooks, by name, as NAME=URL, separated by semicolons. The live setting alert-routes names the one to which the alerts of a failure class go." secret:""`
	Timeout    time.Duration     `help:"How long one attempt to post may take." default:"10s"`
}

// Validate returns an error for the first setting that cannot work. It never
// shows the URL.
func (c Config) Validate() error {
	if c.Timeout <= 0 {
		return fmt.Errorf("timeout %v: want more than 0", c.Timeout)
	}
	if c.WebhookURL != "" && !isAddress(c.WebhookURL) {
		return errors.New("webhook-url: want an http or https address (the value is secret and not shown)")
	}
	for name, address := range c.Webhooks {
		if !isAddress(address) {
			return fmt.Errorf("webhooks: %q: want an http or https address (the value is secret and not shown)", name)
		}
	}
	return nil
}

func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// Client posts to the alert webhook. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
	log  *slog.Logger
}

// New makes a Client. It sends nothing.
func New(cfg Config, log *slog.Logger) *Client {
	return &Client{cfg: cfg, log: log, http: &http.Client{
		Timeout: cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// Route returns a Client that posts to the webhook of that name. "" is the alert webhook,
// and so is, with a warning in the log, a name that is not configured: an alert is never
// lost for a route.
func (c *Client) Route(ctx context.Context, name string) *Client {
	if name == "" {
		return c
	}
	address, ok := c.cfg.Webhooks[name]
	if !ok {
		c.log.WarnContext(ctx, "alert route is not configured; using the alert webhook", "route", name)
		return c
	}
	routed := *c
	routed.cfg.WebhookURL = address
	return &routed
}

// maxAnswer bounds what is read of an answer's body, in bytes. It is read so
// that the connection can be reused.
const maxAnswer = 64 << 10

// Post posts one Markdown message. It returns nil once the alert webhook has
// accepted it, or where none is configured. Its errors are *orak.Fault:
// ClassOverload with RetryAfter for 429 and 503, ClassDependency where the
// alert webhook cannot be reached or fails, ClassInternal where it refuses.
func (c *Client) Post(ctx context.Context, markdown string) error {
	if c.cfg.WebhookURL == "" {
		c.log.ErrorContext(ctx, "alert not posted: no alert webhook is configured", "alert", markdown)
		return nil
	}
	body, err := json.Marshal(map[string]string{"text": markdown})
	if err != nil {
		return fault(orak.ClassInternal, fmt.Errorf("encoding message: %w", err))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return fault(orak.ClassInternal, errors.New("making request: the URL of the alert webhook is malformed"))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fault(orak.ClassDependency, fmt.Errorf("calling alert webhook: %w", scrub(err)))
	}
	defer resp.Body.Close()
	// Read only to reuse the connection: the body does not matter.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	return judge(resp, time.Now())
}

// judge classifies the status of an answer; nil for a success.
func judge(resp *http.Response, now time.Time) error {
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		f := fault(orak.ClassOverload, fmt.Errorf("calling alert webhook: status %d", code))
		f.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), now)
		return f
	case code >= 500 || code == http.StatusRequestTimeout:
		return fault(orak.ClassDependency, fmt.Errorf("calling alert webhook: status %d", code))
	default:
		return fault(orak.ClassInternal, fmt.Errorf("calling alert webhook: refused with status %d; check that it still exists", code))
	}
}

// retryAfter reads both forms of the header; 0 where it has neither.
func retryAfter(h string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(h); err == nil && s > 0 {
		return time.Duration(min(s, 24*3600)) * time.Second
	}
	if t, err := http.ParseTime(h); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}

// scrub removes the URL from an error of net/http.
func scrub(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func fault(c orak.Class, err error) *orak.Fault {
	return &orak.Fault{Class: c, Dependency: orak.DependencyAlertWebhook, Message: "The alert could not be posted.", Err: err}
}
