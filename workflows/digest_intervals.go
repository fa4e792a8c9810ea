package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"orak/activities/messages"
)

// AlertSignal is what SignalAlert carries: an alert, and the intervals that its
// sender is set to, which the digest goes by from then on. Older senders give
// none.
type AlertSignal struct {
	messages.Alert
	Intervals *AlertIntervals `json:"intervals,omitempty"`
}

// AlertIntervals are those of an AlertDigestInput, all of them more than 0.
type AlertIntervals struct {
	GroupWait      time.Duration `json:"group_wait"`
	GroupInterval  time.Duration `json:"group_interval"`
	RepeatInterval time.Duration `json:"repeat_interval"`
}

// DownSignal is what SignalDown carries, likewise.
type DownSignal struct {
	messages.Down
	Intervals *OutageIntervals `json:"intervals,omitempty"`
}

// OutageIntervals are those of an OutageDigestInput, all of them more than 0.
type OutageIntervals struct {
	GroupWait      time.Duration `json:"group_wait"`
	RepeatInterval time.Duration `json:"repeat_interval"`
	Quiet          time.Duration `json:"quiet"`
}

// changeIntervals is when digests began to go by the intervals of the latest
// signal. A digest lives as long as uploads are parked, or an outage goes on:
// with those of its first starter it would outlive a change of the settings by
// days.
const changeIntervals = "intervals-of-the-latest-signal"

func takesIntervals(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeIntervals, workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

// adjust goes by i from now on. A repeat that is due moves by as much as the
// interval has changed.
func (d *digest) adjust(ctx workflow.Context, i *AlertIntervals) {
	if i == nil || min(i.GroupWait, i.GroupInterval, i.RepeatInterval) <= 0 || !takesIntervals(ctx) {
		return
	}
	if s := &d.state; !s.RepeatAt.IsZero() {
		s.RepeatAt = s.RepeatAt.Add(i.RepeatInterval - d.in.RepeatInterval)
	}
	d.in.GroupWait, d.in.GroupInterval, d.in.RepeatInterval = i.GroupWait, i.GroupInterval, i.RepeatInterval
}

// adjust goes by i from now on.
func (o *outage) adjust(ctx workflow.Context, i *OutageIntervals) {
	if i == nil || min(i.GroupWait, i.RepeatInterval, i.Quiet) <= 0 || !takesIntervals(ctx) {
		return
	}
	o.in.GroupWait, o.in.RepeatInterval, o.in.Quiet = i.GroupWait, i.RepeatInterval, i.Quiet
}
