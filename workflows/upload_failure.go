package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/events"
)

// failureOf decodes the failure that activities.RetryInterceptor has put into the
// error of a stage, and its failed attempts. began is when the stage began, for
// errors of another source.
func failureOf(stage orak.Stage, err error, began, now time.Time) (orak.Failure, []orak.Mark) {
	f, attempts, ok := decodeFailure(err)
	if !ok {
		f = unknownFailure(err, began, now)
	}
	f.Stage = stage
	if len(attempts) == 0 {
		attempts = []orak.Mark{{At: f.LastAt, Kind: orak.MarkAttemptFailed, Stage: stage, Class: f.Class, Message: f.Message, Attempt: f.Attempts}}
	}
	return f, attempts
}

// decodeFailure decodes what activities.RetryInterceptor has put into err. An older
// version of it gave no attempts.
func decodeFailure(err error) (f orak.Failure, attempts []orak.Mark, ok bool) {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) {
		return f, nil, false
	}
	ok = app.HasDetails() && app.Details(&f, &attempts) == nil && f.Class != ""
	return f, attempts, ok
}

// stuckFailure is the failure of an upload that was restarted too often.
func stuckFailure(now time.Time) orak.Failure {
	return orak.Failure{
		Stage: orak.StageConvert, Class: orak.ClassInternal, FirstAt: now.UTC(), LastAt: now.UTC(),
		Message: fmt.Sprintf("This upload was restarted %d times and did not end.", MaxRestarts),
	}
}

// unknownFailure classifies an error that activities.RetryInterceptor did not make.
func unknownFailure(err error, began, now time.Time) orak.Failure {
	f := orak.Failure{FirstAt: began.UTC(), LastAt: now.UTC()}
	if temporal.IsTimeoutError(err) || temporal.IsCanceledError(err) {
		f.Class, f.Message = orak.ClassTransient, "This step did not end in time."
		return f
	}
	f.Class, f.Message = orak.ClassInternal, "Something went wrong on our side; the operators have been notified."
	return f
}

// deadLetter shows the upload as parked, so that an operator can act at once, and
// raises the alert, writes the dead letter and publishes the event. It waits for
// all three: what the upload does next must come after them.
func (u *upload) deadLetter(ctx workflow.Context, f orak.Failure) error {
	u.parkedAt = workflow.Now(ctx).UTC()
	u.parkedWith, u.warned = &f, false
	u.mark(orak.Mark{At: u.parkedAt, Kind: orak.MarkDeadLettered, Stage: f.Stage, Class: f.Class, Message: f.Message})
	if err := u.show(ctx, orak.StatusDeadLettered, f.Stage, &f); err != nil {
		return err
	}
	workflow.GetLogger(ctx).Warn("upload parked", "stage", string(f.Stage), "class", string(f.Class), "cycle", u.progress.Cycle)
	event := u.event(ctx, events.DeadLettered, u.lifecycle(u.progress))
	side := u.side(ctx)
	why := summarized(side, string(f.Stage)+" failed ("+string(f.Class)+")")
	announced := []workflow.Future{
		workflow.ExecuteActivity(workflow.WithTaskQueue(why, QueueControl), activities.TypeRaiseAlert, u.alert(ctx, event.ID, f)),
		workflow.ExecuteActivity(why, activities.TypeDeadLetter, u.letter(ctx, f)),
		workflow.ExecuteActivity(summarized(side, string(event.Type)), activities.TypeAnnounce, event),
	}
	for _, future := range announced {
		if err := future.Get(side, nil); err != nil {
			return err
		}
	}
	return nil
}

func (u *upload) letter(ctx workflow.Context, f orak.Failure) activities.DeadLetterInput {
	run := workflow.GetInfo(ctx).WorkflowExecution
	return activities.DeadLetterInput{
		Origin: u.in.Origin, Failure: f, First: u.progress.First, Cycle: u.progress.Cycle, FailedAt: u.parkedAt,
		WorkflowID: run.ID, RunID: run.RunID,
	}
}

func (u *upload) alert(ctx workflow.Context, id string, f orak.Failure) messages.Alert {
	return messages.Alert{
		ID: id, Stage: f.Stage, Class: f.Class, Message: f.Message, At: u.parkedAt,
		UploadID: u.in.Upload.ID, Tenant: u.in.Upload.Tenant, Filename: u.in.Upload.Filename,
		WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID,
	}
}

// warn raises the alert that the upload expires soon.
func (u *upload) warn(ctx workflow.Context, expires time.Time) error {
	u.warned = true
	run := workflow.GetInfo(ctx).WorkflowExecution
	id := events.LifecycleID(run.ID, run.RunID, events.DeadLettered, u.progress.Cycle) + "/" + string(messages.AlertExpiring)
	a := u.alert(ctx, id, *u.parkedWith)
	a.Kind, a.At, a.ExpiresAt = messages.AlertExpiring, workflow.Now(ctx).UTC(), expires
	ctx = summarized(workflow.WithTaskQueue(u.side(ctx), QueueControl), "expires soon")
	return workflow.ExecuteActivity(ctx, activities.TypeRaiseAlert, a).Get(ctx, nil)
}

// changeUnparked is the change since which uploads signal that they are unparked.
const changeUnparked = "settled"

// reportUnparked signals the digest of the failure that parked the upload. It may
// not be running: then there is nothing to report.
func (u *upload) reportUnparked(ctx workflow.Context) {
	f := u.parkedWith
	u.parkedWith = nil
	if f == nil || workflow.GetVersion(ctx, changeUnparked, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	err := workflow.SignalExternalWorkflow(ctx, AlertWorkflowID(f.Stage, f.Class), "", SignalUnparked, nil).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Debug("digest was not signaled that the upload is unparked", "stage", string(f.Stage), "class", string(f.Class), "error", err)
	}
}
