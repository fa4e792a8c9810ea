package api_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/events"
	tags "orak/internal/config"
	"orak/workflows"
)

// temporalBundle is a server with its own Temporal namespace and scripted uploads:
// workflows of the real type that show the state that a test sets, in the same ways
// as the real workflow.
type temporalBundle struct {
	*bundle
	client client.Client
	// release ends the scripted step.
	release chan struct{}
}

const signalShow = "show"

func setupTemporal(t testing.TB, change ...func(b *bundle)) *temporalBundle {
	t.Helper()
	tb := &temporalBundle{bundle: prepare(t), release: make(chan struct{})}
	tb.deps.Namespace = tb.servers.Namespace(t)
	tb.client = tb.servers.Client(t, tb.deps.Namespace)
	tb.deps.Workflows = tb.client
	for _, c := range change {
		c(tb.bundle)
	}
	w := worker.New(tb.client, workflows.QueuePipeline, worker.Options{})
	w.RegisterWorkflowWithOptions(scripted, workflow.RegisterOptions{Name: workflows.TypeProcessUpload})
	w.RegisterActivityWithOptions(tb.step, activity.RegisterOptions{Name: "step"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	tb.start()
	return tb
}

// step sends heartbeats like the real steps.
func (tb *temporalBundle) step(ctx context.Context) error {
	done := 0.25
	activity.RecordHeartbeat(ctx, map[string]any{"done": done, "attempts": 2})
	select {
	case <-tb.release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// script is the input of scripted: the real input, and the first state to show.
type script struct {
	workflows.ProcessUploadInput
	Show orak.Progress `json:"show"`
}

// scripted shows each orak.Progress that it receives as a signal, and ends with a
// final one. While parked, it accepts decisions.
func scripted(ctx workflow.Context, in script) error {
	p := in.Show
	// The real workflow does this first.
	settings := tags.MustDefaults[workflows.Settings]()
	if err := workflow.SideEffect(ctx, func(workflow.Context) any { return settings }).Get(&settings); err != nil {
		return err
	}
	show := func(next orak.Progress) error {
		p = next
		attrs := []temporal.SearchAttributeUpdate{
			workflows.AttrStatus.ValueSet(string(p.Status)), workflows.AttrTenant.ValueSet(string(p.Upload.Tenant)),
			workflows.AttrStage.ValueSet(string(p.Stage)),
		}
		if p.Failure != nil {
			attrs = append(attrs, workflows.AttrFailure.ValueSet(string(p.Failure.Class)))
		}
		return errors.Join(workflow.UpsertMemo(ctx, map[string]any{workflows.MemoProgress: p}), workflow.UpsertTypedSearchAttributes(ctx, attrs...))
	}
	check := func(r workflows.Reprocess) error {
		if p.Status != orak.StatusDeadLettered {
			return temporal.NewNonRetryableApplicationError("the upload is not parked", workflows.ErrorNotParked, nil)
		}
		if len(r.Options) > 0 && r.Options[workflows.OptionTimeout] == "" {
			return errors.New("options: want timeout")
		}
		return nil
	}
	decide := func(name string, to orak.Status) error {
		return workflow.SetUpdateHandlerWithOptions(ctx, name, func(ctx workflow.Context, d workflows.Reprocess) (orak.Progress, error) {
			next := p
			next.Status, next.Failure, next.Cycle = to, nil, p.Cycle+1
			return next, show(next)
		}, workflow.UpdateHandlerOptions{Validator: func(_ workflow.Context, r workflows.Reprocess) error { return check(r) }})
	}
	err := errors.Join(
		decide(workflows.SignalReprocess, orak.StatusConverting), decide(workflows.SignalDiscard, orak.StatusDiscarded))
	if p.Status != "" {
		err = errors.Join(err, show(p))
	}
	if err != nil {
		return err
	}
	if p.Status == orak.StatusConverting {
		options := workflow.ActivityOptions{StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Minute}
		workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), "step")
	}
	for !p.Status.Final() {
		var next orak.Progress
		got := false
		s := workflow.NewSelector(ctx)
		s.AddReceive(workflow.GetSignalChannel(ctx, signalShow), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &next); got = true })
		s.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
		s.Select(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if got {
			if err := show(next); err != nil {
				return err
			}
		}
	}
	return nil
}

// progress is the state of an upload of a tenant.
func progress(t orak.Tenant, s orak.Status) orak.Progress {
	id := freshID()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := orak.Progress{
		Upload: orak.Upload{ID: id, Tenant: t, Key: orak.OriginalKey(t, id), Filename: "a.wav", Size: 9, ReceivedAt: at},
		Status: s, UpdatedAt: at.Add(time.Minute),
	}
	switch s {
	case orak.StatusDeadLettered:
		p.Stage = orak.StageConvert
		p.Failure = &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "Not audio.", Attempts: 1, FirstAt: at, LastAt: at}
	case orak.StatusConverting:
		p.Stage = orak.StageConvert
	}
	return p
}

// begin starts the scripted workflow of an upload and returns once it shows p.
func (tb *temporalBundle) begin(p orak.Progress) { tb.t.Helper(); tb.beginOf(p, events.Origin{}) }

// beginOf is begin for an upload that a record announced.
func (tb *temporalBundle) beginOf(p orak.Progress, o events.Origin) {
	tb.t.Helper()
	_, err := tb.client.ExecuteWorkflow(tb.t.Context(), client.StartWorkflowOptions{
		ID: workflows.UploadWorkflowID(p.Upload.ID), TaskQueue: workflows.QueuePipeline,
	}, workflows.TypeProcessUpload, script{workflows.ProcessUploadInput{Upload: p.Upload, Origin: o}, p})
	require.NoError(tb.t, err)
	if p.Status == "" {
		return
	}
	tb.eventually(func() bool {
		d, err := tb.client.DescribeWorkflowExecution(tb.t.Context(), workflows.UploadWorkflowID(p.Upload.ID), "")
		return err == nil && d.GetWorkflowExecutionInfo().GetMemo().GetFields()[workflows.MemoProgress] != nil
	}, "the workflow shows its state")
}

func (tb *temporalBundle) show(p orak.Progress) {
	tb.t.Helper()
	require.NoError(tb.t, tb.client.SignalWorkflow(tb.t.Context(), workflows.UploadWorkflowID(p.Upload.ID), "", signalShow, p))
}
