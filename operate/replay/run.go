package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel/trace"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/workflows"
)

// batch is how many workflows are started before the state is saved.
const batch = 50

// Options say how a plan is run. All may be left out.
type Options struct {
	// Rate is how many workflows are started a second at most; 0 means as
	// fast as Temporal takes them.
	Rate float64
	// Save is called at the beginning and after each batch with what Resume
	// needs; its error ends the replay.
	Save func(Saved) error
	// Progress counts workflows.
	Progress Progress
}

// Result is what a replay has done, over all its resumptions.
type Result struct {
	// Started counts by what was wrong before.
	Started map[State]int `json:"started"`
	// Overtaken are uploads that somebody else started, or erased, meanwhile.
	Overtaken int `json:"overtaken"`
	// Left are notified recordings that are no longer there, or that the API
	// is about to announce.
	Left int `json:"left"`
	// Refused are records that Temporal does not take, or whose recording can
	// never be processed; Examples names the first of them.
	Refused  int      `json:"refused"`
	Examples []Record `json:"examples,omitempty"`
}

// Total is how many workflows were started.
func (r Result) Total() int {
	n := 0
	for _, count := range r.Started {
		n += count
	}
	return n
}

// Saved is what a replay that was cut off goes on from.
type Saved struct {
	Selection Selection        `json:"selection"`
	Began     time.Time        `json:"began"`
	Bounds    map[int32]Bounds `json:"bounds"`
	Done      Result           `json:"done"`
}

// Run starts what the plan chose. An error, ctx's end among them, leaves the
// result as it is so far; what was saved last can be resumed, and nothing is
// started twice by that.
func (r *Replayer) Run(ctx context.Context, p *Plan, opts Options) (Result, error) {
	run := &run{
		Replayer: r, plan: p, opts: opts, pace: pacer{rate: opts.Rate},
		tracer: kafka.NewTracer(r.deps.Kafka.ClientID, ""), bounds: maps.Clone(p.Bounds), total: int64(p.Total()),
		result: Result{
			Started: maps.Clone(p.before.Started), Overtaken: p.before.Overtaken,
			Left: p.before.Left, Refused: p.before.Refused, Examples: p.before.Examples,
		},
	}
	if run.result.Started == nil {
		run.result.Started = make(map[State]int)
	}
	run.settled = run.result
	// From here on there is something to resume.
	if opts.Save != nil {
		if err := opts.Save(run.saved()); err != nil {
			return run.result, err
		}
	}
	err := r.read(ctx, run.wanted(), func(records []*kgo.Record) error { return run.visit(ctx, records) })
	if err != nil {
		return run.result, errors.Join(fmt.Errorf("replaying: %w", err), run.saveCut())
	}
	return run.result, nil
}

// saveCut counts, for who resumes, what the batch that was cut off has started.
// What it refused or left is met again, and counted then.
func (r *run) saveCut() error {
	if r.opts.Save == nil {
		return nil
	}
	cut := r.saved()
	cut.Done.Left, cut.Done.Refused, cut.Done.Examples = r.settled.Left, r.settled.Refused, r.settled.Examples
	return r.opts.Save(cut)
}

type run struct {
	*Replayer
	plan   *Plan
	opts   Options
	pace   pacer
	tracer *kotel.Tracer
	bounds map[int32]Bounds
	total  int64

	mu     sync.Mutex
	done   int64
	result Result
	// settled is the result up to the last whole batch.
	settled Result
}

// wanted are the bounds without what comes before the first and after the
// last chosen record.
func (r *run) wanted() map[int32]Bounds {
	narrow := make(map[int32]Bounds)
	for p, chosen := range r.plan.chosen {
		b := Bounds{Next: r.bounds[p].End, End: r.bounds[p].Next}
		for at := range chosen {
			b = Bounds{Next: min(b.Next, at.offset), End: max(b.End, at.offset+1)}
		}
		narrow[p] = b
	}
	return narrow
}

// pick is a chosen place, and what it was chosen for.
type pick struct {
	record *kgo.Record
	entry  int
	was    State
}

// picks are what was chosen of a record.
func (r *run) picks(rec *kgo.Record) []pick {
	var all []pick
	entries, _, _ := events.NotificationFrom(rec) // decided on in the plan
	for entry := range max(1, len(entries)) {
		if was, ok := r.plan.chosen[rec.Partition][place{rec.Offset, entry}]; ok {
			all = append(all, pick{rec, entry, was})
		}
	}
	return all
}

