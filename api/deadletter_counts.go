package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/api/resource"
	"orak/internal/flight"
)

// The bounds of counting: how many dead letters are read for their messages, how many at
// most where each must be read, how many messages are listed, and how long an answer is
// given to later callers.
const (
	maxMessagesRead = 200
	maxLettersRead  = 20_000
	lettersPage     = 200 // larger ones take longer than their parts
	maxMessages     = 20
	sharedFor       = 3 * time.Second
	maxShared       = 100
)

// countKey is a selection as a key. Bounds of time are whole seconds, so that callers
// who give an age share an answer.
type countKey struct {
	tenant          orak.Tenant
	stages, classes string
	after, before   time.Time
	text            string
}

func countKeyOf(sel selection) countKey {
	return countKey{
		tenant: sel.tenant, stages: joined(set(sel.stages), ","), classes: joined(set(sel.classes), ","),
		after: sel.after.Truncate(time.Second), before: sel.before.Truncate(time.Second), text: sel.text,
	}
}

// set returns values in one order and without repeats, so that the same question has one
// key.
func set[T ~string](values []T) []T { return slices.Compact(slices.Sorted(slices.Values(values))) }

func (k countKey) selection() selection {
	return selection{tenant: k.tenant, stages: split[orak.Stage](k.stages), classes: split[orak.Class](k.classes), after: k.after, before: k.before, text: k.text}
}

func split[T ~string](text string) (values []T) {
	for word := range strings.SplitSeq(text, ",") {
		if word != "" {
			values = append(values, T(word))
		}
	}
	return values
}

func (s *Server) newCounts(m *flight.Metrics) *flight.Cache[countKey, resource.DeadLetterCounts] {
	cfg := flight.Config[countKey]{Name: "dead_letter_counts", TTL: sharedFor, Timeout: s.cfg.StatusTimeout, MaxKeys: maxShared, Admit: s.admitCount}
	return flight.New(cfg, m,
		func(ctx context.Context, k countKey) (resource.DeadLetterCounts, error) {
			return s.count(ctx, k.selection())
		})
}

// admitCount takes a place for a count that reads each dead letter. The others are some
// requests, whose answers are shared.
func (s *Server) admitCount(k countKey) (release func(), err error) {
	if !k.selection().looks() {
		return func() {}, nil
	}
	release, err = s.counting.take(k.tenant)
	switch {
	case errors.Is(err, errNoPlaceOfTenant):
		return nil, soon(refuse(codeRateLimited, fmt.Sprintf("The tenant may have dead letters read for %d counts at once by each instance of the server.", s.cfg.MaxTenantCounts)))
	case err != nil:
		return nil, soon(refuse(codeUnavailable, "The service is reading dead letters for as many counts as it can at once. Try again later."))
	}
	return release, nil
}

// soon has the caller of a bound try again in a second.
func soon(r *refusal) *refusal {
	r.again = time.Second
	return r
}

// getDeadLetterCounts counts the selected parked uploads.
func (s *Server) getDeadLetterCounts(c *fiber.Ctx) error {
	sel, err := s.selectionOf(c, time.Now(), filters)
	if err != nil {
		return err
	}
	counts, err := s.counts.Get(c.UserContext(), countKeyOf(sel))
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r
	}
	if err != nil {
		return refuse(codeUnavailable, "The dead letters cannot be counted at the moment.").because(fmt.Errorf("counting workflows: %w", err))
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(counts)
}

// tally counts dead letters by group and message.
type tally struct {
	groups   map[failureGroup]int64
	since    map[failureGroup]time.Time
	messages map[resource.DeadLetterMessage]int64 // with a Count of 0
	// examined are those that were read, and matched those that were selected.
	examined, matched int64
}

type failureGroup struct {
	stage orak.Stage
	class orak.Class
}

func newTally() tally {
	return tally{groups: map[failureGroup]int64{}, since: map[failureGroup]time.Time{}, messages: map[resource.DeadLetterMessage]int64{}}
}

func (t *tally) add(d resource.DeadLetter) {
	f := d.Failure
	g := failureGroup{f.Stage, f.Class}
	t.matched++
	t.groups[g]++
	if since, ok := t.since[g]; !d.LastAt.IsZero() && (!ok || d.LastAt.Before(since)) {
		t.since[g] = d.LastAt
	}
	t.messages[resource.DeadLetterMessage{Stage: f.Stage, Class: f.Class, Message: f.Message}]++
}

