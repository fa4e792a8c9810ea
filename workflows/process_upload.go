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
	// options are those of this cycle.
	options options
	// parkedAt and parkedWith are when and why the upload was last parked;
	// parkedWith is nil once its digest has heard that it is settled. warned
	// says that somebody was told that it will expire.
	parkedAt   time.Time
	parkedWith *orak.Failure
	warned     bool
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
	switch {
	case in.Resume != nil:
		if err := u.resume(ctx, *in.Resume); err != nil {
			return orak.Progress{}, err
		}
	case in.Restarts > 0:
		u.progress.Restarts = in.Restarts
		u.mark(orak.Mark{At: workflow.Now(ctx).UTC(), Kind: orak.MarkRestarted})
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
	for {
		if !u.parked() {
			failure, err := u.cycle(ctx, stage)
			if failure == nil {
				return err
			}
			if err := u.deadLetter(ctx, *failure); err != nil {
				return err
			}
		}
		cmd, err := u.park(ctx)
		if cmd == nil {
			return err
		}
		stage, u.options = cmd.from, cmd.options
	}
}

// cycle runs the stages, unless the upload was started again too often: then
// it runs only once a person has asked for that.
func (u *upload) cycle(ctx workflow.Context, from orak.Stage) (*orak.Failure, error) {
	if u.progress.Restarts > MaxRestarts && u.progress.Cycle == 0 {
		failure := stuckFailure(workflow.Now(ctx))
		return &failure, nil
	}
	return u.run(ctx, from)
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
			failure, attempts := failureOf(stage, err, u.progress.UpdatedAt, workflow.Now(ctx))
			u.mark(attempts...)
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
	options := u.settings.stageOptions(ctx, stage, u.options, u.progress)
	switch stage {
	case orak.StageConvert:
		var audio orak.Audio
		in := activities.ConvertInput{Upload: u.in.Upload, Limits: u.options.limits()}
		if err := workflow.ExecuteActivity(options, activities.TypeConvert, in).Get(ctx, &audio); err != nil {
			return err
		}
		u.audio = &audio
		return nil
	case orak.StageAnalyze:
		var analysis orak.Analysis
		in := activities.AnalyzeInput{Upload: u.in.Upload, Audio: *u.audio, Engine: u.options.engine}
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
	u.settled(ctx)
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
	u.settled(ctx)
	if failure == nil {
		return errors.New("expired without a failure")
	}
	return temporal.NewNonRetryableApplicationError(failure.Message, string(failure.Class), u.firstCause(), *failure)
}

// firstCause is the failure of the first cycle, where there was more than
// one.
func (u *upload) firstCause() error {
	f := u.progress.First
	if f == nil {
		return nil
	}
	return temporal.NewNonRetryableApplicationError("first, in "+string(f.Stage)+": "+f.Message, string(f.Class), nil, *f)
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
