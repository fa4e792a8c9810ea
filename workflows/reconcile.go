package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak/activities"
	"orak/activities/messages"
)

// ResumeReconcile is the state that a run of Reconcile passes to the next.
type ResumeReconcile struct {
	Report ReconcileReport `json:"report"`
	// Step continues at Cursor.
	Step   activities.ReconcileStep `json:"step"`
	Cursor string                   `json:"cursor"`
}

// maxPages is the number of activities of a run of Reconcile or CompactLake, which
// then continues as a new one.
const maxPages = 25

// An activity repairs pages for stretch, so that a step usually takes one, and is
// tried for reconcileFor; then its step is left to the next scheduled Reconcile.
const (
	stretch       = 5 * time.Minute
	reconcileOnce = 10 * time.Minute
	reconcileFor  = 25 * time.Minute
)

// changeTasks is the change since which Reconcile has the step StepTasks.
const changeTasks = "tasks"

// reconcile is the state of one run of Reconcile.
type reconcile struct {
	in        ReconcileInput
	report    ReconcileReport
	stretches int
}

// Reconcile finds and repairs inconsistencies, step by step, in as many runs as
// necessary. An activity goes through many pages and keeps its place in its
// heartbeats, so that the history of a run does not grow with the uploads. A step that fails does not stop the others. A step begins where the result
// of the last Reconcile says.
func (f *Flows) Reconcile(ctx workflow.Context, in ReconcileInput) (ReconcileReport, error) {
	r := &reconcile{in: in}
	steps, cursor := activities.ReconcileSteps(), ""
	if in.Resume != nil {
		r.report, cursor = in.Resume.Report, in.Resume.Cursor
		at := slices.Index(steps, in.Resume.Step)
		if at < 0 {
			return r.report, fmt.Errorf("unknown step %.40q to continue with", in.Resume.Step)
		}
		steps = steps[at:]
	} else if err := r.begin(ctx); err != nil {
		return r.report, err
	}
	for _, step := range steps {
		r.describe(ctx, step)
		if step == activities.StepTasks && workflow.GetVersion(ctx, changeTasks, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			continue
		}
		rest, err := r.step(ctx, step, cursor)
		if err != nil {
			return r.report, err
		}
		if rest != nil {
			return r.report, r.continueAsNew(ctx, step, *rest)
		}
		cursor = ""
		if err := r.show(ctx); err != nil {
			return r.report, err
		}
	}
	r.report.EndedAt = workflow.Now(ctx).UTC()
	return r.report, r.show(ctx)
}

// begin takes over the marks of the last Reconcile.
func (r *reconcile) begin(ctx workflow.Context) error {
	r.report = ReconcileReport{BeganAt: workflow.Now(ctx).UTC()}
	if !workflow.HasLastCompletionResult(ctx) {
		return nil
	}
	var last ReconcileReport
	if err := workflow.GetLastCompletionResult(ctx, &last); err != nil {
		return fmt.Errorf("reading the result of the last run: %w", err)
	}
	r.report.Marks = last.Marks
	return nil
}

// step runs a step from cursor on. rest is the cursor at which another
// run continues; nil at the end of the step.
func (r *reconcile) step(ctx workflow.Context, step activities.ReconcileStep, cursor string) (rest *string, err error) {
	for {
		if r.stretches == maxPages {
			return &cursor, nil
		}
		done, err := r.stretch(ctx, step, cursor)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			workflow.GetLogger(ctx).Error("step of the reconciliation failed; the next run repeats it", "step", string(step), "error", err)
			r.add(step, activities.ReconcileCounts{Errors: 1})
			r.report.GaveUp = append(r.report.GaveUp, step)
			return nil, nil
		}
		r.add(step, done.Counts)
		if done.Cursor == "" {
			r.mark(step, done.Mark)
			return nil, nil
		}
		cursor = done.Cursor
	}
}

// stretch runs one activity: pages of a step from cursor on.
func (r *reconcile) stretch(ctx workflow.Context, step activities.ReconcileStep, cursor string) (activities.Reconciled, error) {
	r.stretches++
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              QueuePipeline,
		StartToCloseTimeout:    reconcileOnce,
		ScheduleToCloseTimeout: reconcileFor,
		HeartbeatTimeout:       30 * time.Second,
		Summary:                string(step),
		Priority:               temporal.Priority{PriorityKey: LowestPriority},
		RetryPolicy:            unlimited(time.Minute),
	})
	var done activities.Reconciled
	err := workflow.ExecuteActivity(options, activities.TypeReconcilePage, activities.ReconcilePage{
		Step: step, For: stretch, Size: r.in.Page, Mark: r.report.Marks[step], Cursor: cursor, Began: r.report.BeganAt,
	}).Get(ctx, &done)
	return done, err
}

// describe shows in words how far the reconciliation is.
func (r *reconcile) describe(ctx workflow.Context, step activities.ReconcileStep) {
	gaveUp := make([]string, len(r.report.GaveUp))
	for i, s := range r.report.GaveUp {
		gaveUp[i] = string(s)
	}
	workflow.SetCurrentDetails(ctx, messages.ReconcileDetails(string(step), gaveUp))
}

func (r *reconcile) add(step activities.ReconcileStep, c activities.ReconcileCounts) {
	if r.report.Steps == nil {
		r.report.Steps = make(map[activities.ReconcileStep]activities.ReconcileCounts)
	}
	r.report.Steps[step] = r.report.Steps[step].Plus(c)
}

func (r *reconcile) mark(step activities.ReconcileStep, mark string) {
	if r.report.Marks == nil {
		r.report.Marks = make(map[activities.ReconcileStep]string)
	}
	r.report.Marks[step] = mark
}

// show writes the report to the memo, for readers of the running workflow.
func (r *reconcile) show(ctx workflow.Context) error {
	public := r.report
	public.Marks = nil
	if err := workflow.UpsertMemo(ctx, map[string]any{MemoReconciled: public}); err != nil {
		return fmt.Errorf("writing memo: %w", err)
	}
	return nil
}

func (r *reconcile) continueAsNew(ctx workflow.Context, step activities.ReconcileStep, cursor string) error {
	next := r.in
	next.Resume = &ResumeReconcile{Report: r.report, Step: step, Cursor: cursor}
	return workflow.NewContinueAsNewError(ctx, TypeReconcile, next)
}
