package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/events"
)

// failureOf rebuilds the failure that activities.Keeper put into the error of
// a stage. began is when the stage did, for errors that do not come from it.
func failureOf(stage orak.Stage, err error, began, now time.Time) orak.Failure {
	if app := (*temporal.ApplicationError)(nil); errors.As(err, &app) && app.HasDetails() {
		var f orak.Failure
		if app.Details(&f) == nil && f.Class != "" {
			f.Stage = stage
			return f
		}
	}
	f := orak.Failure{Stage: stage, FirstAt: began.UTC(), LastAt: now.UTC()}
	if temporal.IsTimeoutError(err) || temporal.IsCanceledError(err) {
		f.Class, f.Message = orak.ClassTransient, "This step did not come to an end in time."
		return f
	}
	f.Class, f.Message = orak.ClassInternal, "Something is wrong on our side; we have been told."
	return f
}

// deadLetter shows the upload as parked, so that an operator can act at once,
// and tells everybody. It waits until they have been told: what the upload
// does next must come after.
func (u *upload) deadLetter(ctx workflow.Context, f orak.Failure) error {
	u.parkedAt = workflow.Now(ctx).UTC()
	if err := u.show(ctx, orak.StatusDeadLettered, f.Stage, &f); err != nil {
		return err
	}
	workflow.GetLogger(ctx).Warn("upload parked", "stage", string(f.Stage), "class", string(f.Class), "cycle", u.progress.Cycle)
	event := u.event(ctx, events.DeadLettered, u.lifecycle(u.progress))
	side := sideOptions(ctx)
	told := []workflow.Future{
		workflow.ExecuteActivity(side, activities.TypeRaiseAlert, u.alert(ctx, event.ID, f)),
		workflow.ExecuteActivity(side, activities.TypeDeadLetter, u.letter(ctx, f)),
		workflow.ExecuteActivity(side, activities.TypeAnnounce, event),
	}
	for _, future := range told {
		if err := future.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func (u *upload) letter(ctx workflow.Context, f orak.Failure) activities.DeadLetterInput {
	run := workflow.GetInfo(ctx).WorkflowExecution
	return activities.DeadLetterInput{
		Origin: u.in.Origin, Failure: f, Cycle: u.progress.Cycle, FailedAt: u.parkedAt,
		WorkflowID: run.ID, RunID: run.RunID,
	}
}

func (u *upload) alert(ctx workflow.Context, id string, f orak.Failure) activities.Alert {
	return activities.Alert{
		ID: id, Stage: f.Stage, Class: f.Class, Message: f.Message, At: u.parkedAt,
		UploadID: u.in.Upload.ID, Tenant: u.in.Upload.Tenant, Filename: u.in.Upload.Filename,
		WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID,
	}
}
