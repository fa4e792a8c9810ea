package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak/activities"
	"orak/control"
	"orak/internal/standardwebhooks"
	"orak/workflows"
)

// courier has the activities of DeliverWebhook.
type courier struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	metrics *metrics
	keys    standardwebhooks.Keys
	sender  *standardwebhooks.Sender
	places  *places
	now     func() time.Time
}

func newCourier(cfg Config, deps Deps, m *metrics, log *slog.Logger) (*courier, error) {
	keys, err := standardwebhooks.ParseKeys(cfg.Sending.Keys)
	if err != nil {
		return nil, err
	}
	return &courier{
		cfg: cfg, deps: deps, log: log, metrics: m, keys: keys, now: time.Now,
		sender: standardwebhooks.NewSender(cfg.Sending, deps.Resolver), places: newPlaces(cfg, m),
	}, nil
}

// The pollers of the queue. More than the SDK's default of 2 each start more deliveries
// at once; a poller costs a request that waits.
const (
	workflowPollers = 4
	activityPollers = 8
)

// serve begins to serve the queue; stop ends it.
func (c *courier) serve(cl client.Client, cfg Config) (stop func(), err error) {
	w := sdkworker.New(cl, workflows.QueueWebhooks, sdkworker.Options{
		DeploymentOptions:                  c.deps.Version,
		MaxConcurrentActivityExecutionSize: cfg.Slots,
		MaxConcurrentWorkflowTaskPollers:   workflowPollers,
		MaxConcurrentActivityTaskPollers:   activityPollers,
		WorkerStopTimeout:                  cfg.StopTimeout,
		DisableRegistrationAliasing:        true,
	})
	w.RegisterWorkflowWithOptions(workflows.DeliverWebhook, workflow.RegisterOptions{Name: workflows.TypeDeliverWebhook})
	w.RegisterActivityWithOptions(c.Send, activity.RegisterOptions{Name: activities.TypeSendWebhook})
	w.RegisterActivityWithOptions(c.Judge, activity.RegisterOptions{Name: activities.TypeJudgeWebhook})
	if err := w.Start(); err != nil {
		return nil, err
	}
	return func() { w.Stop(); c.sender.Close() }, nil
}

// start starts a delivery; one that exists is no error.
func (c *courier) start(ctx context.Context, in activities.WebhookDelivery, again bool) error {
	options := workflows.WebhookStartOptions(in, again)
	// Temporal gives an eager task to this process whichever version is current.
	options.EnableEagerStart = !c.deps.Version.UseVersioning
	_, err := c.deps.Temporal.ExecuteWorkflow(ctx, options, workflows.TypeDeliverWebhook, in)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &already):
		c.metrics.started.WithLabelValues("known").Inc()
		return nil
	case err != nil:
		return fmt.Errorf("starting a delivery: %w", err)
	}
	c.metrics.started.WithLabelValues("started").Inc()
	return nil
}

// documentsWait is the wait where the control documents cannot be read.
const documentsWait = 10 * time.Second

// Send makes one attempt of a delivery.
func (c *courier) Send(ctx context.Context, in activities.WebhookDelivery) (activities.WebhookReceipt, error) {
	h, err := c.find(ctx, in)
	if err != nil {
		return activities.WebhookReceipt{}, err
	}
	secrets, err := c.secrets(h)
	if err != nil {
		c.log.ErrorContext(ctx, "webhook cannot be signed", "webhook", h.ID, "tenant", h.Tenant, "error", err)
		return activities.WebhookReceipt{}, c.waiting(documentsWait, "The webhook cannot be signed: "+err.Error()+".")
	}
	wait, ok := c.places.enter(in.Tenant, in.Webhook, c.now())
	if !ok {
		return activities.WebhookReceipt{}, c.waiting(wait, "Other deliveries to the webhook are underway.")
	}
	var tries activities.WebhookTries
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &tries) // without them it counts from 0
	}
	c.metrics.underway.Inc()
	began := c.now()
	answer, err := c.sender.Send(ctx, standardwebhooks.Request{URL: h.URL, ID: in.EventID, Body: in.Body, Secrets: secrets})
	took := c.now().Sub(began)
	c.metrics.underway.Dec()
	delivered := err == nil && answer.Status/100 == 2
	c.places.leave(in.Tenant, in.Webhook, took, answer.RetryAfter, !delivered, c.now())
	if ctx.Err() != nil { // the worker stops, and no attempt was made to its end
		return activities.WebhookReceipt{}, ctx.Err()
	}
	c.metrics.attempt.Observe(took.Seconds())
	c.metrics.attempts.WithLabelValues(result(answer, err)).Inc()
	tries.Made++
	tries.At, tries.Status, tries.Error = c.now().UTC(), answer.Status, ""
	if err != nil {
		tries.Error = err.Error()
	}
	if delivered {
		c.metrics.ended.WithLabelValues("delivered").Inc()
		return activities.WebhookReceipt{WebhookTries: tries, Milliseconds: took.Milliseconds()}, nil
	}
	return activities.WebhookReceipt{}, c.failed(ctx, in, h, answer, tries)
}

