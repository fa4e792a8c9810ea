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

// command is what an operator decided about a parked upload.
type command struct {
	discard bool
	from    orak.Stage
	options options
	by      string
	reason  string
}

// bySignal is who acted where a signal does not say.
const bySignal = "signal"

// listen makes the upload answer: to its query, to Updates and to signals.
// It comes before anything else, so that no message meets a run without it.
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

// hear takes signals for as long as the workflow lives. It looks whether there
// are any, and waits in no Selector: that would hold a signal back from await,
// which runs first where one arrives together with the end of the run.
func (u *upload) hear(ctx workflow.Context) {
	listening, _ := workflow.NewDisconnectedContext(ctx)
	heard := func() bool {
		return slices.ContainsFunc([]string{SignalReprocess, SignalDiscard, SignalAnnounced}, func(name string) bool {
			return workflow.GetSignalChannel(ctx, name).Len() > 0
		})
	}
	for workflow.Await(listening, heard) == nil {
		u.takeSignals(ctx)
	}
}

// takeSignals takes every signal that has arrived. What cannot be decoded is
// logged and dropped by the SDK; a signal without input, as the command-line
// tools send it, is one with every field empty.
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

// obey does what a signal says, where that makes sense.
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

// from is the stage that r begins with: the one that it names, else the one that
// failed, or the first before it whose result this run does not have. (A run
// that was started again has none.)
func (u *upload) from(r Reprocess) orak.Stage {
	from := cmp.Or(r.From, u.progress.Stage)
	switch {
	case from == orak.StageConvert:
		return from
	case u.audio == nil:
		return orak.StageConvert
	case from == orak.StagePublish && u.analysis == nil:
		return orak.StageAnalyze
	default:
		return from
	}
}

func discard(d Discard) command { return command{discard: true, by: d.By, reason: d.Reason} }

func (u *upload) parked() bool { return u.progress.Status == orak.StatusDeadLettered }

// checkParked refuses commands to an upload that does not wait for one.
func (u *upload) checkParked(ctx workflow.Context) error {
	switch s := u.progress.Status; {
	case u.ending != "" && !s.Final():
		return notParked("the upload is about to be %s", u.ending)
	case u.durable && ctx.Err() != nil && !s.Final():
		return notParked("the upload is about to be %s", orak.StatusCanceled)
	case u.parked():
		return nil
	case s.Final():
		return notParked("the upload is %s already", s)
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

// checkFrom refuses a stage that does not exist, or whose input was never made.
// What was made before the stage that failed, and is gone, is made again.
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
	case stage == orak.StagePublish && u.analysis == nil:
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
		return errors.New("by: missing; say who asks")
	case len(by) > MaxBy:
		return fmt.Errorf("by: %d bytes, want %d at most", len(by), MaxBy)
	case len(reason) > MaxReason:
		return fmt.Errorf("reason: %d bytes, want %d at most", len(reason), MaxReason)
	}
	return nil
}

// giveUp takes an Update that discards, and answers once the end is durable.
func (u *upload) giveUp(ctx workflow.Context, c command) (orak.Progress, error) {
	if _, err := u.accept(ctx, c); err != nil || !u.durable {
		return u.progress, err
	}
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	err := workflow.Await(ctx, func() bool { return u.progress.Status.Final() })
	return u.progress, err
}

// accept takes a command that was checked. The change is made here and now, so
// that a second command finds the upload no longer parked.
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

// park waits for a command to run again, and does what must come before that.
// With neither a command nor an error the upload is to end, as u.ending says.
func (u *upload) park(ctx workflow.Context) (*command, error) {
	c, err := u.await(ctx)
	if c == nil {
		return nil, err
	}
	l := u.lifecycle(u.progress)
	l.Stage, l.By, l.Reason = u.progress.Stage, c.by, c.reason
	if err := u.announce(ctx, events.Reprocessed, l); err != nil {
		return nil, err
	}
	u.reportUnparked(ctx)
	return c, nil
}

// await waits for a command until the upload expires, and warns before that.
func (u *upload) await(ctx workflow.Context) (*command, error) {
	expires := u.parkedAt.Add(u.settings.ParkFor)
	for {
		due := expires
		if u.warns() {
			due = expires.Add(-u.settings.ExpiryWarning)
		}
		_, err := workflow.AwaitWithTimeout(ctx, max(due.Sub(workflow.Now(ctx)), 0), func() bool {
			return u.next != nil || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
		})
		if err != nil {
			return nil, err
		}
		u.takeSignals(ctx) // none may be left behind by what follows
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

// warns reports whether somebody is still to be told that the upload will
// expire. One that is parked for no longer than the warning would come early
// has none: its dead letter was told just then.
func (u *upload) warns() bool {
	return !u.warned && u.parkedWith != nil && u.settings.ExpiryWarning > 0 && u.settings.ExpiryWarning < u.settings.ParkFor
}

// continueAsNew goes on in a run with an empty history.
func (u *upload) continueAsNew(ctx workflow.Context) error {
	next := u.in
	next.Resume = &Resume{Progress: u.progress, Audio: u.audio, Analysis: u.analysis, ParkedAt: u.parkedAt, Warned: u.warned}
	return workflow.NewContinueAsNewError(ctx, TypeProcessUpload, next)
}

// resume takes up what continueAsNew put down.
func (u *upload) resume(ctx workflow.Context, r Resume) error {
	u.progress, u.audio, u.analysis = r.Progress, r.Audio, r.Analysis
	u.parkedAt, u.parkedWith, u.warned = r.ParkedAt, r.Progress.Failure, r.Warned
	u.in.Resume = nil
	return u.write(ctx)
}