// visit starts the chosen ones among records, batch by batch, and saves how
// far it has come after each.
func (r *run) visit(ctx context.Context, records []*kgo.Record) error {
	settled := 0
	var chosen []pick
	settle := func(upTo int) error {
		if err := r.startAll(ctx, chosen); err != nil {
			return err
		}
		for ; settled < upTo; settled++ {
			b := r.bounds[records[settled].Partition]
			b.Next = records[settled].Offset + 1
			r.bounds[records[settled].Partition] = b
		}
		r.settled = r.result
		started := len(chosen) > 0
		chosen = chosen[:0]
		if r.opts.Save == nil || !started {
			return nil
		}
		return r.opts.Save(r.saved())
	}
	for i, rec := range records {
		if chosen = append(chosen, r.picks(rec)...); len(chosen) >= batch {
			if err := settle(i + 1); err != nil {
				return err
			}
		}
	}
	return settle(len(records))
}

func (r *run) saved() Saved {
	done := r.result
	done.Started = maps.Clone(done.Started)
	return Saved{Selection: r.plan.Selection, Began: r.plan.Began, Bounds: maps.Clone(r.bounds), Done: done}
}

func (r *run) startAll(ctx context.Context, picks []pick) error {
	group, starting := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	var late error
	for _, p := range picks {
		if late = r.pace.wait(starting); late != nil {
			break
		}
		group.Go(func() error {
			if err := r.start(starting, p); err != nil {
				return err
			}
			r.tick()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return late
}

func (r *run) tick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	if r.opts.Progress != nil {
		r.opts.Progress(r.done, r.total)
	}
}

// start starts the workflow of the upload that p announces.
func (r *run) start(ctx context.Context, p pick) error {
	rec, was := p.record, p.was
	u, err := r.announced(ctx, rec, p.entry)
	if err != nil {
		if r.leaves(rec, err) {
			return nil
		}
		return fmt.Errorf("reading what record %d:%d announces: %w", rec.Partition, rec.Offset, err)
	}
	_, span := r.tracer.WithProcessSpan(rec)
	defer span.End()
	// It may have been erased since it was planned.
	erased, err := r.erased(ctx, u.Tenant, u.ID)
	if err != nil {
		return err
	}
	if erased {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.result.Overtaken++
		return nil
	}
	err = insist(trace.ContextWithSpan(ctx, span), func(ctx context.Context) error { return r.execute(ctx, rec, u, was) })
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	var invalid *serviceerror.InvalidArgument
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.result.Started[was]++
		r.log.Debug("workflow started", "upload_id", u.ID, "tenant", u.Tenant, "was", was)
	case errors.As(err, &exists):
		r.result.Overtaken++
	case errors.As(err, &invalid) && !strings.Contains(strings.ToLower(invalid.Error()), "search attribute"):
		r.result.Refused++
		r.result.Examples = example(r.result.Examples, rec, err)
		r.log.Warn("workflow refused", "upload_id", u.ID, "tenant", u.Tenant, "error", err)
	default:
		return fmt.Errorf("starting workflow %s: %w", workflows.UploadWorkflowID(u.ID), err)
	}
	return nil
}

// execute starts it as the bridge would, but last in line.
func (r *Replayer) execute(ctx context.Context, rec *kgo.Record, u orak.Upload, was State) error {
	options := workflows.StartOptions(workflows.ProcessUploadInput{Upload: u})
	options.Priority.PriorityKey = LowestPriority
	options.WorkflowIDReusePolicy = reusePolicy(was)
	in := workflows.ProcessUploadInput{Upload: u, Origin: events.OriginOf(rec)}
	if was != Missing {
		var err error
		if in.Cycle, err = r.cycle(ctx, u.ID); err != nil {
			return err
		}
	}
	_, err := r.deps.Temporal.ExecuteWorkflow(ctx, options, workflows.TypeProcessUpload, in)
	return err
}

// cycle is where a run counts on that follows another: what came to its end has
// another one only in a cycle of its own.
func (r *Replayer) cycle(ctx context.Context, id orak.UploadID) (int, error) {
	d, err := workflows.Describe(ctx, r.deps.Temporal, workflows.UploadWorkflowID(id))
	if err != nil {
		return 0, err
	}
	p, _ := r.deps.Payloads.Progress(d.GetWorkflowExecutionInfo())
	if p.Status.Final() {
		return p.Cycle + 1, nil
	}
	return p.Cycle, nil
}

// reusePolicy allows no more than the state asks for. None of them allows a
// second run beside one that is open.
func reusePolicy(was State) enums.WorkflowIdReusePolicy {
	switch was {
	case Missing:
		return enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	case Failed:
		return enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	default:
		return enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	}
}

// pacer lets through so many a second.
type pacer struct {
	rate float64
	next time.Time
}

func (p *pacer) wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if p.rate <= 0 {
		return nil
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	turn := p.next
	p.next = p.next.Add(time.Duration(float64(time.Second) / p.rate))
	if turn.After(now) {
		return pause(ctx, turn.Sub(now))
	}
	return nil
}
