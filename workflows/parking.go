package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/events"
)

// command is the decision of an operator on a parked upload.
type command struct {
	discard bool
	from    orak.Stage
	options options
	by      string
	reason  string
}

// bySignal is the By of a signal that names nobody.
const bySignal = "signal"

// listen sets the handlers of the query, of the Updates and of signals. It runs
// first, so that no message finds a run without handlers.
func (u *upload) listen(ctx workflow.Context) error {
	err := workflow.SetQueryHandler(ctx, QueryStatus, func() (orak.Progress, error) { return u.progress, nil })
	if err != nil {
		return fmt.Errorf("setting query handler: %w", err)
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, SignalReprocess,
		func(ctx workflow.Context, r Reprocess) (orak.Progress, error) { return u.accept(ctx, u.reprocess(r)) },
		workflow.UpdateHandlerOptions{Validator: func(ctx workflow.Context, r Reprocess) error { return u.checkReprocess(ctx, r) }})
	if err != nil {
		return fmt.Errorf("setting update handler: %w", err)
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, SignalDiscard,
		func(ctx workflow.Context, d Discard) (orak.Progress, error) { return u.giveUp(ctx, discard(d)) },
		workflow.UpdateHandlerOptions{Validator: func(ctx workflow.Context, d Discard) error { return u.checkDiscard(ctx, d) }})
	if err != nil {
		return fmt.Errorf("setting update handler: %w", err)
	}
	workflow.Go(ctx, u.hear)
	return nil
}

// hear takes signals for as long as the workflow runs. It polls the channels
// instead of using a Selector: that would withhold a signal from await, which runs
// first when one arrives together with the end of the run.
func (u *upload) hear(ctx workflow.Context) {
	listening, _ := workflow.NewDisconnectedContext(ctx)
	pending := func() bool {
		return slices.ContainsFunc([]string{SignalReprocess, SignalDiscard, SignalAnnounced}, func(name string) bool {
			return workflow.GetSignalChannel(ctx, name).Len() > 0
		})
	}
	for workflow.Await(listening, pending) == nil {
		u.takeSignals(ctx)
	}
}

// takeSignals takes every signal that has arrived. The SDK logs and drops one that
// cannot be decoded. A signal without input, which the command-line tools send, has
// every field empty.
func (u *upload) takeSignals(ctx workflow.Context) {
	reprocesses := workflow.GetSignalChannel(ctx, SignalReprocess)
	for r := (Reprocess{}); reprocesses.ReceiveAsync(&r); r = (Reprocess{}) {
		if r.By == "" {
			r.By = bySignal
		}
		u.obey(ctx, SignalReprocess, u.checkReprocess(ctx, r), u.reprocess(r))
	}
	discards := workflow.GetSignalChannel(ctx, SignalDiscard)
	for d := (Discard{}); discards.ReceiveAsync(&d); d = (Discard{}) {
		if d.By == "" {
			d.By = bySignal
		}
		u.obey(ctx, SignalDiscard, u.checkDiscard(ctx, d), discard(d))
	}
	u.takeAnnouncements(ctx)
}

// obey applies the command of a signal, unless it is invalid.
func (u *upload) obey(ctx workflow.Context, name string, invalid error, c command) {
	if invalid == nil {
		_, invalid = u.accept(ctx, c)
	}
	if invalid != nil {
		workflow.GetLogger(ctx).Warn("signal ignored", "signal", name, "by", c.by, "error", invalid)
	}
}

func (u *upload) reprocess(r Reprocess) command {
	c := command{from: u.from(r), by: r.By, reason: r.Reason}
	c.options, _ = parseOptions(r.Options, c.from) // checked before
	return c
}