// count counts a selection. Where visibility can evaluate all of it, the counts are
// Temporal's own. Visibility groups by no search attribute of ours, so that there is a
// request for each group that is not empty.
func (s *Server) count(ctx context.Context, sel selection) (resource.DeadLetterCounts, error) {
	t := newTally()
	if sel.looks() {
		exact, err := s.read(ctx, sel, maxLettersRead, &t)
		if err != nil && t.examined == 0 {
			return resource.DeadLetterCounts{}, err
		}
		return t.counts(t.matched, exact && err == nil), nil
	}
	total, err := s.countGroups(ctx, sel, t.groups)
	if err != nil && total == 0 {
		return resource.DeadLetterCounts{}, err
	}
	read := newTally()
	if total > 0 {
		// The messages are a help; the counts hold without them.
		_, _ = s.read(ctx, sel, maxMessagesRead, &read)
	}
	t.messages, t.examined = read.messages, read.examined
	if read.examined >= total {
		t.since = read.since // the latest alone do not say when it began
	}
	return t.counts(total, err == nil), nil
}

// countGroups counts the dead letters of each stage and class. With an error, the total
// that was counted before it still holds, and groups may lack some.
func (s *Server) countGroups(ctx context.Context, sel selection, groups map[failureGroup]int64) (total int64, err error) {
	if total, err = s.countOf(ctx, sel); err != nil || total == 0 {
		return total, err
	}
	left := total
	for _, stage := range orDefault(sel.stages, orak.FailureStages()) {
		if left <= 0 {
			break
		}
		of := sel
		of.stages = []orak.Stage{stage}
		here, err := s.countOf(ctx, of)
		if err != nil {
			return total, err
		}
		left -= here
		for _, class := range orDefault(sel.classes, orak.Classes()) {
			if here <= 0 {
				break
			}
			of.classes = []orak.Class{class}
			n, err := s.countOf(ctx, of)
			if err != nil {
				return total, err
			}
			if n > 0 {
				groups[failureGroup{stage, class}] = n
			}
			here -= n
		}
	}
	return total, nil
}

func orDefault[T any](given, all []T) []T {
	if len(given) > 0 {
		return given
	}
	return all
}

func (s *Server) countOf(ctx context.Context, sel selection) (int64, error) {
	counted, err := s.workflows.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: sel.query()})
	return counted.GetCount(), err
}

// read adds to t the dead letters that match, the latest first, of at most most that it
// reads. all is false if there are more.
func (s *Server) read(ctx context.Context, sel selection, most int, t *tally) (all bool, err error) {
	var token []byte
	query := sel.query()
	for t.examined < int64(most) {
		resp, err := s.workflows.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: lettersPage, NextPageToken: token, Query: query})
		if err != nil {
			return false, err
		}
		for _, info := range resp.GetExecutions() {
			p, _ := s.payloads.Progress(info)
			if d := s.deadLetter(p, info.GetExecution().GetWorkflowId(), info.GetExecution().GetRunId()); !sel.looks() || sel.matches(d) {
				t.add(d)
			}
		}
		t.examined += int64(len(resp.GetExecutions()))
		if token = resp.GetNextPageToken(); len(token) == 0 {
			return true, nil
		}
	}
	return false, nil
}

// counts returns the wire form of t.
func (t tally) counts(total int64, exact bool) resource.DeadLetterCounts {
	counts := resource.DeadLetterCounts{
		Total: total, Exact: exact, Examined: t.examined, CheckedAt: time.Now().UTC(),
		Stages: []resource.StageCount{}, Classes: []resource.ClassCount{}, Groups: []resource.DeadLetterGroup{}, Messages: []resource.DeadLetterMessage{},
	}
	stages, classes := map[orak.Stage]int64{}, map[orak.Class]int64{}
	for g, n := range t.groups {
		counts.Groups = append(counts.Groups, resource.DeadLetterGroup{Stage: g.stage, Class: g.class, Count: n, Since: t.since[g].UTC()})
		stages[g.stage] += n
		classes[g.class] += n
	}
	slices.SortFunc(counts.Groups, func(a, b resource.DeadLetterGroup) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Class, b.Class))
	})
	for _, stage := range inOrder(stages, orak.FailureStages()) {
		counts.Stages = append(counts.Stages, resource.StageCount{Stage: stage, Count: stages[stage]})
	}
	for _, class := range inOrder(classes, orak.Classes()) {
		counts.Classes = append(counts.Classes, resource.ClassCount{Class: class, Count: classes[class]})
	}
	for m, n := range t.messages {
		m.Count = n
		counts.Messages = append(counts.Messages, m)
	}
	slices.SortFunc(counts.Messages, func(a, b resource.DeadLetterMessage) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Class, b.Class))
	})
	counts.Messages = counts.Messages[:min(len(counts.Messages), maxMessages)]
	return counts
}

// inOrder returns the keys of counts in an order; those that it lacks come last. The
// failure of a dead letter whose memo cannot be read is empty.
func inOrder[T cmp.Ordered](counts map[T]int64, order []T) []T {
	return slices.SortedFunc(maps.Keys(counts), func(a, b T) int {
		at := func(v T) int {
			if i := slices.Index(order, v); i >= 0 {
				return i
			}
			return len(order)
		}
		return cmp.Or(cmp.Compare(at(a), at(b)), cmp.Compare(a, b))
	})
}
