package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"orak/api/resource"
	"orak/client"
	"orak/internal/app"
	"orak/internal/terminal"
)

type webhooksCmd struct {
	Serve      webhooksServeCmd      `cmd:"" default:"withargs" help:"Deliver events to webhooks (orak webhooks alone does that)."`
	Add        webhooksAddCmd        `cmd:"" help:"Add a webhook, and print its secret, once."`
	List       webhooksListCmd       `cmd:"" help:"List the webhooks."`
	Show       webhooksShowCmd       `cmd:"" help:"Print a webhook."`
	Remove     webhooksRemoveCmd     `cmd:"" help:"Remove a webhook."`
	Rotate     webhooksRotateCmd     `cmd:"" help:"Give a webhook another secret, and print that, once."`
	Ping       webhooksPingCmd       `cmd:"" help:"Send a test to a webhook, and print what it answered."`
	Pause      webhooksPauseCmd      `cmd:"" help:"Send nothing to a webhook until it is resumed."`
	Resume     webhooksResumeCmd     `cmd:"" help:"Send to a paused webhook again."`
	Deliveries webhooksDeliveriesCmd `cmd:"" help:"List deliveries, or print one with its attempts."`
	Redeliver  webhooksRedeliverCmd  `cmd:"" help:"Deliver again: one event, or what failed since a time."`
}

type webhooksServeCmd struct{ serve }

// Help implements kong.HelpProvider.
func (webhooksServeCmd) Help() string {
	return `Sends what happens to uploads to the webhooks of their tenants, as Standard Webhooks: signed, and tried again for three days. Only this role sends requests to addresses that tenants choose. Each process both reads the events and delivers; those beyond the number of partitions only deliver.

Examples:

    orak webhooks --config /etc/orak.yaml
    ORAK_WEBHOOKS_KEYS_FILE=/run/secrets/webhooks orak webhooks`
}

// Run delivers until ctx ends.
func (c *webhooksServeCmd) Run(ctx context.Context, con *console) error {
	return c.run(ctx, con, app.Roles{Webhooks: true})
}

type webhooksAddCmd struct {
	remote

	URL         string   `arg:"" name:"url" help:"HTTPS address of the receiver."`
	Events      []string `env:"-" placeholder:"TYPE" help:"Types of events to send, such as orak.upload.completed; '*' for all. Without it: those that end or stop an upload."`
	Description string   `env:"-" help:"For people."`
}

// Help implements kong.HelpProvider.
func (webhooksAddCmd) Help() string {
	return `The secret verifies that requests come from orak, and is not shown again. docs/webhooks.md says how.

Examples:

    orak webhooks add https://app.example.org/hooks/orak
    orak webhooks add https://app.example.org/hooks/orak --events orak.upload.completed --json`
}

// Run adds the webhook.
func (a *webhooksAddCmd) Run(ctx context.Context, con *console) error {
	cl, err := a.open(con)
	if err != nil {
		return err
	}
	req := resource.WebhookRequest{URL: &a.URL}
	if a.Description != "" {
		req.Description = &a.Description
	}
	if len(a.Events) > 0 {
		req.Events = &a.Events
	}
	h, err := cl.AddWebhook(ctx, req)
	if err != nil {
		return err
	}
	return con.webhook(h)
}

type webhooksListCmd struct{ remote }

// Run lists the webhooks.
func (l *webhooksListCmd) Run(ctx context.Context, con *console) error {
	cl, err := l.open(con)
	if err != nil {
		return err
	}
	all, err := cl.Webhooks(ctx)
	if err != nil {
		return err
	}
	if con.JSON {
		return con.Value(resource.Webhooks{Webhooks: all})
	}
	for _, h := range all {
		room := con.Width - terminal.Width(h.ID) - 12
		con.Print("%s  %s  %s", h.ID, terminal.Pad(h.Status, 6), terminal.Fit(terminal.Clean(h.URL), room))
	}
	if len(all) == 0 {
		con.Tell("There are no webhooks. Add one with: %s", l.command("webhooks", "add", "https://…"))
	}
	return nil
}

// oneWebhook names a webhook.
type oneWebhook struct {
	remote

	ID string `arg:"" help:"Id of the webhook."`
}

type webhooksShowCmd struct{ oneWebhook }

// Run prints the webhook.
func (s *webhooksShowCmd) Run(ctx context.Context, con *console) error {
	return s.do(con, func(cl *client.Client) (resource.Webhook, error) { return cl.Webhook(ctx, s.ID) })
}

// do makes one call, and prints the webhook that it returns.
func (o *oneWebhook) do(con *console, call func(*client.Client) (resource.Webhook, error)) error {
	cl, err := o.open(con)
	if err != nil {
		return err
	}
	h, err := call(cl)
	if err != nil {
		return err
	}
	return con.webhook(h)
}

