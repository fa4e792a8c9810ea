package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/events"
)

// EraseUploadInput is the input of EraseUpload.
type EraseUploadInput = activities.Erasing

// clearFor bounds one attempt to end the processing, or to remove the objects.
const clearFor = 10 * time.Minute

// erasure is the state of one run of EraseUpload.
type erasure struct {
	in       activities.Erasing
	settings Settings
}

// EraseUpload removes all objects of an upload, publishes the event and returns the
// tombstone. It never gives up: it retries through an outage. Then it stays open
// for as long as an attempt of a stage may take, and removes what an attempt that
// the server has lost has written meanwhile.
func (f *Flows) EraseUpload(ctx workflow.Context, in EraseUploadInput) (orak.Tombstone, error) {
	if _, err := orak.ParseUploadID(string(in.ID)); err != nil {
		return orak.Tombstone{}, temporal.NewNonRetryableApplicationError("the input names no upload", string(orak.ClassInput), err)
	}
	start, err := f.recorded(ctx)
	if err != nil {
		return orak.Tombstone{}, err
	}
	e := &erasure{in: in, settings: start.Settings}
	var stone orak.Tombstone
	workflow.SetCurrentDetails(ctx, "**Removing**")
	if err := workflow.ExecuteActivity(summarized(eraseOptions(ctx), "the tombstone"), activities.TypeBury, e.in).Get(ctx, &stone); err != nil {
		return orak.Tombstone{}, err
	}
	removed, err := e.clear(ctx)
	if err != nil {
		return stone, err
	}
	if !stone.ErasedAt.IsZero() && removed == 0 {
		// It was erased before: there is nothing to announce.
		return stone, e.show(ctx, stone)
	}
	stone.ErasedAt = workflow.Now(ctx).UTC()
	if err := e.announce(ctx, stone); err != nil {
		return stone, err
	}
	return stone, e.sweep(ctx)
}

// clear ends the processing, and removes the objects.
func (e *erasure) clear(ctx workflow.Context) (removed int, err error) {
	ending := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           QueueErase,
		StartToCloseTimeout: max(clearFor, 2*e.settings.ErasePatience),
		HeartbeatTimeout:    e.settings.HeartbeatTimeout,
		RetryPolicy:         unlimited(30 * time.Second),
	})
	in := activities.EndInput{Erasing: e.in, Patience: e.settings.ErasePatience}
	if err := workflow.ExecuteActivity(summarized(ending, UploadWorkflowID(e.in.ID)), activities.TypeEndProcessing, in).Get(ctx, nil); err != nil {
		return 0, err
	}
	err = workflow.ExecuteActivity(ending, activities.TypeRemoveObjects, e.in).Get(ctx, &removed)
	return removed, err
}

// announce publishes that everything is removed, and completes the tombstone.
func (e *erasure) announce(ctx workflow.Context, stone orak.Tombstone) error {
	run := workflow.GetInfo(ctx).WorkflowExecution
	event := activities.AnnounceInput{
		ID:   events.LifecycleID(run.ID, run.RunID, events.Erased, 0),
		Type: events.Erased,
		At:   stone.ErasedAt,
		Lifecycle: events.Lifecycle{
			Upload: orak.BareUpload(e.in.Tenant, e.in.ID), Status: orak.StatusErased,
			By: e.in.By, Reason: e.in.Reason,
		},
	}
	if err := workflow.ExecuteActivity(summarized(sideOptions(ctx), string(event.Type)), activities.TypeAnnounce, event).Get(ctx, nil); err != nil {
		return err
	}
	in := activities.SealInput{Tenant: e.in.Tenant, Stone: stone}
	if err := workflow.ExecuteActivity(summarized(eraseOptions(ctx), "the tombstone is complete"), activities.TypeSeal, in).Get(ctx, nil); err != nil {
		return err
	}
	return e.show(ctx, stone)
}

// show shows the status erased, in the memo and the search attributes.
func (e *erasure) show(ctx workflow.Context, stone orak.Tombstone) error {
	p := ErasedProgress(e.in.Tenant, e.in.ID, stone.ErasedAt)
	if err := workflow.UpsertMemo(ctx, map[string]any{MemoProgress: p}); err != nil {
		return fmt.Errorf("writing memo: %w", err)
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, attributeUpdates(ctx, p)...); err != nil {
		return fmt.Errorf("writing search attributes: %w", err)
	}
	return nil
}

// sweep clears again once no attempt of a stage can be running any more.
func (e *erasure) sweep(ctx workflow.Context) error {
	s := e.settings
	workflow.SetCurrentDetails(ctx, "**Erased.** It stays open to look once more for objects that a worker which was cut off may have written.")
	late := workflow.TimerOptions{Summary: "until no attempt of a stage can be running"}
	if err := workflow.NewTimerWithOptions(ctx, max(s.ConvertTimeout, s.AnalyzeTimeout, s.PublishTimeout), late).Get(ctx, nil); err != nil {
		return err
	}
	removed, err := e.clear(ctx)
	if removed > 0 {
		workflow.GetLogger(ctx).Warn("removed objects of an erased upload that were written late", "upload_id", string(e.in.ID), "objects", removed)
	}
	return err
}

// ErasedProgress returns the Progress of an erased upload.
func ErasedProgress(t orak.Tenant, id orak.UploadID, at time.Time) orak.Progress {
	return orak.Progress{Upload: orak.BareUpload(t, id), Status: orak.StatusErased, UpdatedAt: at}
}