// from returns the stage that r begins with: the one that it names, or the one that
// failed, or the first one before it whose result this run does not have. (A
// restarted run has none.)
func (u *upload) from(r Reprocess) orak.Stage {
	from := cmp.Or(r.From, u.progress.Stage)
	switch {
	case from == orak.StageConvert:
		return from
	case u.audio == nil:
		return orak.StageConvert
	case from == orak.StagePublish && !u.analyzed:
		return orak.StageAnalyze
	default:
		return from
	}
}

func discard(d Discard) command { return command{discard: true, by: d.By, reason: d.Reason} }

func (u *upload) parked() bool { return u.progress.Status == orak.StatusDeadLettered }

// checkParked refuses commands unless the upload is parked.
func (u *upload) checkParked(ctx workflow.Context) error {
	switch s := u.progress.Status; {
	case u.ending != "" && !s.Final():
		return notParked("the upload is about to be %s", u.ending)
	case u.durable && ctx.Err() != nil && !s.Final():
		return notParked("the upload is about to be %s", orak.StatusCanceled)
	case u.parked():
		return nil
	case s.Final():
		return notParked("the upload is already %s", s)
	default:
		return notParked("the upload is already running (%s): only a dead-lettered upload takes this command", s)
	}
}

func notParked(format string, s orak.Status) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, s), ErrorNotParked, nil)
}

func (u *upload) checkReprocess(ctx workflow.Context, r Reprocess) error {
	if err := u.checkParked(ctx); err != nil {
		return err
	}
	if err := checkWho(r.By, r.Reason); err != nil {
		return err
	}
	if err := u.checkAnnouncement(); err != nil {
		return err
	}
	if err := u.checkFrom(r.From); err != nil {
		return err
	}
	_, err := parseOptions(r.Options, u.from(r))
	return err
}

func (u *upload) checkDiscard(ctx workflow.Context, d Discard) error {
	if err := u.checkParked(ctx); err != nil {
		return err
	}
	return checkWho(d.By, d.Reason)
}

// checkFrom refuses a stage that does not exist, or that has no input yet. Results
// from before the stage that failed are made again if they are lost.
func (u *upload) checkFrom(from orak.Stage) error {
	if from == "" {
		return nil
	}
	stage, ok := orak.ParseStage(string(from))
	switch {
	case !ok:
		var names []string
		for _, s := range orak.Stages() {
			names = append(names, string(s))
		}
		return fmt.Errorf("from: unknown stage %.40q, want one of %s", from, strings.Join(names, ", "))
	case !after(stage, u.progress.Stage):
		return nil
	case stage == orak.StageAnalyze && u.audio == nil:
		return fmt.Errorf("from: %s needs converted audio, and there is none yet; begin with %s", stage, orak.StageConvert)
	case stage == orak.StagePublish && !u.analyzed:
		return fmt.Errorf("from: %s needs an analysis, and there is none yet; begin with %s or %s", stage, orak.StageConvert, orak.StageAnalyze)
	}
	return nil
}

// after reports whether a comes after b.
func after(a, b orak.Stage) bool {
	return slices.Index(orak.Stages(), a) > slices.Index(orak.Stages(), b)
}

func checkWho(by, reason string) error {
	switch {
	case by == "":
		return errors.New("by: missing; name who asks")
	case len(by) > MaxBy:
		return fmt.Errorf("by: %d bytes, want at most %d", len(by), MaxBy)
	case len(reason) > MaxReason:
		return fmt.Errorf("reason: %d bytes, want at most %d", len(reason), MaxReason)
	}
	return nil
}

// giveUp handles the Update that discards. It returns once the end is durable.
func (u *upload) giveUp(ctx workflow.Context, c command) (orak.Progress, error) {
	if _, err := u.accept(ctx, c); err != nil || !u.durable {
		return u.progress, err
	}
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	err := workflow.Await(ctx, func() bool { return u.progress.Status.Final() })
	return u.progress, err
}