// webhook prints a webhook; the secret is there only after it was made.
func (c *console) webhook(h resource.Webhook) error {
	if c.JSON {
		return c.Value(h)
	}
	state := c.Paint(terminal.Green, h.Status)
	if h.Paused != nil {
		state = c.Paint(terminal.Yellow, h.Status)
	}
	c.Print("%s  %s", c.Paint(terminal.Bold, h.ID), state)
	rows := [][2]string{{"url", h.URL}, {"description", h.Description}, {"events", strings.Join(h.Events, ", ")}}
	if p := h.Paused; p != nil {
		rows = append(rows, [2]string{"paused", p.At.UTC().Format(time.RFC3339) + " by " + p.By}, [2]string{"reason", p.Reason})
	}
	if !h.PreviousUntil.IsZero() {
		rows = append(rows, [2]string{"old secret", "signs as well until " + h.PreviousUntil.UTC().Format(time.RFC3339)})
	}
	rows = append(rows, [2]string{"secret", h.Secret})
	for _, row := range rows {
		if row[1] == "" {
			continue
		}
		for i, line := range terminal.Wrap(terminal.Clean(row[1]), max(c.Width-13, 20)) {
			label := row[0]
			if i > 0 {
				label = ""
			}
			c.Print("%s%s", terminal.Pad(label, 13), line)
		}
	}
	if h.Secret != "" {
		c.Tell("Keep the secret now: it is not shown again.")
	}
	return nil
}

type webhooksRemoveCmd struct{ oneWebhook }

// Run removes the webhook.
func (r *webhooksRemoveCmd) Run(ctx context.Context, con *console) error {
	cl, err := r.open(con)
	if err != nil {
		return err
	}
	if err := cl.RemoveWebhook(ctx, r.ID); err != nil {
		return err
	}
	if con.JSON {
		return con.Value(map[string]string{"removed": r.ID})
	}
	con.Print("%s %s is removed.", con.Paint(terminal.Green, con.Marks.Done), terminal.Clean(r.ID))
	return nil
}

type webhooksRotateCmd struct {
	oneWebhook

	Overlap time.Duration `env:"-" default:"24h" help:"How long the former secret signs as well, up to 168h."`
	Force   bool          `env:"-" help:"End the overlap of an earlier rotation: its former secret signs no more."`
}

// Run rotates the secret.
func (r *webhooksRotateCmd) Run(ctx context.Context, con *console) error {
	return r.do(con, func(cl *client.Client) (resource.Webhook, error) {
		return cl.RotateWebhook(ctx, r.ID, r.Overlap, r.Force)
	})
}

type webhooksPauseCmd struct {
	oneWebhook

	Reason string `env:"-" help:"Why, for people."`
}

// Run pauses the webhook.
func (p *webhooksPauseCmd) Run(ctx context.Context, con *console) error {
	return p.do(con, func(cl *client.Client) (resource.Webhook, error) { return cl.PauseWebhook(ctx, p.ID, p.Reason) })
}

type webhooksResumeCmd struct{ oneWebhook }

// Run resumes the webhook.
func (r *webhooksResumeCmd) Run(ctx context.Context, con *console) error {
	err := r.do(con, func(cl *client.Client) (resource.Webhook, error) { return cl.ResumeWebhook(ctx, r.ID) })
	if err == nil && !con.JSON {
		con.Tell("Send what it missed with: %s", r.command("webhooks", "redeliver", r.ID))
	}
	return err
}

type webhooksPingCmd struct{ oneWebhook }

// pingPatience bounds the wait for the end of a ping, and pingLook is the wait between two
// looks.
const (
	pingPatience = 40 * time.Second
	pingLook     = 200 * time.Millisecond
)

// Run sends a test and waits for its end.
func (p *webhooksPingCmd) Run(ctx context.Context, con *console) error {
	cl, err := p.open(con)
	if err != nil {
		return err
	}
	id, err := cl.PingWebhook(ctx, p.ID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pingPatience)
	defer cancel()
	ticker := time.NewTicker(pingLook)
	defer ticker.Stop()
	for {
		d, err := cl.WebhookDelivery(ctx, p.ID, id)
		// One attempt is what a person waits for; the delivery itself is tried for longer.
		if err == nil && (d.Status != resource.DeliveryPending || d.Attempts != nil && d.Attempts.Made > 0) {
			return con.pinged(d)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return errors.New("the ping was not delivered in time; does a process with the role webhooks run? Look at it with: " +
				p.command("webhooks", "deliveries", p.ID, id))
		}
	}
}

func (c *console) pinged(d resource.WebhookDelivery) error {
	if c.JSON {
		if err := c.Value(d); err != nil {
			return err
		}
	} else {
		c.deliveryDetail(d)
	}
	if d.Status != resource.DeliveryDelivered {
		return errors.New("the webhook did not accept the ping")
	}
	return nil
}

type webhooksDeliveriesCmd struct {
	oneWebhook

	Delivery string        `arg:"" optional:"" help:"Id of one delivery."`
	Status   string        `env:"-" enum:"pending,delivered,failed," default:"" help:"Only those that are pending, delivered or failed."`
	Since    time.Duration `env:"-" placeholder:"AGE" help:"Only those that were started at most so long ago, such as 24h."`
	Limit    int           `env:"-" short:"n" default:"50" help:"Maximum number to list."`
}

