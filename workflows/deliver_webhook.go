package workflows

import (
	"errors"
	"regexp"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
)

// TypeDeliverWebhook is the type of the workflow that delivers one event to one webhook.
const TypeDeliverWebhook = "DeliverWebhook"

// QueueWebhooks is the task queue of deliveries. Only the role webhooks serves it, so that
// receivers which are slow take no slots of the processing.
const QueueWebhooks = "orak-webhooks"

// AttrWebhook is the search attribute with the id of the webhook of a delivery.
var AttrWebhook = temporal.NewSearchAttributeKeyKeyword("OrakWebhook")

// MemoDelivery is the memo field with the DeliverySummary of a delivery.
const MemoDelivery = "delivery"

// DeliverySummary is what lists show of a delivery.
type DeliverySummary struct {
	EventID string    `json:"event_id"`
	Type    string    `json:"type"`
	At      time.Time `json:"at"`
	// Again means that a person asked for it, after an earlier delivery had ended.
	Again bool `json:"again,omitempty"`
}

// webhookSend bounds one attempt, with the wait for a place.
const webhookSend = time.Minute

// judgeFor bounds the judgement after a delivery that failed.
const judgeFor = time.Hour

// deliveryID is the form of the id of a delivery: visible in URLs, workflow ids and
// queries as it is.
var deliveryID = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,160}$`)

// DeliveryID returns the id of the delivery of an event. ok is false for an event id that
// has no such form.
func DeliveryID(eventID string) (id string, ok bool) {
	if strings.Contains(eventID, "~") {
		return "", false
	}
	id = strings.ReplaceAll(eventID, "/", "~")
	return id, deliveryID.MatchString(id)
}

// ParseDeliveryID returns the id of the event of untrusted id.
func ParseDeliveryID(id string) (eventID string, ok bool) {
	return strings.ReplaceAll(id, "~", "/"), deliveryID.MatchString(id)
}

// WebhookWorkflowID returns the id of the workflow that delivers an event to a webhook.
func WebhookWorkflowID(webhook, eventID string) string {
	id, _ := DeliveryID(eventID)
	return "webhook-" + webhook + "-" + id
}

// WebhookStartOptions returns the options that start a delivery exactly once. again
// permits another delivery after the end of the earlier one. in.EventID has a DeliveryID.
func WebhookStartOptions(in activities.WebhookDelivery, again bool) client.StartWorkflowOptions {
	reuse := enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	if again {
		reuse = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	}
	return client.StartWorkflowOptions{
		ID:                    WebhookWorkflowID(in.Webhook, in.EventID),
		TaskQueue:             QueueWebhooks,
		WorkflowIDReusePolicy: reuse,
		Priority:              webhookPriority(in.Webhook),
		// Without it, ExecuteWorkflow returns an existing run as if it were new.
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{MemoDelivery: DeliverySummary{in.EventID, in.Type, in.At, again}},
		TypedSearchAttributes: temporal.NewSearchAttributes(
			AttrTenant.ValueSet(string(in.Tenant)), AttrWebhook.ValueSet(in.Webhook)),
		StaticSummary: messages.DeliverySummary(in.Type, in.Webhook),
	}
}

// webhookPriority shares the queue fairly among webhooks, where Temporal's matching has
// fairness enabled.
func webhookPriority(webhook string) temporal.Priority {
	return temporal.Priority{FairnessKey: webhook}
}

// DeliverWebhook delivers one event to one webhook. All attempts are those of one
// activity, so that a delivery has 11 events in its history, however often it is tried; one
// that failed to the end has 17. It fails if the event is not delivered; the type of the
// error says why.
func DeliverWebhook(ctx workflow.Context, in activities.WebhookDelivery) (activities.WebhookReceipt, error) {
	priority := webhookPriority(in.Webhook)
	sending := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              QueueWebhooks,
		Priority:               priority,
		StartToCloseTimeout:    webhookSend,
		ScheduleToCloseTimeout: in.GiveUpAfter,
		// The activity says when it is to be tried again. This is for its worker's death.
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 1.1, MaximumInterval: time.Minute},
	})
	workflow.SetCurrentDetails(ctx, messages.DeliveryDetails(in.Type, in.EventID, in.Webhook, string(in.Tenant), workflow.GetInfo(ctx).WorkflowStartTime.Add(in.GiveUpAfter)))
	var receipt activities.WebhookReceipt
	err := workflow.ExecuteActivity(sending, activities.TypeSendWebhook, in).Get(ctx, &receipt)
	var last *temporal.ApplicationError
	if err == nil || in.Test || !errors.As(err, &last) || last.Type() != activities.WebhookRefused {
		return receipt, err
	}
	judge := activities.JudgeWebhookInput{Tenant: in.Tenant, Webhook: in.Webhook, Since: workflow.GetInfo(ctx).WorkflowStartTime}
	_ = last.Details(&judge.Last) // for people; without it the judgement is the same
	judging := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              QueueWebhooks,
		Priority:               priority,
		StartToCloseTimeout:    webhookSend,
		ScheduleToCloseTimeout: judgeFor,
		Summary:                "is the webhook failing?",
		RetryPolicy:            unlimited(time.Minute),
	})
	if judged := workflow.ExecuteActivity(judging, activities.TypeJudgeWebhook, judge).Get(ctx, nil); judged != nil {
		workflow.GetLogger(ctx).Warn("judging a failing webhook failed", "webhook", in.Webhook, "error", judged)
	}
	return receipt, err
}

// DeliveryQuery is the visibility query for the deliveries to a webhook of a tenant, which
// are valid by ParseTenant and control.ParseWebhookID. Zero times leave an end open.
func DeliveryQuery(t orak.Tenant, webhook string, from, to time.Time) string {
	q := "WorkflowType = '" + TypeDeliverWebhook + "' AND " + AttrTenant.GetName() + " = '" + string(t) + "' AND " + AttrWebhook.GetName() + " = '" + webhook + "'"
	if !from.IsZero() {
		q += " AND StartTime >= '" + from.UTC().Format(time.RFC3339Nano) + "'"
	}
	if !to.IsZero() {
		q += " AND StartTime < '" + to.UTC().Format(time.RFC3339Nano) + "'"
	}
	return q
}
