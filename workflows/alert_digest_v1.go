package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"orak/activities/messages"
)

// maxRecent is the number of alerts that a digest from before changeParked
// remembers, to recognize repeats.
const maxRecent = 64

// untilQuiet is AlertDigest as it was before changeParked: it ends when no new
// alert arrives, even while uploads are parked. Runs that began so end so.
func (d *digest) untilQuiet(ctx workflow.Context) error {
	for {
		more, err := d.gather(ctx)
		if err != nil {
			return err
		}
		if !more {
			next := d.in
			next.Resume = &d.state
			return workflow.NewContinueAsNewError(ctx, TypeAlertDigest, next)
		}
		if !d.state.Pending.News() {
			return nil
		}
		posted, err := d.post(ctx, d.state.Pending)
		if err != nil {
			return err
		}
		pause := d.in.GroupInterval
		if posted {
			d.state.Pending = messages.AlertGroup{}
		} else {
			pause = min(pause, repostAfter)
		}
		d.state.Until = workflow.Now(ctx).Add(pause)
	}
}

// gather receives alerts until the next message is due. more is false where the
// history has grown too long for this run.
func (d *digest) gather(ctx workflow.Context) (more bool, err error) {
	alerts := workflow.GetSignalChannel(ctx, SignalAlert)
	timer := workflow.NewTimer(ctx, max(d.state.Until.Sub(workflow.Now(ctx)), 0))
	due := false
	s := workflow.NewSelector(ctx)
	s.AddFuture(timer, func(f workflow.Future) { err, due = f.Get(ctx, nil), true })
	s.AddReceive(alerts, func(c workflow.ReceiveChannel, _ bool) { d.receive(c) })
	for !due {
		s.Select(ctx)
		if !due && workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return false, nil
		}
	}
	d.receive(alerts)
	return true, err
}

// receive adds every alert that has arrived, without repeats.
func (d *digest) receive(alerts workflow.ReceiveChannel) {
	for a := (messages.Alert{}); alerts.ReceiveAsync(&a); a = (messages.Alert{}) {
		if slices.Contains(d.state.Recent, a.ID) {
			continue
		}
		d.state.Recent = append(d.state.Recent, a.ID)
		if over := len(d.state.Recent) - maxRecent; over > 0 {
			d.state.Recent = d.state.Recent[over:]
		}
		d.state.add(a, time.Time{})
	}
}
