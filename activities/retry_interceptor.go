package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"orak"
)

// maxResult bounds the result of a stage, in bytes of JSON: references and
// summaries, never curves.
const maxResult = 64 << 10

// errStopping is the cause with which the context of a stage is canceled when
// its worker has drained for long enough.
var errStopping = errors.New("the worker is stopping")

// RetryInterceptor is a worker interceptor that applies the Budget to the stages:
// it charges attempts, classifies failures and decides whether the server retries.
type RetryInterceptor struct {
	interceptor.WorkerInterceptorBase
	budget  Budget
	drain   time.Duration
	log     *slog.Logger
	metrics *budgetMetrics
	earlier endedAttempts
}

var _ interceptor.WorkerInterceptor = (*RetryInterceptor)(nil)

// NewRetryInterceptor makes a RetryInterceptor. drain is how long a stage may
// continue when its worker stops; after that it is interrupted and returned to the
// server, and the attempt is not counted.
func NewRetryInterceptor(b Budget, drain time.Duration, log *slog.Logger, reg prometheus.Registerer) *RetryInterceptor {
	return &RetryInterceptor{budget: b, drain: drain, log: log, metrics: newBudgetMetrics(reg)}
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (k *RetryInterceptor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &inbound{retries: k}
	in.Next = next
	return in
}

type inbound struct {
	interceptor.ActivityInboundInterceptorBase
	retries *RetryInterceptor
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor. It runs one
// attempt of a stage under the budget; of any other activity it only logs
// failures.
func (i *inbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	stage, ok := StageOf(info.ActivityType.Name)
	if !ok {
		out, err := i.Next.ExecuteActivity(ctx, in)
		if err != nil {
			i.retries.log.WarnContext(ctx, "activity failed; retrying", "activity", info.ActivityType.Name,
				"workflow_id", info.WorkflowExecution.ID, "run_id", info.WorkflowExecution.RunID, "attempt", info.Attempt, "error", err)
		}
		return out, err
	}
	a := &attempt{RetryInterceptor: i.retries, stage: stage, step: stepOf(info), started: time.Now(), log: i.retries.log.With(
		"workflow_id", info.WorkflowExecution.ID, "run_id", info.WorkflowExecution.RunID,
		"stage", string(stage), "attempt", info.Attempt)}
	return a.run(ctx, info, func(ctx context.Context) (any, error) { return i.Next.ExecuteActivity(ctx, in) })
}

// attempt is one attempt of a stage.
type attempt struct {
	*RetryInterceptor
	stage   orak.Stage
	step    step
	started time.Time
	log     *slog.Logger
}

func (a *attempt) run(ctx context.Context, info activity.Info, work func(context.Context) (any, error)) (any, error) {
	a.metrics.running.WithLabelValues(string(a.stage)).Inc()
	defer a.metrics.running.WithLabelValues(string(a.stage)).Dec()

	before, err := lastHeartbeat(ctx)
	if err != nil {
		a.log.ErrorContext(ctx, "heartbeat of the last attempt could not be decoded", "error", err)
	}
	before = a.earlier.latest(a.step, before).found(a.stage, a.started)
	if a.budget.spent(before) {
		return nil, a.giveUp(ctx, before)
	}
	p := startHeartbeats(ctx, before.begin(a.started), info.HeartbeatTimeout)
	stepCtx, release := a.bound(ctx, info)
	defer release()
	out, err := a.call(p.within(stepCtx), work)
	h := p.stop()
	if err != nil {
		return nil, a.fail(ctx, stepCtx, h, err)
	}
	a.earlier.keep(a.step, h.refund())
	a.ended(ctx, outcomeOK)
	return out, nil
}

// bound ends a step a little before the server times it out, so that the attempt
// can still report it, and when the worker has drained for long enough.
func (a *attempt) bound(ctx context.Context, info activity.Info) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	release := func() { cancel(nil) }
	if !info.Deadline.IsZero() {
		margin := min(time.Until(info.Deadline)/10, 5*time.Second)
		timed, cancelTimed := context.WithDeadline(ctx, info.Deadline.Add(-margin))
		ctx, release = timed, func() { cancelTimed(); cancel(nil) }
	}
	stopping := activity.GetWorkerStopChannel(ctx)
	go func() {
		select {
		case <-stopping:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(a.drain):
			cancel(errStopping)
		case <-ctx.Done():
		}
	}()
	return ctx, release
}

// call runs the step. A panic, or a result that cannot be returned, is a fault of
// class internal.
func (a *attempt) call(ctx context.Context, work func(context.Context) (any, error)) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			a.log.ErrorContext(ctx, "stage panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			out, err = nil, internalFault(fmt.Errorf("panic: %v", p))
		}
	}()
	if out, err = work(ctx); err != nil {
		return nil, err
	}
	// The SDK would retry a result that it cannot encode without end.
	data, err := json.Marshal(out)
	if err != nil {
		return nil, internalFault(fmt.Errorf("encoding the stage's result: %w", err))
	}
	if len(data) > maxResult {
		return nil, internalFault(fmt.Errorf("the stage's result has %d bytes of JSON, more than %d", len(data), maxResult))
	}
	return out, nil
}

