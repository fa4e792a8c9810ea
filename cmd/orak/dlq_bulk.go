package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"golang.org/x/time/rate"

	"orak"
	"orak/api/resource"
	"orak/client"
)

// bulk applies one decision to many dead letters. It lists them first, so that
// it can ask about their number, and remembers a cut-off time behind their last
// failure: an upload that fails again is not selected again, however often the
// bulk is interrupted and resumed. The time is that of the failures, not of a
// local clock.
type bulk struct {
	*decision
	verb
	con *console
	cl  *client.Client
	// pace bounds the decisions per second, and brake the tasks that wait.
	pace  *rate.Limiter
	brake brake
	sel   client.Selection

	plan   bulkPlan
	result bulkResult
}

// maxFailures is how many server errors in a row end a bulk.
const maxFailures = 5

// run lists what is selected, asks, and applies the decision.
func (b *bulk) run(ctx context.Context) error {
	if err := b.checkAsk(b.con); err != nil {
		return err
	}
	if err := b.gather(ctx); err != nil {
		return err
	}
	if err := b.con.showBulkPlan(b); err != nil || b.DryRun || b.plan.Count == 0 {
		return err
	}
	if !b.Yes {
		if yes, err := b.ask(ctx, b.plan.Count); err != nil || !yes {
			return err
		}
	}
	err := b.carryOut(ctx)
	if shown := b.con.showBulkResult(b, err != nil); err == nil {
		err = shown
	}
	return err
}

// preview prints what would be decided about the ids.
func (b *bulk) preview(ctx context.Context, ids []orak.UploadID) error {
	for _, id := range ids {
		letter, err := b.cl.DeadLetter(ctx, id)
		if gone(err) {
			b.plan.Gone++
			continue
		}
		if err != nil {
			return err
		}
		b.plan.add(letter.DeadLetter)
	}
	b.plan.finish(b.name)
	return b.con.showBulkPlan(b)
}

// gather lists what is selected up to the limit, and counts the rest.
func (b *bulk) gather(ctx context.Context) error {
	_, err := pages(ctx, b.cl, b.sel, func(page resource.DeadLetterPage) (bool, error) {
		for _, d := range page.DeadLetters {
			if b.plan.Count == b.Limit {
				b.plan.More++
				b.plan.cutBehind(d)
				continue
			}
			b.plan.add(d)
		}
		return false, nil
	})
	b.plan.finish(b.name)
	return err
}

// carryOut decides about one after the other.
func (b *bulk) carryOut(ctx context.Context) error {
	b.result = bulkResult{Phase: "result", Decision: b.name, Refused: map[string]int{}}
	view := newProgress(b.con, b.doing, "dead letter")
	defer view.Clear()
	view.Set(0, int64(b.plan.Count))
	b.brake.waiting = func(waits []backlog) error {
		view.Clear()
		return b.con.showWait(waits)
	}
	failures := 0
	for i, d := range b.plan.letters {
		if err := b.brake.wait(ctx); err != nil {
			return err
		}
		if err := b.pace.Wait(ctx); err != nil {
			return err
		}
		_, err := b.do(ctx, b.cl, d.ID)
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if failures++; !serverFailed(err) {
			failures = 0
		}
		var refusal *client.Error
		if err != nil && !errors.As(err, &refusal) || failures == maxFailures {
			return err
		}
		if err := b.count(d.ID, err); err != nil {
			return err
		}
		view.Set(int64(i+1), int64(b.plan.Count))
	}
	return nil
}

// serverFailed reports whether the server is at fault, not the request.
func serverFailed(err error) bool {
	var refusal *client.Error
	return errors.As(err, &refusal) && (refusal.Problem.Status >= 500 || refusal.Problem.Status == http.StatusTooManyRequests)
}

// gone reports whether an upload is not parked any more: somebody else decided,
// or it expired.
func gone(err error) bool {
	var refusal *client.Error
	return errors.As(err, &refusal) && (refusal.Problem.Status == http.StatusConflict || refusal.Problem.Status == http.StatusNotFound)
}

// count adds one outcome to the result and, with --json, prints it.
func (b *bulk) count(id orak.UploadID, err error) error {
	line := bulkLine{Phase: "decision", ID: id, Outcome: "done"}
	var refusal *client.Error
	switch {
	case err == nil:
		b.result.Done++
	case gone(err):
		b.result.Gone++
		line.Outcome = "gone"
	case serverFailed(err):
		b.result.Failed++
		line.Outcome = "failed"
	case errors.As(err, &refusal):
		b.result.Refused[cmp.Or(refusal.Problem.Detail, refusal.Problem.Title)]++
		line.Outcome = "refused"
	}
	if errors.As(err, &refusal) {
		line.Problem = &refusal.Problem
	}
	if !b.con.JSON {
		return nil
	}
	return b.con.Value(line)
}

// resume returns the command that continues the bulk: with the rest of it if it
// was stopped, otherwise with the next ones up to the limit. It selects neither
// uploads that are not parked any more nor those that failed again.
func (b *bulk) resume(stopped bool) string {
	sel := b.sel
	sel.Before = b.plan.Before
	words := append([]string{"dlq", b.name}, b.words(sel)...)
	if len(words) == 2 { // the time of no failure is known
		words = append(words, "--all")
	}
	limit := b.Limit
	if stopped {
		limit = max(limit-b.result.Done-b.result.Gone, 1)
	}
	if b.plan.More > 0 {
		words = append(words, "--limit", fmt.Sprint(limit))
	}
	return b.command(append(words, b.repeated()...)...)
}

// again returns the command that decides about ids.
func (b *bulk) again(ids []orak.UploadID) string {
	words := []string{"dlq", b.name}
	for _, id := range ids {
		words = append(words, string(id))
	}
	return b.command(append(words, b.repeated()...)...)
}

// repeated returns the flags that the next command line must give again.
func (b *bulk) repeated() []string {
	words := slices.Clone(b.flags)
	for _, f := range []struct{ name, value string }{{"rate", b.Rate}, {"backlog", fmt.Sprint(b.backlog)}, {"reason", b.Reason}, {"by", b.By}} {
		if b.con.repeats(f.name) {
			words = append(words, "--"+f.name, f.value)
		}
	}
	if b.Yes {
		words = append(words, "--yes")
	}
	if b.JSON {
		words = append(words, "--json")
	}
	return words
}
