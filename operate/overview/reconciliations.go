package overview

import (
	"context"
	"errors"

	"orak"
	"orak/activities"
	"orak/api/resource"
	"orak/operate/reconcile"
)

// Reconciliations returns the last runs of the reconciliation, at most limit.
func (o *Overview) Reconciliations(ctx context.Context, limit int) (resource.Reconciliations, error) {
	found, err := o.history.Get(ctx, limit)
	return found, temporalDown("listing reconciliations", err)
}

func (o *Overview) readReconciliations(ctx context.Context, limit int) (resource.Reconciliations, error) {
	answer := resource.Reconciliations{Runs: []resource.Reconciliation{}}
	runs, err := o.runs.History(ctx, limit)
	if err != nil {
		return answer, err
	}
	for _, run := range runs {
		answer.Runs = append(answer.Runs, o.reconciliation(run))
	}
	next, paused, err := o.runs.Next(ctx)
	if err != nil && !errors.Is(err, reconcile.ErrNoSchedule) {
		return answer, err
	}
	answer.NextAt, answer.Paused = next, paused
	return answer, nil
}

func (o *Overview) reconciliation(run reconcile.Run) resource.Reconciliation {
	r := resource.Reconciliation{
		WorkflowID: run.WorkflowID, RunID: run.RunID, WebUI: o.webUI(run.WorkflowID, run.RunID), Status: run.Status,
		BeganAt: run.Report.BeganAt, EndedAt: run.Report.EndedAt, Steps: []resource.ReconcileStep{},
	}
	for _, step := range activities.ReconcileSteps() {
		c, begun := run.Report.Steps[step]
		if !begun {
			continue
		}
		r.Steps = append(r.Steps, resource.ReconcileStep{
			Step: string(step), Examined: c.Examined, Published: c.Published, Dropped: c.Dropped, Started: c.Started, Restarted: c.Restarted,
			Stuck: c.Stuck, Rewritten: c.Rewritten, Strays: c.Strays, Failing: c.Failing, Errors: c.Errors,
		})
	}
	for _, step := range run.Report.GaveUp {
		r.GaveUp = append(r.GaveUp, string(step))
	}
	return r
}

// Reconcile begins a reconciliation now, or after the one that runs.
func (o *Overview) Reconcile(ctx context.Context) (resource.ReconcileRequested, error) {
	ctx, cancel := context.WithTimeout(ctx, triggerWait)
	defer cancel()
	at := now()
	err := o.runs.Trigger(ctx)
	if errors.Is(err, reconcile.ErrNoSchedule) {
		err = &orak.Fault{Class: orak.ClassDependency, Message: "No worker has created the schedule of the reconciliation yet.", Err: err}
	}
	if err != nil {
		return resource.ReconcileRequested{}, temporalDown("starting a reconciliation", err)
	}
	return resource.ReconcileRequested{Status: "requested", RequestedAt: at}, nil
}
