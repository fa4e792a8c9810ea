package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak/activities"
	"orak/api/resource"
	"orak/control"
	"orak/internal/standardwebhooks"
	"orak/workflows"
)

// pingFor is how long the delivery of a test is tried.
const pingFor = 30 * time.Second

// postWebhookPing starts the delivery of a test, also to a paused webhook.
func (s *Server) postWebhookPing(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	at := time.Now().UTC()
	body, err := json.Marshal(standardwebhooks.Payload{
		Type: string(control.WebhookPing), Timestamp: at, Data: map[string]string{"webhook_id": h.ID},
	})
	if err != nil {
		return fmt.Errorf("encoding a ping: %w", err)
	}
	in := activities.WebhookDelivery{
		Tenant: h.Tenant, Webhook: h.ID, EventID: "ping/" + uuid.NewString(), Type: string(control.WebhookPing), At: at,
		Body: body, Test: true, GiveUpAfter: pingFor,
	}
	if err := s.record(c, actPing, h.Tenant, h.ID, ""); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.UpdateTimeout)
	defer cancel()
	if _, err := s.deliver(ctx, in, false); err != nil {
		return err
	}
	id, _ := workflows.DeliveryID(in.EventID)
	return unstored(c).Status(http.StatusAccepted).JSON(resource.PingedWebhook{Delivery: id})
}

// deliver starts a delivery; started is false if one of the event is underway.
func (s *Server) deliver(ctx context.Context, in activities.WebhookDelivery, again bool) (started bool, err error) {
	_, err = s.workflows.ExecuteWorkflow(ctx, workflows.WebhookStartOptions(in, again), workflows.TypeDeliverWebhook, in)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &already):
		return false, nil
	case err != nil:
		return false, refuse(codeUnavailable, "The delivery cannot be started at the moment.").because(fmt.Errorf("starting a delivery: %w", err))
	}
	return true, nil
}

// deliveryStatuses are the conditions of visibility for the values of the query
// parameter status.
var deliveryStatuses = map[string]string{
	"":                         "",
	resource.DeliveryPending:   " AND ExecutionStatus = 'Running'",
	resource.DeliveryDelivered: " AND ExecutionStatus = 'Completed'",
	resource.DeliveryFailed:    failedDeliveries,
}

const failedDeliveries = " AND ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated', 'Canceled')"

// getWebhookDeliveries lists the deliveries to a webhook, the latest first. The list comes
// from Temporal's visibility, which lags slightly and keeps them for the retention of the
// namespace.
func (s *Server) getWebhookDeliveries(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	status, known := deliveryStatuses[c.Query("status")]
	if !known {
		return refuse(codeInvalidRequest, "status must be pending, delivered or failed.")
	}
	from, err := timeQuery(c, "from")
	if err != nil {
		return err
	}
	to, err := timeQuery(c, "to")
	if err != nil {
		return err
	}
	size, token, err := pageOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.StatusTimeout)
	defer cancel()
	resp, err := s.workflows.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: int32(size), NextPageToken: token, Query: workflows.DeliveryQuery(h.Tenant, h.ID, from, to) + status,
	})
	if err != nil {
		return refuse(codeUnavailable, "The deliveries cannot be listed at the moment.").because(fmt.Errorf("listing workflows: %w", err))
	}
	page := resource.WebhookDeliveryPage{Deliveries: []resource.WebhookDelivery{}, Next: encodePage(resp.GetNextPageToken())}
	for _, info := range resp.GetExecutions() {
		page.Deliveries = append(page.Deliveries, s.delivery(info))
	}
	return unstored(c).JSON(page)
}

// timeQuery reads a time from the query; zero if it is absent.
func timeQuery(c *fiber.Ctx, name string) (time.Time, error) {
	given := c.Query(name)
	if given == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, given)
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}, refuse(codeInvalidRequest, name+" must be a time such as 2026-11-29T12:00:00Z.")
	}
	return at, nil
}

// delivery makes a delivery of a listed or described workflow.
func (s *Server) delivery(info *workflowpb.WorkflowExecutionInfo) resource.WebhookDelivery {
	d := resource.WebhookDelivery{Status: deliveryStatus(info.GetStatus()), StartedAt: info.GetStartTime().AsTime()}
	if info.GetCloseTime() != nil {
		d.EndedAt = info.GetCloseTime().AsTime()
	}
	if summary, ok := s.payloads.Delivery(info); ok {
		d.EventID, d.Type, d.At, d.Again = summary.EventID, summary.Type, summary.At, summary.Again
		d.ID, _ = workflows.DeliveryID(summary.EventID)
	}
	return d
}

func deliveryStatus(s enumspb.WorkflowExecutionStatus) string {
	switch s {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return resource.DeliveryPending
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return resource.DeliveryDelivered
	default:
		return resource.DeliveryFailed
	}
}