// result is the label of an attempt.
func result(a standardwebhooks.Answer, err error) string {
	switch {
	case errors.Is(err, standardwebhooks.ErrForbidden):
		return "forbidden"
	case errors.Is(err, standardwebhooks.ErrTimeout):
		return "timeout"
	case err != nil:
		return "connection"
	case a.Status/100 == 2:
		return "delivered"
	default:
		return fmt.Sprintf("%dxx", a.Status/100)
	}
}

// find returns the webhook, unless nothing is to be sent to it now.
func (c *courier) find(ctx context.Context, in activities.WebhookDelivery) (control.Webhook, error) {
	h, ok := c.deps.Documents.Webhook(in.Tenant, in.Webhook)
	switch {
	case !ok:
		if err := c.deps.Documents.Sync(ctx); err != nil {
			return h, c.waiting(documentsWait, "The control documents cannot be read.")
		}
		if h, ok = c.deps.Documents.Webhook(in.Tenant, in.Webhook); !ok {
			return h, c.end(activities.WebhookRemoved, "The webhook was removed.", activities.WebhookTries{})
		}
	case h.Paused != nil && !in.Test:
		// It may have been resumed by a process that is ahead of this one.
		if err := c.deps.Documents.Sync(ctx); err != nil {
			return h, c.waiting(documentsWait, "The control documents cannot be read.")
		}
		if h, _ = c.deps.Documents.Webhook(in.Tenant, in.Webhook); h.Paused != nil {
			return h, c.end(activities.WebhookPaused, "The webhook is paused: "+h.Paused.Reason, activities.WebhookTries{})
		}
	}
	return h, nil
}

// secrets returns those that sign now: the current one, and the one before while it is
// rotated.
func (c *courier) secrets(h control.Webhook) ([]standardwebhooks.Secret, error) {
	current, err := c.keys.Secret(h.Secret.Key, h.Secret.Salt, h.ID)
	if err != nil {
		return nil, err
	}
	all := []standardwebhooks.Secret{current}
	if h.Previous != nil && c.now().Before(h.PreviousUntil) {
		previous, err := c.keys.Secret(h.Previous.Key, h.Previous.Salt, h.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, previous)
	}
	return all, nil
}

// waiting is the error of an attempt that sent nothing.
func (c *courier) waiting(wait time.Duration, message string) error {
	c.metrics.attempts.WithLabelValues("waiting").Inc()
	return temporal.NewApplicationErrorWithOptions(message, activities.WebhookWaiting, temporal.ApplicationErrorOptions{
		NextRetryDelay: wait, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

// end is the error that ends a delivery.
func (c *courier) end(kind, message string, tries activities.WebhookTries) error {
	c.metrics.ended.WithLabelValues(kind).Inc()
	return temporal.NewApplicationErrorWithOptions(message, kind, temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{tries}, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

// goneStatus is with what a receiver says that it wants no more requests.
const goneStatus = 410

// failed returns the error of an attempt whose request was not answered with 2xx.
func (c *courier) failed(ctx context.Context, in activities.WebhookDelivery, h control.Webhook, a standardwebhooks.Answer, tries activities.WebhookTries) error {
	if a.Status == goneStatus && !in.Test {
		if err := c.pause(ctx, h, pauseGone, "The receiver answered 410 Gone."); err != nil {
			c.log.WarnContext(ctx, "pausing a webhook failed; the delivery is tried again", "webhook", h.ID, "tenant", h.Tenant, "error", err)
		} else {
			return c.end(activities.WebhookGone, "The receiver answered 410 Gone; the webhook was paused.", tries)
		}
	}
	activity.RecordHeartbeat(ctx, tries)
	message := tries.Error
	if message == "" {
		message = fmt.Sprintf("the receiver answered %d", tries.Status)
	}
	return temporal.NewApplicationErrorWithOptions(message, activities.WebhookRefused, temporal.ApplicationErrorOptions{
		NextRetryDelay: c.retryDelay(tries.Made, a.RetryAfter), Details: []any{tries}, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

const (
	// retryFactor is by how much each wait is longer than the one before.
	retryFactor = 4
	// maxRetryAfter bounds what receivers may ask for.
	maxRetryAfter = 24 * time.Hour
)

// retryDelay returns the wait after the attempt number made, from 1.
func (c *courier) retryDelay(made int, asked time.Duration) time.Duration {
	wait := c.cfg.RetryFirst
	for range made - 1 {
		if wait *= retryFactor; wait >= c.cfg.RetryMax {
			wait = c.cfg.RetryMax
			break
		}
	}
	return jittered(max(wait, min(asked, maxRetryAfter)))
}
