package replay

import (
	"cmp"
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
	"golang.org/x/time/rate"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/workflows"
)

// batch is how many workflows are started between two calls of Options.Save.
const batch = 50

// Options say how a plan is run. The zero value is valid.
type Options struct {
	// Rate bounds the workflows that are started per second; 0 means no bound.
	Rate float64
	// Save is called at the beginning and after each batch with what Resume
	// needs; an error of it ends the replay. May be nil.
	Save func(Saved) error
	// Progress is called after each workflow. May be nil.
	Progress Progress
}

// Result is what a replay did, including the replays that it resumes.
type Result struct {
	// Started counts the started workflows, by the state before.
	Started map[State]int `json:"started"`
	// Overtaken counts uploads that were started or erased by others meanwhile.
	Overtaken int `json:"overtaken"`
	// Left counts recordings, named by notifications, that are gone or that the
	// API is about to announce.
	Left int `json:"left"`
	// Refused counts records that Temporal refuses, or whose recording can never
	// be processed. Examples lists the first of them.
	Refused  int      `json:"refused"`
	Examples []Record `json:"examples,omitempty"`
}

// Total returns how many workflows were started.
func (r Result) Total() int {
	n := 0
	for _, count := range r.Started {
		n += count
	}
	return n
}

// Saved is the state from which Resume continues a replay.
type Saved struct {
	Selection Selection        `json:"selection"`
	Began     time.Time        `json:"began"`
	Bounds    map[int32]Bounds `json:"bounds"`
	Done      Result           `json:"done"`
}

// Run starts the workflows that the plan chose. With an error, which includes
// the end of ctx, it returns the result so far; what was saved last can be
// resumed, and no workflow is started twice.
func (r *Replayer) Run(ctx context.Context, p *Plan, opts Options) (Result, error) {
	limit := rate.Inf
	if opts.Rate > 0 {
		limit = rate.Limit(opts.Rate)
	}
	run := &run{
		Replayer: r, plan: p, opts: opts, limiter: rate.NewLimiter(limit, 1),
		tracer: kafka.NewTracer(r.deps.Kafka.ClientID, ""), bounds: maps.Clone(p.Bounds), total: int64(p.Total()), result: p.done,
	}
	run.result.Started = make(map[State]int)
	maps.Copy(run.result.Started, p.done.Started)
	run.whole = run.result
	// From here on there is something to resume.
	if opts.Save != nil {
		if err := opts.Save(run.saved()); err != nil {
			return run.result, err
		}
	}
	err := r.readUploads(ctx, p.chosen.bounds, func(records []*kgo.Record) error { return run.visit(ctx, records) })
	if err != nil {
		return run.result, errors.Join(fmt.Errorf("replaying: %w", err), run.savePart())
	}
	return run.result, nil
}

// savePart saves what the interrupted batch has started. What it refused or
// left is read again after a resumption, and counted then.
func (r *run) savePart() error {
	if r.opts.Save == nil {
		return nil
	}
	part := r.saved()
	part.Done.Left, part.Done.Refused, part.Done.Examples = r.whole.Left, r.whole.Refused, r.whole.Examples
	return r.opts.Save(part)
}

type run struct {
	*Replayer
	plan    *Plan
	opts    Options
	limiter *rate.Limiter
	tracer  *kotel.Tracer
	bounds  map[int32]Bounds
	total   int64

	mu     sync.Mutex
	done   int64
	result Result
	// whole is the result after the last whole batch.
	whole Result
}

// chosen returns the announcements in rec that the plan chose, without the ids
// and tenants of their uploads.
func (r *run) chosen(rec *kgo.Record) []Announcement {
	var all []Announcement
	entries, _, _ := events.NotificationFrom(rec) // the plan has counted an error
	for entry := range max(1, len(entries)) {
		at := Position{Partition: rec.Partition, Offset: rec.Offset, Entry: int32(entry)}
		if r.plan.chosen.of(at) != "" {
			all = append(all, Announcement{Position: at, Record: rec})
		}
	}
	return all
}

