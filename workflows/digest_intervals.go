package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"orak/activities/messages"
)

// AlertSignal is the content of SignalAlert: an alert, and the intervals of its
// sender, which the digest uses from then on. Older senders give none.
type AlertSignal struct {
	messages.Alert
	Intervals *AlertIntervals `json:"intervals,omitempty"`
}

// AlertIntervals are those of an AlertDigestInput; all are more than 0.
type AlertIntervals struct {
	GroupWait      time.Duration `json:"group_wait"`
	GroupInterval  time.Duration `json:"group_interval"`
	RepeatInterval time.Duration `json:"repeat_interval"`
}

// DownSignal is the content of SignalDown: a report, and the intervals of its
// sender. Older senders give none.
type DownSignal struct {
	messages.Down
	Intervals *OutageIntervals `json:"intervals,omitempty"`
}

// OutageIntervals are those of an OutageDigestInput; all are more than 0.
type OutageIntervals struct {
	GroupWait      time.Duration `json:"group_wait"`
	RepeatInterval time.Duration `json:"repeat_interval"`
	Quiet          time.Duration `json:"quiet"`
}

// changeIntervals is the change since which digests use the intervals of the latest
// signal. A digest runs as long as uploads are parked, or an outage lasts: with the
// intervals of its start it would ignore changed settings for days.
const changeIntervals = "intervals-of-the-latest-signal"

func takesIntervals(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeIntervals, workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

// adjust uses i from now on. The next reminder moves by the change of the interval.
func (d *digest) adjust(ctx workflow.Context, i *AlertIntervals) {
	if i == nil || min(i.GroupWait, i.GroupInterval, i.RepeatInterval) <= 0 || !takesIntervals(ctx) {
		return
	}
	if s := &d.state; !s.RepeatAt.IsZero() {
		s.RepeatAt = s.RepeatAt.Add(i.RepeatInterval - d.in.RepeatInterval)
	}
	d.in.GroupWait, d.in.GroupInterval, d.in.RepeatInterval = i.GroupWait, i.GroupInterval, i.RepeatInterval
}

// adjust uses i from now on.
func (o *outage) adjust(ctx workflow.Context, i *OutageIntervals) {
	if i == nil || min(i.GroupWait, i.RepeatInterval, i.Quiet) <= 0 || !takesIntervals(ctx) {
		return
	}
	o.in.GroupWait, o.in.RepeatInterval, o.in.Quiet = i.GroupWait, i.RepeatInterval, i.Quiet
}
