package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"orak"
	"orak/api/resource"
)

// bulkPlan is what a bulk is about to do.
type bulkPlan struct {
	Phase    string `json:"phase"`
	Decision string `json:"decision"`
	// Count is how many are taken, More how many more are selected.
	Count int `json:"count"`
	More  int `json:"more"`
	// Gone counts ids that are no dead letters.
	Gone int `json:"gone,omitempty"`
	// Before is behind the last failure of all that are selected.
	Before time.Time   `json:"before,omitzero"`
	Groups []bulkGroup `json:"groups"`

	letters []resource.DeadLetter
}

// bulkGroup are the dead letters of one stage and class.
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

// bulkLine is one decision of a bulk, as --json has it.
type bulkLine struct {
	Phase   string            `json:"phase"`
	ID      orak.UploadID     `json:"id"`
	Outcome string            `json:"outcome"`
	Problem *resource.Problem `json:"problem,omitempty"`
}

// bulkResult is what a bulk has done.
type bulkResult struct {
	Phase    string `json:"phase"`
	Decision string `json:"decision"`
	Done     int    `json:"done"`
	// Gone were not parked any more when their turn came.
	Gone int `json:"gone"`
	// Refused counts by reason.
	Refused map[string]int `json:"refused"`
	// Failed found no server to decide; they may have been done.
	Failed int `json:"failed"`
	// Left are those whose turn did not come, and Resume the command that goes
	// on with them.
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
	}
	if d.LastAt.After(g.Newest) {
		g.Newest = d.LastAt
	}
	if len(g.Samples) < maxSamples {
		g.Samples = append(g.Samples, d.ID)
	}
}

func (p *bulkPlan) rest(d resource.DeadLetter) {
	p.More++
	p.cutBehind(d)
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

func (r *bulkResult) refuse(p resource.Problem) {
	r.Refused[cmp.Or(p.Detail, p.Title)]++
}

func (r *bulkResult) refused() (n int) {
	for _, of := range r.Refused {
		n += of
	}
	return n
}

// showBulkPlan says what a bulk would do.
func (c *console) showBulkPlan(b *bulk) error {
	p := b.plan
	if c.json {
		return c.value(p)
	}
	if p.Gone > 0 {
		c.print("%s are no dead letters, or not any more.", count(p.Gone, "id"))
	}
	if p.Count == 0 {
		c.print("No dead letter is selected: nothing to %s.", b.verb)
		return nil
	}
	c.print("%s to %s:", paint(c.colorOut, bold, count(p.Count, "dead letter")), b.verb)
	for _, g := range p.Groups {
		c.print("  %s %s %6d   %s", pad(clean(string(g.Stage)), 8), pad(clean(string(g.Class)), 10), g.Count, paint(c.colorOut, faint, c.failedBetween(g)))
		for _, id := range g.Samples {
			c.print("    %s", clean(string(id)))
		}
		if rest := g.Count - len(g.Samples); rest > 0 {
			c.print("    and %d more", rest)
		}
	}
	if p.More > 0 {
		c.print("%s %d more are selected: --limit %d cuts them off.", paint(c.colorOut, yellow, c.marks.note), p.More, b.Limit)
	}
	if seconds := float64(p.Count) / b.pace.rate; b.pace.rate > 0 && p.Count > 1 {
		c.print("At %s it takes about %s.", clean(b.Rate), took(time.Duration(seconds*float64(time.Second))))
	}
	return nil
}

func (c *console) failedBetween(g bulkGroup) string {
	oldest, newest := since(c.now(), g.Oldest), since(c.now(), g.Newest)
	if oldest == newest {
		return "failed " + newest
	}
	return "failed " + oldest + " to " + newest
}

// showBulkResult says what a bulk did, and how to go on with it where it was
// stopped. Refusals are a failure.
func (c *console) showBulkResult(b *bulk, stopped bool) error {
	r := &b.result
	r.Left = b.plan.Count - r.Done - r.Gone - r.Failed - r.refused()
	if stopped || b.plan.More > 0 {
		r.Resume = b.resume(stopped)
	}
	if c.json {
		if err := c.value(r); err != nil {
			return err
		}
	} else {
		c.bulkResult(b, stopped)
	}
	if n := r.refused() + r.Failed; n > 0 {
		return fmt.Errorf("%s not decided on", count(n, "dead letter"))
	}
	return nil
}

func (c *console) bulkResult(b *bulk, stopped bool) {
	r := b.result
	c.print("%s %d %s.", paint(c.colorOut, green, c.marks.done), r.Done, either(r.Done, b.did, b.many))
	if r.Gone > 0 {
		c.print("  %d had been decided on meanwhile, or had expired.", r.Gone)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Refused)) {
		for i, line := range wrap(fmt.Sprintf("%s %d refused: %s", c.marks.failed, r.Refused[reason], clean(reason)), c.width-2) {
			if i > 0 {
				line = "  " + line
			}
			c.print("%s", line)
		}
	}
	if r.Failed > 0 {
		c.print("%s %d got no answer in time: they may have been done.", c.marks.failed, r.Failed)
	}
	if stopped {
		c.tell("Stopped with %d left. Go on with:\n  %s", r.Left, r.Resume)
	} else if b.plan.More > 0 {
		c.tell("%d more were selected. Go on with:\n  %s", b.plan.More, r.Resume)
	}
}

func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
