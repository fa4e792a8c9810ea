package overview

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/events"
	"orak/internal/kafka"
	"orak/operate/lag"
	"orak/test/leaks"
	"orak/test/stack"
	"orak/workflows"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// patience bounds the waits of tests. It is no expectation of speed.
const patience = 60 * time.Second

// world is a broker, a namespace of Temporal with a worker, and an Overview of both.
type world struct {
	*Overview
	t      *testing.T
	client client.Client
	broker *kfake.Cluster
	cl     *kgo.Client
	adm    *kadm.Client
	// up is what probes find.
	up atomic.Bool
}

func newWorld(t *testing.T, change ...func(*Deps)) *world {
	t.Helper()
	servers := stack.Start(t)
	ns := servers.Namespace(t)
	// A worker that starts beside another reports with its next heartbeat, after a minute.
	w := &world{t: t, client: servers.Client(t, ns, func(o *client.Options) { o.WorkerHeartbeatInterval = time.Second })}
	var err error
	w.broker, err = kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(w.broker.Close)
	cfg := kafka.Config{Brokers: w.broker.ListenAddrs(), ClientID: "test"}
	w.cl, err = kafka.NewClient(cfg, slog.New(slog.DiscardHandler), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(w.cl.Close)
	w.adm = kadm.NewClient(w.cl)
	deps := Deps{
		Temporal: w.client, Namespace: ns, Kafka: cfg, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
		Lag: lag.Config{Interval: 100 * time.Millisecond, Window: time.Second, Groups: []string{events.GroupBridge, events.GroupLake}},
	}
	for _, c := range change {
		c(&deps)
	}
	w.Overview = New(deps)
	t.Cleanup(w.Stop)
	return w
}

// work starts a worker with the real digests, and with scripted uploads and
// reconciliations.
func (w *world) work() {
	w.t.Helper()
	flows := workflows.New(workflows.Settings{})
	k := worker.New(w.client, workflows.QueuePipeline, worker.Options{})
	k.RegisterWorkflowWithOptions(flows.OutageDigest, workflow.RegisterOptions{Name: workflows.TypeOutageDigest})
	k.RegisterWorkflowWithOptions(upload, workflow.RegisterOptions{Name: workflows.TypeProcessUpload})
	k.RegisterWorkflowWithOptions(reconciled, workflow.RegisterOptions{Name: workflows.TypeReconcile})
	c := worker.New(w.client, workflows.QueueControl, worker.Options{})
	for _, at := range []worker.Worker{k, c} {
		at.RegisterActivityWithOptions(func(context.Context, messages.Outage) error { return nil }, activity.RegisterOptions{Name: activities.TypePostOutage})
		at.RegisterActivityWithOptions(func(context.Context, orak.Dependency) (bool, error) { return w.up.Load(), nil }, activity.RegisterOptions{Name: activities.TypeProbeDependency})
		require.NoError(w.t, at.Start())
		w.t.Cleanup(at.Stop)
	}
}

// upload shows its progress as the real workflow does, and waits for an analysis that no
// worker does.
func upload(ctx workflow.Context, p orak.Progress) error {
	err := workflow.UpsertTypedSearchAttributes(ctx, workflows.AttrTenant.ValueSet(string(p.Upload.Tenant)), workflows.AttrStatus.ValueSet(string(p.Status)))
	if err != nil {
		return err
	}
	if err := workflow.UpsertMemo(ctx, map[string]any{workflows.MemoProgress: p}); err != nil {
		return err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: workflows.QueueGPU, StartToCloseTimeout: time.Hour, Priority: temporal.Priority{PriorityKey: workflows.PriorityReprocessed, FairnessKey: string(p.Upload.Tenant)},
	})
	return workflow.ExecuteActivity(ctx, activities.TypeAnalyze).Get(ctx, nil)
}

// reconciled reports an upload that could not be repaired.
func reconciled(ctx workflow.Context, _ workflows.ReconcileInput) (workflows.ReconcileReport, error) {
	at := workflow.Now(ctx).UTC()
	r := workflows.ReconcileReport{
		BeganAt: at, EndedAt: at.Add(time.Second), GaveUp: []activities.ReconcileStep{activities.StepMissing},
		Steps: map[activities.ReconcileStep]activities.ReconcileCounts{activities.StepClosed: {Examined: 4, Restarted: 1, Stuck: 2}},
	}
	return r, workflow.UpsertMemo(ctx, map[string]any{workflows.MemoReconciled: r})
}

// begin starts the workflow of an upload.
func (w *world) begin(of orak.Tenant, s orak.Status) orak.UploadID {
	w.t.Helper()
	id := orak.UploadID(uuid.Must(uuid.NewV7()).String())
	p := orak.Progress{Upload: orak.Upload{ID: id, Tenant: of}, Status: s, UpdatedAt: time.Now().UTC()}
	_, err := w.client.ExecuteWorkflow(w.t.Context(), client.StartWorkflowOptions{ID: workflows.UploadWorkflowID(id), TaskQueue: workflows.QueuePipeline}, workflows.TypeProcessUpload, p)
	require.NoError(w.t, err)
	return id
}

// report reports an outage as worker.Reporter does.
func (w *world) report(d orak.Dependency, message string, quiet time.Duration) {
	w.t.Helper()
	at := time.Now().UTC()
	_, err := w.client.SignalWithStartWorkflow(w.t.Context(), workflows.OutageWorkflowID(d), workflows.SignalDown, workflows.DownSignal{
		Down:      messages.Down{Dependency: d, Count: 3, FirstAt: at.Add(-time.Minute), LastAt: at, Message: message},
		Intervals: &workflows.OutageIntervals{GroupWait: 50 * time.Millisecond, RepeatInterval: time.Hour, Quiet: quiet},
	}, client.StartWorkflowOptions{TaskQueue: workflows.QueuePipeline}, workflows.TypeOutageDigest, workflows.OutageDigestInput{
		Dependency: d, OutageIntervals: workflows.OutageIntervals{GroupWait: 50 * time.Millisecond, RepeatInterval: time.Hour, Quiet: quiet},
	})
	require.NoError(w.t, err)
}

// eventually waits for condition, which asks for answers that are some seconds old.
func (w *world) eventually(condition func() bool, why string) {
	w.t.Helper()
	require.Eventually(w.t, condition, patience, 50*time.Millisecond, why)
}

func (w *world) produce(partition int32, n int) {
	w.t.Helper()
	for range n {
		r := &kgo.Record{Topic: events.TopicUploads, Partition: partition, Value: []byte("x")}
		require.NoError(w.t, w.cl.ProduceSync(w.t.Context(), r).FirstErr())
	}
}

func (w *world) commit(group string, partition int32, offset int64) {
	w.t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset(events.TopicUploads, partition, offset, -1)
	require.NoError(w.t, w.adm.CommitAllOffsets(w.t.Context(), group, offsets))
}