// accept applies a valid command. It changes the state at once, so that a second
// command finds the upload no longer parked.
func (u *upload) accept(ctx workflow.Context, c command) (orak.Progress, error) {
	if err := u.checkParked(ctx); err != nil {
		return orak.Progress{}, err
	}
	u.next = &c
	if c.discard {
		u.ending, u.discarded = orak.StatusDiscarded, c
		if !u.durable {
			return u.progress, u.show(ctx, orak.StatusDiscarded, u.progress.Stage, u.progress.Failure)
		}
		u.mark(orak.Mark{At: workflow.Now(ctx).UTC(), Kind: orak.MarkDiscarded, By: c.by, Reason: c.reason})
		return u.progress, nil
	}
	if u.progress.First == nil {
		u.progress.First = u.progress.Failure
	}
	u.progress.Cycle++
	u.mark(orak.Mark{At: workflow.Now(ctx).UTC(), Kind: orak.MarkReprocessed, Stage: c.from, By: c.by, Reason: c.reason})
	err := u.show(ctx, c.from.Running(), c.from, nil)
	return u.progress, err
}

// park waits for a command to run again, and announces it. If it returns neither a
// command nor an error, the upload ends with the status u.ending.
func (u *upload) park(ctx workflow.Context) (*command, error) {
	c, err := u.await(ctx)
	if c == nil {
		return nil, err
	}
	l := u.lifecycle(u.progress)
	l.Stage, l.By, l.Reason = u.progress.Stage, c.by, c.reason
	if err := u.announce(ctx, u.event(ctx, events.Reprocessed, l)); err != nil {
		return nil, err
	}
	u.reportUnparked(ctx)
	return c, nil
}

// await waits for a command until the upload expires, and warns before.
func (u *upload) await(ctx workflow.Context) (*command, error) {
	expires := u.parkedAt.Add(u.settings.ParkFor)
	for {
		due, until := expires, "until it expires"
		if u.warns() {
			due, until = expires.Add(-u.settings.ExpiryWarning), "until the warning of its expiry"
		}
		waiting := workflow.AwaitOptions{Timeout: max(due.Sub(workflow.Now(ctx)), 0), TimerOptions: workflow.TimerOptions{Summary: until}}
		_, err := workflow.AwaitWithOptions(ctx, waiting, func() bool {
			return u.next != nil || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
		})
		if err != nil {
			return nil, err
		}
		u.takeSignals(ctx) // what follows must not lose any
		c := u.next
		u.next = nil
		switch now := workflow.Now(ctx); {
		case u.ending != "":
			return nil, nil
		case c != nil:
			return c, nil
		case now.Before(due):
			return nil, u.continueAsNew(ctx)
		case !now.Before(expires):
			u.ending = orak.StatusExpired
			return nil, nil
		}
		if err := u.warn(ctx, expires); err != nil {
			return nil, err
		}
	}
}

// warns reports whether the warning of the expiry is still due. There is none where
// ParkFor is not longer than ExpiryWarning: the dead letter was announced just
// then.
func (u *upload) warns() bool {
	return !u.warned && u.parkedWith != nil && u.settings.ExpiryWarning > 0 && u.settings.ExpiryWarning < u.settings.ParkFor
}

// continueAsNew continues in a run with an empty history.
func (u *upload) continueAsNew(ctx workflow.Context) error {
	next := u.in
	next.Resume = &Resume{Progress: u.progress, Audio: u.audio, Analyzed: u.analyzed, Analysis: u.analysis, ParkedAt: u.parkedAt, Warned: u.warned}
	return workflow.NewContinueAsNewError(ctx, TypeProcessUpload, next)
}

// resume restores the state of continueAsNew.
func (u *upload) resume(ctx workflow.Context, r Resume) error {
	u.progress, u.audio, u.analysis = r.Progress, r.Audio, r.Analysis
	u.analyzed = r.Analyzed || r.Analysis != nil // before layoutBrief, only the latter
	u.parkedAt, u.parkedWith, u.warned = r.ParkedAt, r.Progress.Failure, r.Warned
	u.in.Resume = nil
	return u.write(ctx)
}