// getWebhookDelivery answers with the last delivery of an event, and with its attempts.
func (s *Server) getWebhookDelivery(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), s.cfg.StatusTimeout)
	defer cancel()
	resp, err := s.describeDelivery(ctx, h, c.Params("delivery"))
	if err != nil {
		return err
	}
	d := s.delivery(resp.GetWorkflowExecutionInfo())
	if d.Status == resource.DeliveryPending {
		d.Attempts = s.pendingAttempts(resp)
	} else if d.Attempts, err = s.endedAttempts(ctx, resp.GetWorkflowExecutionInfo().GetExecution()); err != nil {
		return err
	}
	return unstored(c).JSON(d)
}

// describeDelivery describes the last delivery of an event to h.
func (s *Server) describeDelivery(ctx context.Context, h control.Webhook, id string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	eventID, ok := workflows.ParseDeliveryID(id)
	if !ok {
		return nil, refuse(codeNotFound, "There is no such delivery.")
	}
	resp, err := s.workflows.DescribeWorkflowExecution(ctx, workflows.WebhookWorkflowID(h.ID, eventID), "")
	var missing *serviceerror.NotFound
	switch {
	case errors.As(err, &missing):
		return nil, refuse(codeNotFound, "There is no such delivery.")
	case err != nil:
		return nil, refuse(codeUnavailable, "The delivery cannot be read at the moment.").because(fmt.Errorf("describing a delivery: %w", err))
	case workflows.TenantOf(resp.GetWorkflowExecutionInfo()) != h.Tenant:
		return nil, refuse(codeNotFound, "There is no such delivery.")
	}
	return resp, nil
}

func attempts(t activities.WebhookTries) *resource.WebhookAttempts {
	return &resource.WebhookAttempts{Made: t.Made, LastStatus: t.Status, LastError: t.Error, LastAt: t.At}
}

// pendingAttempts reads the heartbeat of the attempts before, and when the next is due.
func (s *Server) pendingAttempts(resp *workflowservice.DescribeWorkflowExecutionResponse) *resource.WebhookAttempts {
	var tries activities.WebhookTries
	if len(resp.GetPendingActivities()) == 0 {
		return attempts(tries)
	}
	pending := resp.GetPendingActivities()[0]
	if details := pending.GetHeartbeatDetails(); details != nil {
		_ = s.payloads.Decode(details, &tries) // without it, the number of attempts is unknown
	}
	a := attempts(tries)
	if at := pending.GetScheduledTime(); at != nil && pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED {
		a.NextAt = at.AsTime()
	}
	a.Message = pending.GetLastFailure().GetMessage()
	return a
}

// endedAttempts reads how a delivery ended from the last event of its history.
func (s *Server) endedAttempts(ctx context.Context, run *commonpb.WorkflowExecution) (*resource.WebhookAttempts, error) {
	last, err := s.closing(ctx, run)
	if err != nil {
		return nil, refuse(codeUnavailable, "The delivery cannot be read at the moment.").because(err)
	}
	var receipt activities.WebhookReceipt
	if done := last.GetWorkflowExecutionCompletedEventAttributes(); done != nil {
		_ = s.payloads.Decode(done.GetResult(), &receipt) // without it, the attempts are unknown
		return attempts(receipt.WebhookTries), nil
	}
	f := last.GetWorkflowExecutionFailedEventAttributes().GetFailure()
	for f.GetCause() != nil && f.GetApplicationFailureInfo() == nil {
		f = f.GetCause()
	}
	info := f.GetApplicationFailureInfo()
	if details := info.GetDetails(); details != nil {
		_ = s.payloads.Decode(details, &receipt.WebhookTries)
	}
	a := attempts(receipt.WebhookTries)
	a.Ended, a.Message = info.GetType(), f.GetMessage()
	return a, nil
}

func (s *Server) closing(ctx context.Context, run *commonpb.WorkflowExecution) (*historypb.HistoryEvent, error) {
	events := s.workflows.GetWorkflowHistory(ctx, run.GetWorkflowId(), run.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT)
	if !events.HasNext() {
		return nil, errors.New("reading a delivery: it has no last event")
	}
	return events.Next()
}

// The bounds of one request to deliver again: deliveries that are looked at, and of those
// at the same time.
const (
	maxRedelivered   = 200
	redeliverAtOnce  = 8
	maxRedeliverSpan = 90 * 24 * time.Hour
)

// postWebhookRedeliver delivers again what was delivered before, or failed: one event, or
// a page of a time range. Receivers get the same webhook-id.
func (s *Server) postWebhookRedeliver(c *fiber.Ctx) error {
	h, err := s.webhookOf(c)
	if err != nil {
		return err
	}
	var req resource.RedeliverRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	if h.Paused != nil {
		return refuse(codeWebhookPaused, "The webhook is paused. Resume it first.")
	}
	if req.Delivery != "" && (!req.From.IsZero() || !req.To.IsZero() || req.PageToken != "") {
		return refuse(codeInvalidRequest, "Send either delivery or a time range.")
	}
	ctx := c.UserContext()
	var done resource.Redelivered
	if err := s.record(c, actRedeliver, h.Tenant, h.ID, redelivered(req)); err != nil {
		return err
	}
	if req.Delivery != "" {
		done, err = s.redeliverOne(ctx, h, req.Delivery)
	} else {
		done, err = s.redeliverRange(ctx, h, req)
	}
	if err != nil {
		return err
	}
	x := exchangeOf(c)
	x.log.InfoContext(ctx, "deliveries were asked for again", "webhook", h.ID, "tenant", h.Tenant, "by", x.caller.ID, "started", done.Started, "skipped", done.Skipped)
	return unstored(c).Status(http.StatusAccepted).JSON(done)
}

