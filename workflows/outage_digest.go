package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
)

// ResumeOutage is the state that a run of OutageDigest passes to the next.
type ResumeOutage struct {
	// Down has all reports of this outage, merged.
	Down messages.Down `json:"down"`
	// BeganAt and SeenAt are when the first and the last report arrived.
	BeganAt time.Time `json:"began_at"`
	SeenAt  time.Time `json:"seen_at"`
	// JudgedAt is when it was first checked whether the outage lasts, and Lasts
	// whether it did, then or later. ToldAt is when a message was last posted.
	JudgedAt time.Time `json:"judged_at,omitzero"`
	Lasts    bool      `json:"lasts,omitempty"`
	ToldAt   time.Time `json:"told_at,omitzero"`
	// PostAfter is when posting is retried.
	PostAfter time.Time `json:"post_after,omitzero"`
}

// probeFor bounds a probe. One that does not end means unavailable.
const probeFor = 30 * time.Second

// outage is the state of one run of OutageDigest.
type outage struct {
	in    OutageDigestInput
	state ResumeOutage
}

// OutageDigest posts the outage of one dependency, whose reports arrive as signals,
// and its end: once when it has lasted for GroupWait, a reminder every
// RepeatInterval, and once when there was no report for Quiet and a probe finds the
// dependency available. An outage that ends before GroupWait and does not return
// within Quiet is a hiccup, and is not posted. While the alert webhook is
// unavailable the messages wait, without a limit. The intervals are those of the
// sender of the latest report.
func (f *Flows) OutageDigest(ctx workflow.Context, in OutageDigestInput) error {
	o := &outage{in: in}
	if in.Resume != nil {
		o.state = *in.Resume
	}
	for {
		o.take(ctx)
		o.describe(ctx)
		if o.state.Down.Count == 0 {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, TypeOutageDigest, o.next())
		}
		step, at := o.due()
		var err error
		if wait := at.Sub(workflow.Now(ctx)); wait > 0 {
			err = o.wait(ctx, wait)
		} else {
			err = step(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// describe shows in words what is known of the outage.
func (o *outage) describe(ctx workflow.Context) {
	down := o.state.Down
	down.Dependency = o.in.Dependency
	workflow.SetCurrentDetails(ctx, messages.OutageDetails(down, !o.state.ToldAt.IsZero()))
}

// due returns the next step, and when it is due.
func (o *outage) due() (step func(workflow.Context) error, at time.Time) {
	s := o.state
	quietAt := s.SeenAt.Add(o.in.Quiet)
	switch {
	case !s.ToldAt.IsZero():
		if repeatAt := s.ToldAt.Add(o.in.RepeatInterval); repeatAt.Before(quietAt) {
			return o.postOutage, later(repeatAt, s.PostAfter)
		}
		return o.end, later(quietAt, s.PostAfter)
	case s.JudgedAt.IsZero():
		return o.judge, s.BeganAt.Add(o.in.GroupWait)
	case s.Lasts:
		return o.postOutage, s.PostAfter
	default:
		return o.forget, quietAt
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// take receives every report that has arrived. Nothing blocks between it and the
// end of a run, so no report is lost.
func (o *outage) take(ctx workflow.Context) {
	reports := workflow.GetSignalChannel(ctx, SignalDown)
	for d := (DownSignal{}); reports.ReceiveAsync(&d); d = (DownSignal{}) {
		o.adjust(ctx, d.Intervals)
		o.add(d.Down, workflow.Now(ctx))
	}
}

func (o *outage) add(d messages.Down, now time.Time) {
	d.Count = max(d.Count, 1)
	s := &o.state
	s.SeenAt = now
	s.Lasts = s.Lasts || !s.JudgedAt.IsZero() && d.LastAt.After(s.JudgedAt)
	if s.Down.Count == 0 {
		s.BeganAt, s.Down = now, d
		return
	}
	if d.FirstAt.Before(s.Down.FirstAt) {
		s.Down.FirstAt = d.FirstAt
	}
	if d.LastAt.After(s.Down.LastAt) {
		s.Down.LastAt = d.LastAt
	}
	s.Down.Count += d.Count
	s.Down.Message = d.Message
}

// wait returns after d, or when a report arrives.
func (o *outage) wait(ctx workflow.Context, d time.Duration) (err error) {
	timing, stop := workflow.WithCancel(ctx)
	defer stop()
	s := workflow.NewSelector(ctx)
	s.AddFuture(workflow.NewTimerWithOptions(timing, d, workflow.TimerOptions{Summary: "until the next look"}), func(f workflow.Future) { err = f.Get(ctx, nil) })
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalDown), func(workflow.ReceiveChannel, bool) {}) // take receives
	s.Select(ctx)
	return err
}

// judge distinguishes an outage from a hiccup, once it has lasted for GroupWait.
func (o *outage) judge(ctx workflow.Context) error {
	up, err := o.probe(ctx)
	if err != nil {
		return err
	}
	o.state.JudgedAt = workflow.Now(ctx)
	if !up {
		o.found(workflow.Now(ctx))
	}
	return nil
}

// found adds the result of a probe: the dependency is unavailable.
func (o *outage) found(now time.Time) {
	o.state.SeenAt, o.state.Lasts = now, true
	o.state.Down.LastAt = later(o.state.Down.LastAt, now)
}

// forget drops a hiccup, unless a probe finds the dependency unavailable.
func (o *outage) forget(ctx workflow.Context) error {
	return o.confirmEnd(ctx, func() error { o.over(); return nil })
}

// end posts that the outage is over, unless a probe finds that it is not.
func (o *outage) end(ctx workflow.Context) error {
	return o.confirmEnd(ctx, func() error {
		posted, err := o.post(ctx, messages.Outage{OverAt: workflow.Now(ctx)})
		if posted {
			o.over()
		}
		return err
	})
}

// confirmEnd calls done if the outage is over: a probe finds the dependency
// available, and no report has arrived meanwhile.
func (o *outage) confirmEnd(ctx workflow.Context, done func() error) error {
	up, err := o.probe(ctx)
	if err != nil {
		return err
	}
	if !up {
		o.found(workflow.Now(ctx))
		return nil
	}
	before := o.state.Down.Count
	if o.take(ctx); o.state.Down.Count > before {
		return nil
	}
	return done()
}

// over resets the state: a later report is of another outage.
func (o *outage) over() { o.state = ResumeOutage{} }

// postOutage posts that there is an outage, or that it still lasts.
func (o *outage) postOutage(ctx workflow.Context) error {
	posted, err := o.post(ctx, messages.Outage{Repeated: !o.state.ToldAt.IsZero()})
	if posted {
		o.state.ToldAt = workflow.Now(ctx)
	}
	return err
}

// post posts one message; posted is false while the alert webhook is unavailable.
func (o *outage) post(ctx workflow.Context, message messages.Outage) (posted bool, err error) {
	message.Down = o.state.Down
	message.Dependency = o.in.Dependency
	posted, err = postMessage(ctx, activities.TypePostOutage, message)
	if err == nil && !posted {
		o.state.PostAfter = workflow.Now(ctx).Add(repostAfter)
	}
	return posted, err
}

// probe checks whether the dependency is available, where it is used: the converter
// on a converting worker. A probe without a result means unavailable.
func (o *outage) probe(ctx workflow.Context) (up bool, err error) {
	queue := QueueControl
	if o.in.Dependency == orak.DependencyConverter {
		queue = QueueConvert
	}
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              queue,
		StartToCloseTimeout:    probeFor,
		ScheduleToCloseTimeout: 2 * probeFor,
		Summary:                string(o.in.Dependency),
		RetryPolicy:            unlimited(probeFor),
	})
	err = workflow.ExecuteActivity(options, activities.TypeProbeDependency, o.in.Dependency).Get(ctx, &up)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		workflow.GetLogger(ctx).Warn("probing a dependency failed", "dependency", string(o.in.Dependency), "error", err)
		return false, nil
	}
	return up, nil
}

// next returns the input of the next run.
func (o *outage) next() OutageDigestInput {
	next := o.in
	next.Resume = &o.state
	return next
}
