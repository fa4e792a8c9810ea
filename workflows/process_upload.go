package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
)

// upload is the state of one run of ProcessUpload.
type upload struct {
	in       ProcessUploadInput
	settings Settings
	progress orak.Progress
	// audio and analyzed are the results of the stages so far. They are kept after a
	// failure, so that a reprocess can begin with a later stage.
	audio    *orak.Audio
	analyzed bool
	// analysis is one that is not stored yet; nil after a stage has stored it.
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
	// brief is false in runs from before layoutBrief.
	brief bool
}

// changeDurable is the change since which a final status is shown only once the
// outcome and the event are durable, and a cancellation does not interrupt the
// publishing of an event.
const changeDurable = "durable"

// ProcessUpload carries an upload to a final status and returns the last Progress.
// The run of an expired upload fails, with the failure that parked it; that of a
// canceled one is canceled.
func (f *Flows) ProcessUpload(ctx workflow.Context, in ProcessUploadInput) (orak.Progress, error) {
	start, err := f.recorded(ctx)
	if err != nil {
		return orak.Progress{}, err
	}
	u := &upload{in: in, settings: start.Settings, progress: orak.Progress{Upload: in.Upload, Status: orak.StatusQueued, Cycle: in.Cycle}}
	u.brief = start.Layout >= layoutBrief
	u.durable = u.brief || workflow.GetVersion(ctx, changeDurable, workflow.DefaultVersion, 1) != workflow.DefaultVersion
	u.describe(ctx)
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
		if err := u.showRunning(ctx, stage); err != nil {
			return nil, err
		}
		announced, err := u.runStage(ctx, stage)
		if ctx.Err() != nil && err != nil {
			return nil, err
		}
		if err != nil {
			failure, attempts := failureOf(stage, err, u.progress.UpdatedAt, workflow.Now(ctx))
			u.mark(attempts...)
			return &failure, nil
		}
		if announced {
			continue
		}
		if err := u.announceStage(ctx, stage); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// runStage runs the activity of a stage and keeps its result. It reports whether the
// activity has published that the stage is done.
func (u *upload) runStage(ctx workflow.Context, stage orak.Stage) (announced bool, err error) {
	options := u.settings.stageOptions(ctx, stage, u.options, u.priority())
	switch stage {
	case orak.StageConvert:
		var done activities.Converted
		in := activities.ConvertInput{Upload: u.in.Upload, Limits: u.options.limits(), Announce: u.stageEvent()}
		if err := workflow.ExecuteActivity(options, activities.TypeConvert, in).Get(ctx, &done); err != nil {
			return false, err
		}
		u.audio = &done.Audio
		return done.Announced, nil
	case orak.StageAnalyze:
		var done activities.Analyzed
		if u.options.engine != "" { // what the name of the activity does not say
			options = summarized(options, "by the engine "+u.options.engine)
		}
		in := activities.AnalyzeInput{Upload: u.in.Upload, Audio: *u.audio, Engine: u.options.engine, Announce: u.stageEvent()}
		if err := workflow.ExecuteActivity(options, activities.TypeAnalyze, in).Get(ctx, &done); err != nil {
			return false, err
		}
		u.analyzed, u.analysis = true, done.Analysis
		return done.Announced, nil
	case orak.StagePublish:
		return false, u.storeAnalysis(ctx, options)
	default:
		return false, fmt.Errorf("no activity for stage %q", stage)
	}
}

// storeAnalysis stores the analysis, unless the worker that made it has done so.
func (u *upload) storeAnalysis(ctx, options workflow.Context) error {
	switch {
	case u.analysis == nil:
		return nil
	case !u.durable:
		return u.publish(ctx, options)
	default:
		in := activities.StoreAnalysisInput{Upload: u.in.Upload, Analysis: *u.analysis}
		return workflow.ExecuteActivity(options, activities.TypeStoreAnalysis, in).Get(ctx, nil)
	}
}

// stageEvent asks a stage to publish its own end; nil in runs that publish it
// themselves.
func (u *upload) stageEvent() *activities.StageEvent {
	if !u.brief {
		return nil
	}
	return &activities.StageEvent{Cycle: u.progress.Cycle}
}

// announceStage publishes that a stage is done. For the last stage, the end of the
// upload does that.
func (u *upload) announceStage(ctx workflow.Context, stage orak.Stage) error {
	if stage == orak.StagePublish {
		return nil
	}
	run := workflow.GetInfo(ctx).WorkflowExecution
	return u.announce(ctx, activities.NewStageEvent(run.ID, run.RunID, stage, u.in.Upload, u.progress.Cycle, workflow.Now(ctx)))
}
