package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"orak/activities"
)

// ResumeDigest is what a run of AlertDigest hands to the next.
type ResumeDigest struct {
	Pending activities.AlertGroup `json:"pending"`
	// Until is when the next message is due.
	Until time.Time `json:"until"`
	// Recent are the ids of the last alerts.
	Recent []string `json:"recent"`
}

// maxRecent is how many alerts a digest remembers to tell a repeat.
const maxRecent = 64

// postFor bounds one call of the posting activity; while the webhook is out,
// the message is taken back, grows, and is posted again after repostAfter.
const (
	postFor     = 5 * time.Minute
	repostAfter = time.Minute
)

// digest is the state of one run of AlertDigest.
type digest struct {
	in    AlertDigestInput
	state ResumeDigest
}

// AlertDigest gathers the alerts of one stage and class, which arrive as
// signals, into messages: the first after GroupWait, further ones every
// GroupInterval while new alerts arrive. It ends when none did; the next
// alert starts it again. However long the webhook is out, the message waits.
func (f *Flows) AlertDigest(ctx workflow.Context, in AlertDigestInput) error {
	d := &digest{in: in}
	if in.Resume != nil {
		d.state = *in.Resume
	} else {
		d.state.Until = workflow.Now(ctx).Add(in.GroupWait)
	}
	for {
		more, err := d.gather(ctx)
		if err != nil {
			return err
		}
		if !more {
			return workflow.NewContinueAsNewError(ctx, TypeAlertDigest, d.next())
		}
		if d.state.Pending.Count == 0 {
			return nil
		}
		posted, err := d.post(ctx)
		if err != nil {
			return err
		}
		pause := in.GroupInterval
		if !posted {
			pause = min(pause, repostAfter)
		}
		d.state.Until = workflow.Now(ctx).Add(pause)
	}
}

// gather takes alerts until the next message is due. more is false where the
// history has grown too long to go on in this run.
func (d *digest) gather(ctx workflow.Context) (more bool, err error) {
	alerts := workflow.GetSignalChannel(ctx, SignalAlert)
	timer := workflow.NewTimer(ctx, max(d.state.Until.Sub(workflow.Now(ctx)), 0))
	due := false
	s := workflow.NewSelector(ctx)
	s.AddFuture(timer, func(f workflow.Future) { err, due = f.Get(ctx, nil), true })
	s.AddReceive(alerts, func(c workflow.ReceiveChannel, _ bool) {
		for a := (activities.Alert{}); c.ReceiveAsync(&a); a = (activities.Alert{}) {
			d.add(a)
		}
	})
	for !due {
		s.Select(ctx)
		if !due && workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return false, nil
		}
	}
	for a := (activities.Alert{}); alerts.ReceiveAsync(&a); a = (activities.Alert{}) {
		d.add(a)
	}
	return true, err
}

// add counts an alert, once.
func (d *digest) add(a activities.Alert) {
	if slices.Contains(d.state.Recent, a.ID) {
		return
	}
	d.state.Recent = append(d.state.Recent, a.ID)
	if over := len(d.state.Recent) - maxRecent; over > 0 {
		d.state.Recent = d.state.Recent[over:]
	}
	one := activities.AlertGroup{Count: 1, FirstAt: a.At, LastAt: a.At, Samples: []activities.Alert{a}}
	d.state.Pending = merge(d.state.Pending, one)
}

// merge is a with b after it.
func merge(a, b activities.AlertGroup) activities.AlertGroup {
	if a.Count == 0 {
		return b
	}
	if b.FirstAt.Before(a.FirstAt) {
		a.FirstAt = b.FirstAt
	}
	if b.LastAt.After(a.LastAt) {
		a.LastAt = b.LastAt
	}
	a.Count += b.Count
	a.Samples = append(a.Samples, b.Samples...)
	a.Samples = a.Samples[:min(len(a.Samples), activities.MaxSamples)]
	return a
}

// post sends the message that is due, or leaves it pending.
func (d *digest) post(ctx workflow.Context) (posted bool, err error) {
	group := d.state.Pending
	group.Stage, group.Class = d.in.Stage, d.in.Class
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              QueuePipeline,
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: postFor,
		RetryPolicy:            unlimited(repostAfter),
	})
	err = workflow.ExecuteActivity(options, activities.TypePostAlert, group).Get(ctx, nil)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		workflow.GetLogger(ctx).Error("alert waits for its webhook", "count", group.Count, "error", err)
		return false, nil
	}
	d.state.Pending = activities.AlertGroup{}
	return true, nil
}

func (d *digest) next() AlertDigestInput {
	next := d.in
	next.Resume = &d.state
	return next
}
