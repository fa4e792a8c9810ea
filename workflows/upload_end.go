package workflows

import (
	"cmp"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/events"
)

// end ends the upload. It makes the outcome and the event durable before it shows
// the final status, so that a reader of the status finds both. A cancellation can
// no longer stop it.
func (u *upload) end(ctx workflow.Context, s orak.Status) (orak.Progress, error) {
	u.ending = s
	ctx, cancel := workflow.NewDisconnectedContext(sideOptions(ctx))
	defer cancel()
	conclude := u.conclude
	if !u.durable {
		conclude = u.concludeAsBefore
	}
	if err := conclude(ctx, s); err != nil {
		return u.progress, err
	}
	u.reportUnparked(ctx)
	// An Update that waits for the end is answered before the run closes.
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return u.progress, err
	}
	return u.progress, u.closing()
}

// conclude stores the outcome and publishes the event. If another run of the same
// upload has ended it before, the upload ends as it did there.
func (u *upload) conclude(ctx workflow.Context, s orak.Status) error {
	last := u.at(ctx, s, u.progress.Stage, u.progress.Failure)
	switch {
	case u.in.End != nil:
		last = *u.in.End
	case s == orak.StatusCompleted:
		last.Stage, last.Failure = "", nil
	}
	last, err := u.decide(ctx, last)
	if err != nil {
		return err
	}
	u.progress = last
	return u.write(ctx)
}

// concludeWithin bounds the local activity of decide. It must be well below the
// timeout of a workflow task, 10 s.
const concludeWithin = 3 * time.Second

// decide runs Conclude and returns what it returns. As a local activity it spares the
// server six of an upload's events, but it occupies a workflow task: it is tried once.
// After that, and in runs from before layoutBrief, it is retried without end as an
// activity. Conclude may run twice, at the same time even.
func (u *upload) decide(ctx workflow.Context, last orak.Progress) (_ orak.Progress, err error) {
	in, done := activities.ConcludeInput{Progress: last, Brief: u.brief}, activities.Concluded{}
	if u.brief {
		local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
			ScheduleToCloseTimeout: concludeWithin, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
		})
		if err = workflow.ExecuteLocalActivity(local, activities.TypeConclude, in).Get(ctx, &done); err == nil {
			return *cmp.Or(done.Progress, &last), nil
		}
		workflow.GetLogger(ctx).Warn("upload was not concluded at once; an activity concludes it", "status", string(last.Status), "error", err)
		if last.Status == orak.StatusCompleted {
			if err = u.show(ctx, orak.StatusPublishing, orak.StagePublish, nil); err != nil {
				return last, err
			}
		}
	}
	err = workflow.ExecuteActivity(ctx, activities.TypeConclude, in).Get(ctx, &done)
	return *cmp.Or(done.Progress, &last), err
}

// closing returns the error with which the run closes. For an expired upload it is
// the failure that parked it.
func (u *upload) closing() error {
	switch f := u.progress.Failure; {
	case u.progress.Status == orak.StatusCanceled:
		return temporal.NewCanceledError()
	case u.progress.Status != orak.StatusExpired:
		return nil
	case f == nil:
		return errors.New("expired without a failure")
	default:
		return temporal.NewNonRetryableApplicationError(f.Message, string(f.Class), u.firstCause(), *f)
	}
}

// firstCause returns the failure of the first cycle as an error; nil in the first
// cycle.
func (u *upload) firstCause() error {
	f := u.progress.First
	if f == nil {
		return nil
	}
	return temporal.NewNonRetryableApplicationError("first, in "+string(f.Stage)+": "+f.Message, string(f.Class), nil, *f)
}

// publish is the last stage of a run that is not durable: its activity publishes
// that the upload is completed.
func (u *upload) publish(ctx, options workflow.Context) error {
	last := u.at(ctx, orak.StatusCompleted, "", nil)
	in := activities.PublishInput{
		Progress:  last,
		Analysis:  *u.analysis,
		Completed: u.event(ctx, events.Completed, u.lifecycle(last)),
	}
	return workflow.ExecuteActivity(options, activities.TypePublish, in).Get(ctx, nil)
}

// concludeAsBefore is conclude in a run that is not durable.
func (u *upload) concludeAsBefore(ctx workflow.Context, s orak.Status) error {
	if s == orak.StatusCompleted {
		return u.show(ctx, s, "", nil)
	}
	if err := u.show(ctx, s, u.progress.Stage, u.progress.Failure); err != nil {
		return err
	}
	if err := workflow.ExecuteActivity(ctx, activities.TypeSaveOutcome, u.progress).Get(ctx, nil); err != nil {
		return err
	}
	l := u.lifecycle(u.progress)
	t := events.Canceled
	switch s {
	case orak.StatusExpired:
		t = events.Expired
	case orak.StatusDiscarded:
		t, l.Stage, l.By, l.Reason = events.Discarded, u.progress.Stage, u.discarded.by, u.discarded.reason
	}
	return u.announce(ctx, u.event(ctx, t, l))
}
