package lag

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Board keeps the samples of a window and reports what they mean. It is not safe
// for concurrent use.
type Board struct {
	rules  Rules
	groups map[string]*watched
}

type watched struct {
	last    Look
	samples map[Partition][]Sample
}

// GroupReport is the report on a group.
type GroupReport struct {
	Group   string `json:"group"`
	Status  Status `json:"status"`
	State   string `json:"state"`
	Members int    `json:"members"`
	// Lag is the sum of the partitions' lags. Seconds is the age of the oldest
	// record that is not committed; nil if it is not known.
	Lag        int64             `json:"lag"`
	Seconds    *float64          `json:"seconds"`
	Partitions []PartitionReport `json:"partitions"`
	// Error is why the group could not be read; the other fields are empty then.
	Error string `json:"error,omitempty"`
	// Err is Error for programs.
	Err error `json:"-"`
}

// PartitionReport is the report on a partition.
type PartitionReport struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Status    Status `json:"status"`
	// Complete is the share of the window that the samples cover, 0 to 1.
	Complete float64 `json:"complete"`
	Start    int64   `json:"start"`
	End      int64   `json:"end"`
	// Committed is nil without a commit; Lag is then counted from Start.
	Committed *int64 `json:"committed"`
	Lag       int64  `json:"lag"`
	// Seconds is the age of the first record that is not committed; 0 without
	// a lag, nil if it is not known.
	Seconds *float64 `json:"seconds"`
	// Lost counts the records that were deleted before they were read.
	Lost int64 `json:"lost"`
	// In and Out are the records per second that were written, and committed, in
	// the window; nil before the second sample.
	In  *float64 `json:"in_per_second"`
	Out *float64 `json:"out_per_second"`
}

// NewBoard returns a Board that judges by r.
func NewBoard(r Rules) *Board { return &Board{rules: r, groups: make(map[string]*watched)} }

// Add adds looks. It drops the samples of groups and partitions that are not in
// them.
func (b *Board) Add(looks []Look) {
	seen := make(map[string]*watched, len(looks))
	for _, l := range looks {
		w := &watched{last: l, samples: make(map[Partition][]Sample, len(l.Partitions))}
		before := b.groups[l.Group]
		for p, sample := range l.Partitions {
			var kept []Sample
			if before != nil {
				kept = before.samples[p]
			}
			w.samples[p] = within(append(kept, sample), b.rules.Window)
		}
		seen[l.Group] = w
	}
	b.groups = seen
}

// within drops samples that are older than the window, except the last of them, so
// that the rest covers the whole window.
func within(samples []Sample, window time.Duration) []Sample {
	begin := samples[len(samples)-1].At.Add(-window)
	for len(samples) > 1 && !samples[1].At.After(begin) {
		samples = samples[1:]
	}
	return slices.Clone(samples)
}

// Reports returns the reports, sorted by group; their partitions are sorted by
// topic and number.
func (b *Board) Reports() []GroupReport {
	reports := make([]GroupReport, 0, len(b.groups))
	for _, w := range b.groups {
		reports = append(reports, w.report(b.rules.Of(w.last.Group)))
	}
	slices.SortFunc(reports, func(x, y GroupReport) int { return strings.Compare(x.Group, y.Group) })
	return reports
}

func (w *watched) report(r Rules) GroupReport {
	g := GroupReport{Group: w.last.Group, State: w.last.State, Members: w.last.Members, Partitions: []PartitionReport{}}
	if g.Err = w.last.Err; g.Err != nil {
		g.Status, g.Error = StatusUnknown, g.Err.Error()
		return g
	}
	var statuses []Status
	var oldest float64
	known := true
	for p, samples := range w.samples {
		report := reportOf(p, samples, r)
		g.Partitions = append(g.Partitions, report)
		g.Lag += report.Lag
		statuses = append(statuses, report.Status)
		if report.Seconds != nil {
			oldest = max(oldest, *report.Seconds)
		} else {
			known = false
		}
	}
	g.Status = OfGroup(statuses)
	if known {
		g.Seconds = &oldest
	}
	slices.SortFunc(g.Partitions, func(x, y PartitionReport) int {
		return cmp.Or(strings.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	})
	return g
}

func reportOf(p Partition, samples []Sample, r Rules) PartitionReport {
	first, last := samples[0], samples[len(samples)-1]
	report := PartitionReport{
		Topic: p.Topic, Partition: p.ID, Status: Evaluate(samples, r), Complete: r.Complete(samples),
		Start: last.Start, End: last.End, Lag: last.Lag(), Lost: last.Lost(),
	}
	if last.Committed != NoCommit {
		report.Committed = &last.Committed
	}
	if age, known := last.Behind(); known {
		seconds := age.Seconds()
		report.Seconds = &seconds
	}
	if span := last.At.Sub(first.At).Seconds(); span > 0 {
		in := float64(last.End-first.End) / span
		out := float64(last.Position()-first.Position()) / span
		report.In, report.Out = &in, &out
	}
	return report
}
