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

// AlertIntervals are the intervals of an AlertDigest. GroupWait is how long the first
// message waits for more alerts, GroupInterval the interval of further ones.
// RepeatInterval is the interval of reminders while uploads of the group are parked;
// 0, which only old inputs have, means 4 h.
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

// OutageIntervals are the intervals of an OutageDigest. GroupWait is how long an
// outage must last to be posted, RepeatInterval the interval of reminders. Quiet is
// how long there must be no report before the outage can be over; it must be longer
// than the longest delay between two attempts.
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
	d.in.AlertIntervals = *i
}

// adjust uses i from now on.
func (o *outage) adjust(ctx workflow.Context, i *OutageIntervals) {
	if i == nil || min(i.GroupWait, i.RepeatInterval, i.Quiet) <= 0 || !takesIntervals(ctx) {
		return
	}
	o.in.OutageIntervals = *i
}
