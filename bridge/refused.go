package bridge

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"

	"orak"
	"orak/events"
	"orak/internal/kafka/consume"
	"orak/internal/kafka/deadletter"
	"orak/workflows"
)

// refuse ends a record that is itself at fault. Where it names the upload that it
// announces, that upload is parked: its status says so, and operators decide on
// it as on any other. Where it does not, the record becomes a dead letter.
func (b *Bridge) refuse(ctx context.Context, d *consume.Delivery, f *orak.Fault) outcome {
	if u, ok := events.AnnouncedBy(d.Record); ok {
		return b.park(ctx, d, u, f)
	}
	return b.deadLetter(ctx, d, f)
}

// park starts the workflow of an upload whose announcement cannot be processed:
// it is dead-lettered from its first moment, and writes the dead letter, the
// event and the alert itself. An upload that has a workflow keeps it; then only
// the record is dead-lettered.
func (b *Bridge) park(ctx context.Context, d *consume.Delivery, u orak.Upload, f *orak.Fault) outcome {
	failure := deadletter.Failure(f, time.Now().UTC())
	l := launch{in: workflows.ProcessUploadInput{Upload: u, Origin: events.OriginOf(d.Record), Refused: &failure}}
	exists, before := false, false
	done := b.askTemporal(ctx, d, "parking the upload", func(ctx context.Context) (err error) {
		if l.refusals > 0 {
			// The record may be what is too large.
			l.in.Origin = l.in.Origin.Bare()
		}
		if exists, err = b.launch(ctx, &l); !exists {
			return err
		}
		before, err = b.wasRefused(ctx, u.ID)
		return err
	})
	switch {
	case !done:
		return outcomeAbandoned
	case l.refused != nil || exists && !before:
		return b.deadLetter(ctx, d, f)
	case exists:
		return outcomeDuplicate
	}
	b.log.WarnContext(ctx, "upload parked: its announcement was refused", "upload_id", u.ID, "tenant", u.Tenant, "class", f.Class, "error", f,
		"topic", d.Record.Topic, "partition", d.Record.Partition, "offset", d.Record.Offset)
	return outcomeDeadLettered
}

// find describes the workflow of an upload, open or closed; nil means that there
// is none.
func (b *Bridge) find(ctx context.Context, id orak.UploadID) (*workflow.WorkflowExecutionInfo, error) {
	described, err := workflows.Describe(ctx, b.deps.Temporal, workflows.UploadWorkflowID(id))
	return described.GetWorkflowExecutionInfo(), err
}

// wasRefused reports whether the upload's workflow began with a refused
// announcement, and so most likely with this one, delivered again.
func (b *Bridge) wasRefused(ctx context.Context, id orak.UploadID) (bool, error) {
	info, err := b.find(ctx, id)
	p, _ := b.deps.Payloads.Progress(info)
	for _, f := range []*orak.Failure{p.Failure, p.First} {
		if f != nil && f.Stage == orak.StageReceive {
			return true, err
		}
	}
	return false, err
}

// awaitsAnnouncement reports whether a workflow is parked because its
// announcement was refused, so that another one can take its place.
func (b *Bridge) awaitsAnnouncement(info *workflow.WorkflowExecutionInfo) bool {
	p, _ := b.deps.Payloads.Progress(info)
	return p.Status == orak.StatusDeadLettered && p.Stage == orak.StageReceive
}

// announceAgain signals an announcement to a workflow that waits for one; one of
// another tenant is errOtherTenant. For any other workflow it is a duplicate.
func (b *Bridge) announceAgain(ctx context.Context, in workflows.ProcessUploadInput) (outcome, error) {
	info, err := b.find(ctx, in.Upload.ID)
	switch {
	case err != nil || !b.awaitsAnnouncement(info):
		return outcomeDuplicate, err
	case workflows.TenantOf(info) != in.Upload.Tenant:
		return outcomeDuplicate, errOtherTenant
	}
	id := workflows.UploadWorkflowID(in.Upload.ID)
	err = b.deps.Temporal.SignalWorkflow(ctx, id, "", workflows.SignalAnnounced, workflows.Announced{Upload: in.Upload, Origin: in.Origin})
	var closed *serviceerror.NotFound
	switch {
	case errors.As(err, &closed):
		return outcomeDuplicate, nil
	case err != nil:
		return outcomeDuplicate, err
	}
	b.log.InfoContext(ctx, "upload announced again", "upload_id", in.Upload.ID, "tenant", in.Upload.Tenant, "workflow_id", id)
	return outcomeStarted, nil
}
