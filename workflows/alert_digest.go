package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"orak/activities"
	"orak/activities/messages"
)

// postFor bounds one call of the posting activity. While the alert webhook is
// unavailable the message is withdrawn, grows, and is posted again after
// repostAfter.
const (
	postFor     = 5 * time.Minute
	repostAfter = time.Minute
)

// countFor bounds the counting of parked uploads: a message waits no longer for the
// count.
const countFor = 20 * time.Second

// changeParked is the change since which digests run as long as uploads of their
// group are parked.
const changeParked = "lives-while-uploads-are-parked"

// digest is the state of one run of AlertDigest.
type digest struct {
	in    AlertDigestInput
	state ResumeDigest
	seen  *seen
	// timer is the last one of wait, for timerAt; nil once it has fired.
	timer   workflow.Future
	timerAt time.Time
	stop    workflow.CancelFunc
}

// AlertDigest groups the alerts of one stage and class, which arrive as signals,
// into messages: the first after GroupWait, further ones every GroupInterval while
// new alerts arrive, and a reminder every RepeatInterval while uploads of the
// group are parked. When none is parked any more it posts that and ends; the next
// alert starts it again. A group without workflows ends when no new alert arrives.
// While the alert webhook is unavailable the message waits, without a limit. The
// intervals are those of the sender of the latest alert.
//
// The SignalUnparked of an upload is only a hint to count the parked uploads: a
// hint can be lost, and the count can lag.
func (f *Flows) AlertDigest(ctx workflow.Context, in AlertDigestInput) error {
	if in.RepeatInterval <= 0 {
		in.RepeatInterval = defaultRepeat // started by a version without reminders
	}
	d := &digest{in: in}
	if in.Resume != nil {
		d.state = *in.Resume
	} else {
		d.state.Until = workflow.Now(ctx).Add(in.GroupWait)
	}
	if workflow.GetVersion(ctx, changeParked, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return d.untilQuiet(ctx)
	}
	d.adopt()
	return d.untilResolved(ctx)
}

// untilResolved runs the due steps until the digest is over.
func (d *digest) untilResolved(ctx workflow.Context) error {
	for {
		d.take(ctx)
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, TypeAlertDigest, d.next())
		}
		d.describe(ctx)
		step, at := d.state.due()
		var err error
		switch {
		case workflow.Now(ctx).Before(at):
			err = d.wait(ctx, at)
		case step == stepEnd:
			return nil
		case step == stepPost:
			err = d.postNews(ctx)
		default:
			err = d.check(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// describe shows in words what the digest knows.
func (d *digest) describe(ctx workflow.Context) {
	s := d.state
	workflow.SetCurrentDetails(ctx, messages.AlertDetails(s.Pending.Count+s.Pending.Expiring.Count, s.Total > 0, s.FirstAt, s.LastAt))
}

// take receives every signal that has arrived. Nothing blocks between it and the
// end of a run, so no signal is lost.
func (d *digest) take(ctx workflow.Context) {
	alerts := workflow.GetSignalChannel(ctx, SignalAlert)
	for a := (AlertSignal{}); alerts.ReceiveAsync(&a); a = (AlertSignal{}) {
		d.adjust(ctx, a.Intervals)
		if d.seen.add(a.ID) {
			d.state.add(a.Alert, workflow.Now(ctx).Add(d.in.GroupWait))
		}
	}
	unparked := workflow.GetSignalChannel(ctx, SignalUnparked)
	for unparked.ReceiveAsync(nil) {
		d.state.unparked(workflow.Now(ctx).Add(d.in.GroupWait))
	}
}

// wait returns at the given time, or when a signal arrives.
func (d *digest) wait(ctx workflow.Context, at time.Time) (err error) {
	if d.timer == nil || !d.timerAt.Equal(at) {
		if d.timer != nil {
			d.stop()
		}
		timing, stop := workflow.WithCancel(ctx)
		d.timer, d.timerAt, d.stop = workflow.NewTimerWithOptions(timing, at.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: "until the next look"}), at, stop
	}
	arrived := func(workflow.ReceiveChannel, bool) {} // take receives
	s := workflow.NewSelector(ctx)
	s.AddFuture(d.timer, func(f workflow.Future) { d.timer, err = nil, f.Get(ctx, nil) })
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalAlert), arrived)
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalUnparked), arrived)
	s.Select(ctx)
	return err
}

