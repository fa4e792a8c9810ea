package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"orak"
	"orak/api/resource"
	"orak/internal/terminal"
)

// bulkPlan is what a bulk would do.
type bulkPlan struct {
	Phase    string `json:"phase"`
	Decision string `json:"decision"`
	// Count is the number to decide about, More that of the others selected.
	Count int `json:"count"`
	More  int `json:"more"`
	// Gone counts ids that are not dead letters.
	Gone int `json:"gone,omitempty"`
	// Before is behind the last failure of all selected.
	Before time.Time   `json:"before,omitzero"`
	Groups []bulkGroup `json:"groups"`

	letters []resource.DeadLetter
}

// bulkGroup is the dead letters of one stage and class.
type bulkGroup struct {
	Stage orak.Stage `json:"stage"`
	Class orak.Class `json:"class"`
	Count int        `json:"count"`
	// Oldest and Newest are the times of last failures.
	Oldest time.Time `json:"oldest"`
	Newest time.Time `json:"newest"`
	// Samples are the first ids, maxSamples at most.
	Samples []orak.UploadID `json:"samples"`
}

const maxSamples = 3

// bulkLine is one decision of a bulk, as --json prints it.
type bulkLine struct {
	Phase   string            `json:"phase"`
	ID      orak.UploadID     `json:"id"`
	Outcome string            `json:"outcome"`
	Problem *resource.Problem `json:"problem,omitempty"`
}

// bulkResult is what a bulk did.
type bulkResult struct {
	Phase    string `json:"phase"`
	Decision string `json:"decision"`
	Done     int    `json:"done"`
	// Gone counts those that were not parked any more.
	Gone int `json:"gone"`
	// Refused counts by reason.
	Refused map[string]int `json:"refused"`
	// Failed counts server errors; the decision may have been carried out.
	Failed int `json:"failed"`
	// Left counts those not decided about, and Resume is the command that
	// continues with them.
	Left   int    `json:"left"`
	Resume string `json:"resume,omitempty"`
}

func (p *bulkPlan) add(d resource.DeadLetter) {
	p.letters = append(p.letters, d)
	p.Count++
	p.cutBehind(d)
	i := slices.IndexFunc(p.Groups, func(g bulkGroup) bool { return g.Stage == d.Failure.Stage && g.Class == d.Failure.Class })
	if i < 0 {
		i = len(p.Groups)
		p.Groups = append(p.Groups, bulkGroup{Stage: d.Failure.Stage, Class: d.Failure.Class, Oldest: d.LastAt, Newest: d.LastAt})
	}
	g := &p.Groups[i]
	g.Count++
	if d.LastAt.Before(g.Oldest) {
		g.Oldest = d.LastAt
	} else if d.LastAt.After(g.Newest) {
		g.Newest = d.LastAt
	}
	if len(g.Samples) < maxSamples {
		g.Samples = append(g.Samples, d.ID)
	}
}

func (p *bulkPlan) cutBehind(d resource.DeadLetter) {
	if behind := d.LastAt.Add(time.Nanosecond); behind.After(p.Before) {
		p.Before = behind.UTC()
	}
}

func (p *bulkPlan) finish(verb string) {
	p.Phase, p.Decision = "plan", verb
	slices.SortFunc(p.Groups, func(a, b bulkGroup) int { return cmp.Compare(b.Count, a.Count) })
	if p.Groups == nil {
		p.Groups = []bulkGroup{}
	}
}

func (r *bulkResult) refused() (n int) {
	for _, of := range r.Refused {
		n += of
	}
	return n
}

// showBulkPlan prints what a bulk would do.
func (c *console) showBulkPlan(b *bulk) error {
	p := b.plan
	if c.JSON {
		return c.Value(p)
	}
	if p.Gone > 0 {
		c.Print("%s: not dead letters, or not any more.", terminal.Count(p.Gone, "id"))
	}
	if p.Count == 0 {
		c.Print("No dead letter is selected: nothing to %s.", b.name)
		return nil
	}
	c.Print("%s to %s:", c.Paint(terminal.Bold, terminal.Count(p.Count, "dead letter")), b.name)
	for _, g := range p.Groups {
		c.Print("  %s %s %6d   %s", terminal.Pad(terminal.Clean(string(g.Stage)), 8), terminal.Pad(terminal.Clean(string(g.Class)), 10), g.Count, c.Paint(terminal.Faint, c.failedBetween(g)))
		for _, id := range g.Samples {
			c.Print("    %s", terminal.Clean(string(id)))
		}
		if rest := g.Count - len(g.Samples); rest > 0 {
			c.Print("    and %d more", rest)
		}
	}
	if p.More > 0 {
		c.Print("%s %d more are selected, beyond --limit %d.", c.Paint(terminal.Yellow, c.Marks.Note), p.More, b.Limit)
	}
	if limit := b.pace.Limit(); limit != rate.Inf && p.Count > 1 {
		seconds := float64(p.Count) / float64(limit)
		longer := ""
		if b.backlog > 0 {
			longer = fmt.Sprintf(", longer while %s or more wait", terminal.Count(int(b.backlog), "task"))
		}
		c.Print("At %s it takes about %s%s.", terminal.Clean(b.Rate), terminal.Took(time.Duration(seconds*float64(time.Second))), longer)
	}
	return nil
}

func (c *console) failedBetween(g bulkGroup) string {
	oldest, newest := c.Since(g.Oldest), c.Since(g.Newest)
	if oldest == newest {
		return "failed " + newest
	}
	return "failed " + oldest + " to " + newest
}

// showBulkResult prints what a bulk did, and how to continue if it was stopped.
// Refusals make it an error.
func (c *console) showBulkResult(b *bulk, stopped bool) error {
	r := &b.result
	r.Left = b.plan.Count - r.Done - r.Gone - r.Failed - r.refused()
	if stopped || b.plan.More > 0 {
		r.Resume = b.resume(stopped)
	}
	if c.JSON {
		if err := c.Value(r); err != nil {
			return err
		}
	} else {
		c.bulkResult(b, stopped)
	}
	if n := r.refused() + r.Failed; n > 0 {
		return fmt.Errorf("%s not decided", terminal.Count(n, "dead letter"))
	}
	return nil
}

func (c *console) bulkResult(b *bulk, stopped bool) {
	r := b.result
	c.Print("%s %d %s.", c.Paint(terminal.Green, c.Marks.Done), r.Done, either(r.Done, b.did, b.many))
	if r.Gone > 0 {
		c.Print("  %d had been decided or had expired in the meantime.", r.Gone)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Refused)) {
		for i, line := range terminal.Wrap(fmt.Sprintf("%s %d refused: %s", c.Marks.Failed, r.Refused[reason], terminal.Clean(reason)), c.Width-2) {
			if i > 0 {
				line = "  " + line
			}
			c.Print("%s", line)
		}
	}
	if r.Failed > 0 {
		c.Print("%s %d got no answer in time: the decision may have been carried out.", c.Marks.Failed, r.Failed)
	}
	if stopped {
		c.Tell("Stopped with %d left. Continue with:\n  %s", r.Left, r.Resume)
	} else if b.plan.More > 0 {
		c.Tell("%d more are selected. Continue with:\n  %s", b.plan.More, r.Resume)
	}
}

func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