// visit starts the uploads that were chosen among records in batches, and saves
// the progress after each.
func (r *run) visit(ctx context.Context, records []*kgo.Record) error {
	passed := 0
	var chosen []Announcement
	start := func(upTo int) error {
		if err := r.startAll(ctx, chosen); err != nil {
			return err
		}
		for ; passed < upTo; passed++ {
			b := r.bounds[records[passed].Partition]
			b.Next = records[passed].Offset + 1
			r.bounds[records[passed].Partition] = b
		}
		r.whole = r.result
		started := len(chosen) > 0
		chosen = chosen[:0]
		if r.opts.Save == nil || !started {
			return nil
		}
		return r.opts.Save(r.saved())
	}
	for i, rec := range records {
		if chosen = append(chosen, r.chosen(rec)...); len(chosen) >= batch {
			if err := start(i + 1); err != nil {
				return err
			}
		}
	}
	return start(len(records))
}

func (r *run) saved() Saved {
	done := r.result
	done.Started = maps.Clone(done.Started)
	return Saved{Selection: r.plan.Selection, Began: r.plan.Began, Bounds: maps.Clone(r.bounds), Done: done}
}

func (r *run) startAll(ctx context.Context, chosen []Announcement) error {
	group, starting := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	var ended error
	for _, a := range chosen {
		if err := r.limiter.Wait(starting); err != nil {
			ended = cmp.Or(context.Cause(starting), err)
			break
		}
		group.Go(func() error {
			if err := r.start(starting, a); err != nil {
				return err
			}
			r.tick()
			return nil
		})
	}
	return cmp.Or(group.Wait(), ended)
}

func (r *run) tick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	if r.opts.Progress != nil {
		r.opts.Progress(r.done, r.total)
	}
}

// start starts the workflow of the upload that a announces, and counts what
// became of it.
func (r *run) start(ctx context.Context, a Announcement) error {
	was := r.plan.chosen.of(a.Position)
	u, err := r.upload(ctx, a)
	switch {
	case unavailable(err):
		r.count(func(n *Result) { n.Left++ })
		return nil
	case unprocessable(err):
		r.refuse(a, err)
		return nil
	case err != nil:
		return fmt.Errorf("reading what record %d:%d announces: %w", a.Partition, a.Offset, err)
	}
	_, span := r.tracer.WithProcessSpan(a.Record)
	defer span.End()
	// It may have been erased since it was planned.
	erased, err := r.erased(ctx, u.Tenant, u.ID)
	if err != nil {
		return err
	}
	if erased {
		r.count(func(n *Result) { n.Overtaken++ })
		return nil
	}
	err = retry(trace.ContextWithSpan(ctx, span), func(ctx context.Context) error { return r.execute(ctx, a.Record, u, was) })
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	var invalid *serviceerror.InvalidArgument
	switch {
	case err == nil:
		r.count(func(n *Result) { n.Started[was]++ })
		r.log.DebugContext(ctx, "workflow started", "upload_id", u.ID, "tenant", u.Tenant, "was", was)
	case errors.As(err, &exists):
		r.count(func(n *Result) { n.Overtaken++ })
	case errors.As(err, &invalid) && !strings.Contains(strings.ToLower(invalid.Error()), "search attribute"):
		r.refuse(a, err)
		r.log.WarnContext(ctx, "workflow refused", "upload_id", u.ID, "tenant", u.Tenant, "error", err)
	default:
		return fmt.Errorf("starting workflow %s: %w", workflows.UploadWorkflowID(u.ID), err)
	}
	return nil
}

func (r *run) count(add func(*Result)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.result)
}

func (r *run) refuse(a Announcement, err error) {
	r.count(func(n *Result) {
		n.Refused++
		n.Examples = example(n.Examples, a.Record, err)
	})
}

// execute starts the upload like the bridge, with LowestPriority.
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

// cycle returns the cycle of a run that follows another: the next one where the
// upload reached its end, since a cycle has one end only.
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

// reusePolicy returns the strictest policy that allows a start from the state.
// No policy allows a second run beside an open one.
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
