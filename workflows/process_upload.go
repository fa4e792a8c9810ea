package workflows

import (
	"fmt"
	"slices"
	"time"

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
	// audio and analysis are the results of the stages so far. They are kept
	// after a failure, so that a reprocess can begin with a later stage.
	audio    *orak.Audio
	analysis *orak.Analysis
	// options are those of this cycle.
	options options
	// parkedAt and parkedWith are when and why the upload last parked; parkedWith
	// is nil once its digest has been signaled that it is unparked. warned means
	// that an alert has warned of its expiry.
	parkedAt   time.Time
	parkedWith *orak.Failure
	warned     bool
	// next is the command of an operator; park takes it.
	next *command
	// ending is the final status that is decided but not shown yet; empty before.
	// discarded is the command that decided it, if one did.
	ending    orak.Status
	discarded command
	// durable is false in runs from before changeDurable, which end as they began.
	durable bool
}

// changeDurable is the change since which a final status is shown only once the
// outcome and the event are durable, and a cancellation does not interrupt the
// publishing of an event.
const changeDurable = "durable"

// ProcessUpload carries an upload to a final status and returns the last Progress.
// The run of an expired upload fails, with the failure that parked it; that of a
// canceled one is canceled.
func (f *Flows) ProcessUpload(ctx workflow.Context, in ProcessUploadInput) (orak.Progress, error) {
	settings, err := f.recorded(ctx)
	if err != nil {
		return orak.Progress{}, err
	}
	u := &upload{in: in, settings: settings, progress: orak.Progress{Upload: in.Upload, Status: orak.StatusQueued, Cycle: in.Cycle}}
	u.durable = workflow.GetVersion(ctx, changeDurable, workflow.DefaultVersion, 1) != workflow.DefaultVersion
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
	if in.End != nil {
		u.parkedWith = in.End.Failure
		return u.end(ctx, in.End.Status)
	}
	status, err := u.live(ctx)
	if err != nil && ctx.Err() != nil && !workflow.IsContinueAsNewError(err) {
		status, err = u.canceled(), nil
	}
	if err != nil {
		return u.progress, err
	}
	return u.end(ctx, status)
}

// canceled returns the status with which a canceled upload ends: another one may
// have been decided before.
func (u *upload) canceled() orak.Status {
	if u.ending != "" {
		return u.ending
	}
	return orak.StatusCanceled
}

// live alternates between running and being parked. It returns the final status.
func (u *upload) live(ctx workflow.Context) (orak.Status, error) {
	stage := orak.StageConvert
	for {
		if !u.parked() {
			failure, err := u.cycle(ctx, stage)
			if err != nil {
				return "", err
			}
			if failure == nil {
				return orak.StatusCompleted, nil
			}
			if err := u.deadLetter(ctx, *failure); err != nil {
				return "", err
			}
		}
		cmd, err := u.park(ctx)
		if err != nil {
			return "", err
		}
		if cmd == nil {
			return u.ending, nil
		}
		stage, u.options = cmd.from, cmd.options
	}
}

// cycle runs the stages, unless the announcement was refused or the upload was
// restarted too often: then it runs only after a person has asked for it, or after
// a new announcement.
func (u *upload) cycle(ctx workflow.Context, from orak.Stage) (*orak.Failure, error) {
	if u.in.Refused != nil && u.progress.Cycle == 0 {
		return u.in.Refused, nil
	}
	if u.progress.Restarts > MaxRestarts && u.progress.Cycle == u.in.Cycle {
		failure := stuckFailure(workflow.Now(ctx))
		return &failure, nil
	}
	return u.run(ctx, from)
}

// run runs the stages beginning with from. A failure parks the upload, an error
// ends the workflow; both are nil when all stages are done.
func (u *upload) run(ctx workflow.Context, from orak.Stage) (*orak.Failure, error) {
	stages := orak.Stages()
	for _, stage := range stages[slices.Index(stages, from):] {
		if u.durable && ctx.Err() != nil {
			return nil, ctx.Err()
		}
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
	options := u.settings.stageOptions(ctx, stage, u.options, u.priority())
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
		if !u.durable {
			return u.publish(ctx, options)
		}
		in := activities.StoreAnalysisInput{Upload: u.in.Upload, Analysis: *u.analysis}
		return workflow.ExecuteActivity(options, activities.TypeStoreAnalysis, in).Get(ctx, nil)
	default:
		return fmt.Errorf("no activity for stage %q", stage)
	}
}

// announceStage publishes that a stage is done. For the last stage, the end of the
// upload does that.
func (u *upload) announceStage(ctx workflow.Context, stage orak.Stage) error {
	switch stage {
	case orak.StageConvert:
		return u.announce(ctx, events.Converted, u.lifecycle(u.progress))
	case orak.StageAnalyze:
		return u.announce(ctx, events.Analyzed, u.lifecycle(u.progress))
	default:
		return nil
	}
}