// fail turns the error of a step into the error that says what the server does
// next.
func (a *attempt) fail(ctx, stepCtx context.Context, h Heartbeat, err error) error {
	switch cause := context.Cause(ctx); {
	case cause != nil && temporal.IsCanceledError(cause):
		a.ended(ctx, outcomeCanceled)
		return temporal.NewCanceledError()
	case errors.Is(cause, context.DeadlineExceeded):
		// The server has timed the attempt out, and it counts.
	case cause != nil || errors.Is(context.Cause(stepCtx), errStopping):
		// No failure: the worker stops, an operator has paused or reset the
		// activity, or the server does not know it any more.
		return a.interrupted(ctx, h, err)
	}
	f := orak.AsFault(err)
	if errors.Is(context.Cause(stepCtx), context.DeadlineExceeded) {
		// Whatever error the step made of its own time limit.
		f = &orak.Fault{Class: orak.ClassTransient, Message: "This step took too long.", Err: err}
	}
	now, counted := time.Now(), h.Attempts
	h, v := a.budget.judge(h, f, now)
	if h.Attempts < counted {
		counted = 0 // the attempt does not count
	}
	h = h.remember(orak.Mark{At: now.UTC(), Kind: orak.MarkAttemptFailed, Stage: a.stage,
		Class: f.Class, Message: safeMessage(f), Attempt: counted})
	a.leave(ctx, h)
	a.ended(ctx, string(f.Class))
	a.log.WarnContext(ctx, "stage failed", "class", string(f.Class), "counted_attempts", h.Attempts,
		"retry", v.retry, "retry_in", v.delay, "error", err)
	return a.failure(h, f, v)
}

// leave hands h to the next attempt: through the server, if the activity is still
// open there, and through the memory of this process.
func (a *attempt) leave(ctx context.Context, h Heartbeat) {
	a.earlier.keep(a.step, h)
	if ctx.Err() == nil {
		activity.RecordHeartbeat(ctx, h)
	}
}

func (a *attempt) interrupted(ctx context.Context, h Heartbeat, err error) error {
	// An attempt counts if the server has timed it out for missing heartbeats: the
	// step itself may be what prevents them.
	if gone := (*serviceerror.NotFound)(nil); !errors.As(context.Cause(ctx), &gone) {
		a.leave(ctx, h.refund())
	}
	a.ended(ctx, outcomeInterrupted)
	a.log.InfoContext(ctx, "stage was interrupted; another attempt follows", "error", err)
	return temporal.NewApplicationErrorWithOptions("Interrupted; another attempt follows.", string(orak.ClassTransient),
		temporal.ApplicationErrorOptions{NextRetryDelay: time.Millisecond, Category: temporal.ApplicationErrorCategoryBenign})
}

// giveUp ends a stage whose attempts were all used up by crashes.
func (a *attempt) giveUp(ctx context.Context, h Heartbeat) error {
	if h.FirstAt.IsZero() {
		h.FirstAt = h.BegunAt
	}
	f := &orak.Fault{Class: orak.ClassTransient, Message: messageCrashed}
	a.ended(ctx, string(f.Class))
	a.log.ErrorContext(ctx, "stage has no attempts left", "counted_attempts", h.Attempts)
	return a.failure(h, f, verdict{})
}

func (a *attempt) ended(ctx context.Context, outcome string) {
	a.metrics.ended(ctx, a.stage, outcome, time.Since(a.started))
}

// maxCause bounds the detail that the Web UI shows, in bytes; the server truncates
// failures of 4 KiB.
const maxCause = 2 << 10

// safeMessage returns the message of f that is shown outside the process.
func safeMessage(f *orak.Fault) string {
	if f.Message == "" {
		return "This step failed unexpectedly."
	}
	return clip(f.Message, orak.MaxMessage)
}

// failure returns the error that the workflow and the Web UI see: the class as its
// type, the safe message, the detail as its cause, and the orak.Failure. Only the
// last failure, which the workflow gets, carries the attempts before it: one that
// is retried would exceed the server's limit and be truncated.
func (a *attempt) failure(h Heartbeat, f *orak.Fault, v verdict) error {
	message := safeMessage(f)
	o := temporal.ApplicationErrorOptions{
		NonRetryable:   !v.retry,
		NextRetryDelay: v.delay,
		Details: []any{orak.Failure{Stage: a.stage, Class: f.Class, Message: message, Attempts: h.Attempts,
			FirstAt: h.FirstAt.UTC(), LastAt: time.Now().UTC()}},
	}
	if !v.retry {
		o.Details = append(o.Details, h.Failed)
	}
	if f.Err != nil {
		o.Cause = errors.New(clip(f.Err.Error(), maxCause))
	}
	return temporal.NewApplicationErrorWithOptions(message, string(f.Class), o)
}

// internalFault classifies err as a defect of the service.
func internalFault(err error) *orak.Fault {
	return &orak.Fault{Class: orak.ClassInternal, Message: "Something went wrong on our side; the operators have been notified.", Err: err}
}

// clip truncates s to at most n bytes, between two runes, and makes it valid UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