// Help implements kong.HelpProvider.
func (webhooksDeliveriesCmd) Help() string {
	return `Deliveries are kept as long as Temporal keeps closed workflows (--temporal-retention).

Examples:

    orak webhooks deliveries whk3f5example0123456789 --status failed --since 24h
    orak webhooks deliveries whk3f5example0123456789 --json | jq -r '.deliveries[].id'

With --json every line is one page.`
}

// Run lists page by page, or prints one.
func (l *webhooksDeliveriesCmd) Run(ctx context.Context, con *console) error {
	if l.Limit < 1 {
		return usageError(fmt.Errorf("--limit %d: want 1 or more", l.Limit))
	}
	cl, err := l.open(con)
	if err != nil {
		return err
	}
	if l.Delivery != "" {
		d, err := cl.WebhookDelivery(ctx, l.ID, l.Delivery)
		if err != nil {
			return err
		}
		if con.JSON {
			return con.Value(d)
		}
		con.deliveryDetail(d)
		return nil
	}
	q := client.DeliveryQuery{Status: l.Status}
	if l.Since > 0 {
		q.From = time.Now().Add(-l.Since)
	}
	listed := 0
	for token := ""; ; {
		q.Page = l.Limit - listed
		page, err := cl.WebhookDeliveries(ctx, l.ID, q, token)
		if err != nil {
			return err
		}
		if con.JSON {
			err = con.Value(page)
		} else {
			for _, d := range page.Deliveries {
				con.Print("%s", con.deliveryLine(d))
			}
		}
		listed += len(page.Deliveries)
		if token = page.Next; err != nil || token == "" || listed >= l.Limit {
			return err
		}
	}
}

func (c *console) deliveryLine(d resource.WebhookDelivery) string {
	return fmt.Sprintf("%s  %s  %s  %s", d.StartedAt.UTC().Format(time.RFC3339), c.deliveryState(d.Status),
		terminal.Pad(terminal.Clean(strings.TrimPrefix(d.Type, "orak.")), 20), terminal.Clean(d.ID))
}

func (c *console) deliveryState(status string) string {
	style := terminal.Yellow
	switch status {
	case resource.DeliveryDelivered:
		style = terminal.Green
	case resource.DeliveryFailed:
		style = terminal.Red
	}
	return c.Paint(style, terminal.Pad(status, 9))
}

func (c *console) deliveryDetail(d resource.WebhookDelivery) {
	c.Print("%s", c.deliveryLine(d))
	a := d.Attempts
	if a == nil {
		return
	}
	last := a.LastError
	if a.LastStatus != 0 {
		last = fmt.Sprintf("answered %d %s", a.LastStatus, http.StatusText(a.LastStatus))
	}
	if last != "" {
		last = ": " + terminal.Clean(last)
	}
	c.Print("%s%s", terminal.Count(a.Made, "attempt"), last)
	if !a.NextAt.IsZero() {
		c.Print("next attempt at %s", a.NextAt.UTC().Format(time.RFC3339))
	}
	if a.Message != "" {
		c.Print("%s", terminal.Clean(a.Message))
	}
}

// deliveries is how many there are, in words.
func deliveries(n int) string {
	if n == 1 {
		return "1 delivery"
	}
	return fmt.Sprintf("%d deliveries", n)
}

type webhooksRedeliverCmd struct {
	oneWebhook

	Delivery  string        `arg:"" optional:"" help:"Id of one delivery."`
	Since     time.Duration `env:"-" default:"72h" help:"Without the id of a delivery: those that were started at most so long ago, up to 2160h."`
	Delivered bool          `env:"-" help:"Also those that were delivered, not only those that failed."`
}

// Help implements kong.HelpProvider.
func (webhooksRedeliverCmd) Help() string {
	return `The receiver gets the same webhook-id as before, so that it can drop what it has.

Examples:

    orak webhooks redeliver whk3f5example0123456789
    orak webhooks redeliver whk3f5example0123456789 --since 24h --delivered`
}

// Run asks for the deliveries, page by page.
func (r *webhooksRedeliverCmd) Run(ctx context.Context, con *console) error {
	cl, err := r.open(con)
	if err != nil {
		return err
	}
	req := resource.RedeliverRequest{Delivery: r.Delivery}
	if r.Delivery == "" {
		// The end is fixed, so that what is started now is not started again.
		req.To = time.Now().UTC()
		req.From, req.Delivered = req.To.Add(-r.Since), r.Delivered
	}
	var sum resource.Redelivered
	for {
		done, err := cl.Redeliver(ctx, r.ID, req)
		sum.Started, sum.Skipped = sum.Started+done.Started, sum.Skipped+done.Skipped
		if err != nil {
			return fmt.Errorf("after %s were started: %w", deliveries(sum.Started), err)
		}
		if req.PageToken = done.Next; done.Next == "" {
			break
		}
	}
	if con.JSON {
		return con.Value(sum)
	}
	con.Print("%s started, %d skipped.", deliveries(sum.Started), sum.Skipped)
	return nil
}
