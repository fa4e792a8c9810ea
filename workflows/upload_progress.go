package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/events"
)

// at returns the progress as it would be now with the given status.
func (u *upload) at(ctx workflow.Context, s orak.Status, stage orak.Stage, f *orak.Failure) orak.Progress {
	p := u.progress
	p.Status, p.Stage, p.Failure = s, stage, f
	p.UpdatedAt = workflow.Now(ctx).UTC()
	return p
}

// show shows a change of status in the memo, the search attributes and the query.
func (u *upload) show(ctx workflow.Context, s orak.Status, stage orak.Stage, f *orak.Failure) error {
	next := u.at(ctx, s, stage, f)
	if same(u.progress, next) {
		return nil
	}
	u.progress = next
	return u.write(ctx)
}

// showRunning shows that a stage runs. The last one is shown only where it takes an
// activity.
func (u *upload) showRunning(ctx workflow.Context, stage orak.Stage) error {
	if u.brief && stage == orak.StagePublish && u.analysis == nil {
		return nil
	}
	return u.show(ctx, stage.Running(), stage, nil)
}

// mark adds to the timeline; the next write shows it.
func (u *upload) mark(marks ...orak.Mark) {
	for _, m := range marks {
		u.progress.Timeline = orak.AddMark(u.progress.Timeline, m, orak.MaxMarks)
	}
}

// write writes the progress to the memo and the search attributes.
func (u *upload) write(ctx workflow.Context) error {
	u.describe(ctx)
	if err := workflow.UpsertMemo(ctx, map[string]any{MemoProgress: u.progress}); err != nil {
		return fmt.Errorf("writing memo: %w", err)
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, attributeUpdates(ctx, u.progress)...); err != nil {
		return fmt.Errorf("writing search attributes: %w", err)
	}
	return nil
}

// describe shows in words where the upload stands. It costs no history: Temporal asks a
// worker for the text.
func (u *upload) describe(ctx workflow.Context) {
	var expires time.Time
	if u.parked() && u.ending == "" && !u.parkedAt.IsZero() {
		expires = u.parkedAt.Add(u.settings.ParkFor)
	}
	p := u.progress
	if p.UpdatedAt.IsZero() {
		p.UpdatedAt = workflow.GetInfo(ctx).WorkflowStartTime
	}
	workflow.SetCurrentDetails(ctx, messages.UploadDetails(p, expires))
}

// same reports whether only the time has changed.
func same(a, b orak.Progress) bool {
	return a.Status == b.Status && a.Stage == b.Stage && a.Cycle == b.Cycle && a.Failure == b.Failure
}

// attributeUpdates returns the updates that turn the search attributes of the workflow
// into those of p. Empty ones are removed. The status is always among the updates: an
// upsert without any is refused.
func attributeUpdates(ctx workflow.Context, p orak.Progress) (updates []temporal.SearchAttributeUpdate) {
	shown := workflow.GetTypedSearchAttributes(ctx)
	class := ""
	if p.Failure != nil {
		class = string(p.Failure.Class)
	}
	for _, a := range []struct {
		key   temporal.SearchAttributeKeyKeyword
		value string
	}{
		{AttrTenant, string(p.Upload.Tenant)},
		{AttrStatus, string(p.Status)},
		{AttrStage, string(p.Stage)},
		{AttrFailure, class},
	} {
		if old, _ := shown.GetKeyword(a.key); old != a.value || a.key == AttrStatus {
			updates = append(updates, keyword(a.key, a.value))
		}
	}
	return updates
}

func keyword(key temporal.SearchAttributeKeyKeyword, value string) temporal.SearchAttributeUpdate {
	if value == "" {
		return key.ValueUnset()
	}
	return key.ValueSet(value)
}

// lifecycle returns p in the form of the lifecycle events.
func (u *upload) lifecycle(p orak.Progress) events.Lifecycle {
	l := events.Lifecycle{Upload: p.Upload, Status: p.Status, Cycle: p.Cycle, Stage: p.Stage, Failure: p.Failure}
	if p.Failure == nil {
		l.Stage = "" // only for a stage that failed or is run again
	}
	t, id := p.Upload.Tenant, p.Upload.ID
	if u.audio != nil {
		l.AudioKey = orak.AudioKey(t, id)
	}
	if u.analyzed {
		l.PitchKey = orak.PitchKey(t, id)
	}
	if p.Status == orak.StatusCompleted {
		l.AnalysisKey = orak.AnalysisKey(t, id)
	}
	return l
}

// event returns the lifecycle event of type t with the content l.
func (u *upload) event(ctx workflow.Context, t events.Type, l events.Lifecycle) activities.AnnounceInput {
	run := workflow.GetInfo(ctx).WorkflowExecution
	return activities.AnnounceInput{
		ID:        events.LifecycleID(run.ID, run.RunID, t, l.Cycle),
		Type:      t,
		At:        workflow.Now(ctx).UTC(),
		Lifecycle: l,
	}
}

// announce publishes a lifecycle event, and waits for it without a limit: the events
// of an upload are published in order.
func (u *upload) announce(ctx workflow.Context, event activities.AnnounceInput) error {
	ctx = summarized(u.side(ctx), string(event.Type))
	return workflow.ExecuteActivity(ctx, activities.TypeAnnounce, event).Get(ctx, nil)
}

// side returns the context of side activities. A cancellation does not interrupt
// them: an event that was given up could still arrive, after the last one of the
// upload.
func (u *upload) side(ctx workflow.Context) workflow.Context {
	ctx = sideOptions(ctx)
	if u.durable {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
	}
	return ctx
}
