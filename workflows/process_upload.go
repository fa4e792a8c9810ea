package workflows

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/events"
)

// upload is the state of one run of ProcessUpload.
type upload struct {
	in       ProcessUploadInput
	settings Settings
	progress orak.Progress
	// audio and analysis are the results of the stages so far; they outlive
	// a failure, so that a later stage can be run again by itself.
	audio    *orak.Audio
	analysis *orak.Analysis
	parkedAt time.Time
	// next is what an operator asked for; park takes it.
	next *command
}

// ProcessUpload carries an upload to one of its final statuses and returns
// the last Progress. It fails where the upload expired, with the failure that
// parked it, and is canceled where somebody canceled it.
func (f *Flows) ProcessUpload(ctx workflow.Context, in ProcessUploadInput) (orak.Progress, error) {
	settings, err := f.recorded(ctx)
	if err != nil {
		return orak.Progress{}, err
	}
	u := &upload{in: in, settings: settings, progress: orak.Progress{Upload: in.Upload, Status: orak.StatusQueued}}
	if err := u.listen(ctx); err != nil {
		return orak.Progress{}, err
	}
	if in.Resume != nil {
		if err := u.resume(ctx, *in.Resume); err != nil {
			return orak.Progress{}, err
		}
	}
	err = u.live(ctx)
	if ctx.Err() != nil && !u.progress.Status.Final() && !workflow.IsContinueAsNewError(err) {
		return u.progress, u.cancel(ctx)
	}
	return u.progress, err
}

// live alternates between running and being parked.
func (u *upload) live(ctx workflow.Context) error {
	stage := orak.StageConvert
	if u.parked() {
		cmd, err := u.park(ctx)
		if cmd == nil {
			return err
		}
		stage = cmd.from
	}
	for {
		failure, err := u.run(ctx, stage)
		if failure == nil {
			return err
		}
		if err := u.deadLetter(ctx, *failure); err != nil {
			return err
		}
		cmd, err := u.park(ctx)
		if cmd == nil {
			return err
		}
		stage = cmd.from
	}
}

// run runs the stages beginning with from. Both results are nil once the
// upload is completed; an error ends the workflow, a failure parks it.
func (u *upload) run(ctx workflow.Context, from orak.Stage) (*orak.Failure, error) {
	stages := orak.Stages()
	for _, stage := range stages[slices.Index(stages, from):] {
		if err := u.show(ctx, stage.Running(), stage, nil); err != nil {
			return nil, err
		}
		err := u.runStage(ctx, stage)
		if ctx.Err() != nil && err != nil {
			return nil, err
		}
		if err != nil {
			failure := failureOf(stage, err, u.progress.UpdatedAt, workflow.Now(ctx))
			return &failure, nil
		}
		if err := u.announceStage(ctx, stage); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// runStage runs the activity of a stage and keeps its result.
func (u *upload) runStage(ctx workflow.Context, stage orak.Stage) error {
	options := u.settings.stageOptions(ctx, stage)
	switch stage {
	case orak.StageConvert:
		var audio orak.Audio
		in := activities.ConvertInput{Upload: u.in.Upload}
		if err := workflow.ExecuteActivity(options, activities.TypeConvert, in).Get(ctx, &audio); err != nil {
			return err
		}
		u.audio = &audio
		return nil
	case orak.StageAnalyze:
		var analysis orak.Analysis
		in := activities.AnalyzeInput{Upload: u.in.Upload, Audio: *u.audio}
		if err := workflow.ExecuteActivity(options, activities.TypeAnalyze, in).Get(ctx, &analysis); err != nil {
			return err
		}
		u.analysis = &analysis
		return nil
	case orak.StagePublish:
		return u.publish(ctx, options)
	default:
		return fmt.Errorf("no activity for stage %q", stage)
	}
}

// publish is the one stage that says itself what it did: its event comes
// after the objects and before anything else can fail.
func (u *upload) publish(ctx, options workflow.Context) error {
	last := u.at(ctx, orak.StatusCompleted, "", nil)
	in := activities.PublishInput{
		Progress:  last,
		Analysis:  *u.analysis,
		Completed: u.event(ctx, events.Completed, u.lifecycle(last)),
	}
	return workflow.ExecuteActivity(options, activities.TypePublish, in).Get(ctx, nil)
}

// announceStage says downstream that a stage is done.
func (u *upload) announceStage(ctx workflow.Context, stage orak.Stage) error {
	switch stage {
	case orak.StageConvert:
		return u.announce(ctx, events.Converted, u.lifecycle(u.progress))
	case orak.StageAnalyze:
		return u.announce(ctx, events.Analyzed, u.lifecycle(u.progress))
	default:
		return u.show(ctx, orak.StatusCompleted, "", nil)
	}
}

// cancel ends a canceled upload.
func (u *upload) cancel(ctx workflow.Context) error {
	if err := u.show(ctx, orak.StatusCanceled, u.progress.Stage, u.progress.Failure); err != nil {
		return err
	}
	if err := u.close(ctx, events.Canceled, u.lifecycle(u.progress)); err != nil {
		return err
	}
	return temporal.NewCanceledError()
}

// expire ends an upload that stayed parked for too long.
func (u *upload) expire(ctx workflow.Context) error {
	failure := u.progress.Failure
	if err := u.show(ctx, orak.StatusExpired, u.progress.Stage, failure); err != nil {
		return err
	}
	if err := u.close(ctx, events.Expired, u.lifecycle(u.progress)); err != nil {
		return err
	}
	if failure == nil {
		return errors.New("expired without a failure")
	}
	return temporal.NewNonRetryableApplicationError(failure.Message, string(failure.Class), nil, *failure)
}

// close writes the outcome and says so downstream. The status is final by
// now: a cancellation comes too late to stop it.
func (u *upload) close(ctx workflow.Context, t events.Type, l events.Lifecycle) error {
	ctx, cancel := workflow.NewDisconnectedContext(sideOptions(ctx))
	defer cancel()
	if err := workflow.ExecuteActivity(ctx, activities.TypeSaveOutcome, u.progress).Get(ctx, nil); err != nil {
		return err
	}
	return u.announce(ctx, t, l)
}