// postNews posts what is new.
func (d *digest) postNews(ctx workflow.Context) error {
	parked, err := d.count(ctx)
	if err != nil {
		return err
	}
	d.take(ctx) // the message includes what has arrived meanwhile
	group := d.state.Pending
	group.Parked = parked
	posted, err := d.post(ctx, group)
	if err != nil {
		return err
	}
	now := workflow.Now(ctx)
	if !posted {
		d.state.Until = now.Add(min(d.in.GroupInterval, repostAfter))
		return nil
	}
	d.state.posted(now, d.in)
	switch {
	case parked == nil:
	case parked.Count == 0:
		d.state.lookBy(now.Add(d.in.GroupWait))
	default:
		d.state.Total = max(d.state.Total, parked.Count)
	}
	return nil
}

// check counts the parked uploads. It posts the resolved message where there are
// none, and a reminder when one is due.
func (d *digest) check(ctx workflow.Context) error {
	parked, err := d.count(ctx)
	if err != nil {
		return err
	}
	now := workflow.Now(ctx)
	switch d.state.judge(parked, now, d.in) {
	case stepRepeat:
		return d.repeat(ctx, parked)
	case stepResolve:
		return d.resolve(ctx)
	default:
		return nil
	}
}

func (d *digest) repeat(ctx workflow.Context, parked *messages.ParkedUploads) error {
	posted, err := d.post(ctx, messages.AlertGroup{FirstAt: d.state.FirstAt, LastAt: d.state.LastAt, Parked: parked})
	if err != nil {
		return err
	}
	pause := d.in.RepeatInterval
	if !posted {
		pause = min(pause, repostAfter)
	}
	d.state.RepeatAt = workflow.Now(ctx).Add(pause)
	return nil
}

// resolve posts that no upload is parked any more, unless one has parked
// meanwhile.
func (d *digest) resolve(ctx workflow.Context) error {
	d.take(ctx)
	if d.state.Pending.News() {
		return nil
	}
	posted, err := d.post(ctx, messages.AlertGroup{
		Count: d.state.Total, FirstAt: d.state.FirstAt, LastAt: d.state.LastAt, ResolvedAt: workflow.Now(ctx),
	})
	if err != nil {
		return err
	}
	now := workflow.Now(ctx)
	if !posted {
		d.state.lookAgain(now.Add(min(d.in.GroupInterval, repostAfter)))
		return nil
	}
	d.state.over(now)
	return nil
}

// count counts the parked uploads. It returns nil where that fails or takes too
// long, and for a group without workflows.
func (d *digest) count(ctx workflow.Context) (*messages.ParkedUploads, error) {
	if !d.state.Tracked {
		return nil, nil
	}
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              QueueControl,
		StartToCloseTimeout:    countFor / 2,
		ScheduleToCloseTimeout: countFor,
		Summary:                string(d.in.Stage) + " failed (" + string(d.in.Class) + ")",
		RetryPolicy:            unlimited(countFor / 4),
	})
	var found messages.ParkedUploads
	in := activities.CountParkedInput{Stage: d.in.Stage, Class: d.in.Class}
	err := workflow.ExecuteActivity(options, activities.TypeCountParked, in).Get(ctx, &found)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		workflow.GetLogger(ctx).Error("counting parked uploads failed", "error", err)
		return nil, nil
	}
	return &found, nil
}

// post posts one message; posted is false while the alert webhook is unavailable.
func (d *digest) post(ctx workflow.Context, group messages.AlertGroup) (posted bool, err error) {
	group.Stage, group.Class = d.in.Stage, d.in.Class
	return postMessage(ctx, activities.TypePostAlert, group)
}

// postMessage runs the activity that posts message; posted is false while the alert
// webhook is unavailable.
func postMessage(ctx workflow.Context, activity string, message any) (posted bool, err error) {
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              QueueControl,
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: postFor,
		Summary:                "to the operators' chat",
		RetryPolicy:            unlimited(repostAfter),
	})
	err = workflow.ExecuteActivity(options, activity, message).Get(ctx, nil)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		workflow.GetLogger(ctx).Error("message was not posted; retrying", "activity", activity, "error", err)
	}
	return err == nil, nil
}

// next returns the input of the next run.
func (d *digest) next() AlertDigestInput {
	next := d.in
	next.Resume = &d.state
	next.Resume.Seen = d.seen.bytes()
	return next
}