// redelivered says which deliveries are asked for again, for the record.
func redelivered(req resource.RedeliverRequest) string {
	if req.Delivery != "" {
		return req.Delivery
	}
	to := "now"
	if !req.To.IsZero() {
		to = req.To.UTC().Format(time.RFC3339)
	}
	return req.From.UTC().Format(time.RFC3339) + " to " + to
}

func (s *Server) redeliverOne(ctx context.Context, h control.Webhook, id string) (resource.Redelivered, error) {
	resp, err := s.describeDelivery(ctx, h, id)
	if err != nil {
		return resource.Redelivered{}, err
	}
	info := resp.GetWorkflowExecutionInfo()
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return resource.Redelivered{Skipped: 1}, nil
	}
	return s.redeliverAll(ctx, []*workflowpb.WorkflowExecutionInfo{info})
}

func (s *Server) redeliverRange(ctx context.Context, h control.Webhook, req resource.RedeliverRequest) (resource.Redelivered, error) {
	var none resource.Redelivered
	if req.From.IsZero() {
		return none, refuse(codeInvalidRequest, "Send delivery, or from and optionally to.")
	}
	if req.To.IsZero() {
		req.To = time.Now()
	}
	if !req.To.After(req.From) || req.To.Sub(req.From) > maxRedeliverSpan {
		return none, refuse(codeInvalidRequest, "to must be after from, by 90 days at most.")
	}
	var token []byte
	if req.PageToken != "" {
		var err error
		if token, err = decodePage(req.PageToken); err != nil {
			return none, refuse(codeInvalidRequest, "page_token must be that of an earlier answer.").because(err)
		}
	}
	ended := failedDeliveries
	if req.Delivered {
		ended = " AND ExecutionStatus != 'Running'"
	}
	resp, err := s.workflows.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: maxRedelivered, NextPageToken: token, Query: workflows.DeliveryQuery(h.Tenant, h.ID, req.From, req.To) + ended,
	})
	if err != nil {
		return none, refuse(codeUnavailable, "The deliveries cannot be listed at the moment.").because(fmt.Errorf("listing workflows: %w", err))
	}
	done, err := s.redeliverAll(ctx, resp.GetExecutions())
	done.Next = encodePage(resp.GetNextPageToken())
	return done, err
}

// redeliverAll starts ended deliveries again. After an error some may be started; the
// request can be repeated: those are pending then, or a receiver gets them twice.
func (s *Server) redeliverAll(ctx context.Context, ended []*workflowpb.WorkflowExecutionInfo) (resource.Redelivered, error) {
	var (
		done  resource.Redelivered
		first error
		mu    sync.Mutex
		tasks sync.WaitGroup
	)
	places := make(chan struct{}, redeliverAtOnce)
	for _, info := range ended {
		places <- struct{}{}
		tasks.Go(func() {
			defer func() { <-places }()
			started, err := s.redeliver(ctx, info.GetExecution())
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil && first == nil:
				first = err
			case started:
				done.Started++
			case err == nil:
				done.Skipped++
			}
		})
	}
	tasks.Wait()
	return done, first
}

// redeliver starts a delivery with the input of an ended one, unless that is not the last
// one of its event.
func (s *Server) redeliver(ctx context.Context, run *commonpb.WorkflowExecution) (started bool, err error) {
	last, err := s.workflows.DescribeWorkflowExecution(ctx, run.GetWorkflowId(), "")
	if err != nil {
		return false, refuse(codeUnavailable, "A delivery cannot be read at the moment.").because(fmt.Errorf("describing a delivery: %w", err))
	}
	if last.GetWorkflowExecutionInfo().GetExecution().GetRunId() != run.GetRunId() {
		return false, nil
	}
	events := s.workflows.GetWorkflowHistory(ctx, run.GetWorkflowId(), run.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	if !events.HasNext() {
		return false, refuse(codeUnavailable, "A delivery cannot be read at the moment.")
	}
	begin, err := events.Next()
	var in activities.WebhookDelivery
	if err == nil {
		err = s.payloads.Decode(begin.GetWorkflowExecutionStartedEventAttributes().GetInput(), &in)
	}
	if err != nil {
		return false, refuse(codeUnavailable, "A delivery cannot be read at the moment.").because(fmt.Errorf("reading the input of a delivery: %w", err))
	}
	if in.Test {
		return false, nil
	}
	in.GiveUpAfter = s.webhooks.giveUpAfter
	return s.deliver(ctx, in, true)
}
