package replay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/operate/replay"
	"orak/test/broker"
	"orak/test/stack"
	"orak/workflows"
)

// within bounds the waits of tests. It is no expectation of speed.
const within = 60 * time.Second

// bundle is a broker, a namespace, and clients of both.
type bundle struct {
	t        *testing.T
	ctx      context.Context
	kafka    kafka.Config
	cl       *kgo.Client
	admin    *kadm.Client
	temporal client.Client
	store    *recordings
	*replay.Replayer
	tombstones tombstones
	outcomes   outcomes
}

// outcomes has the outcomes in the store.
type outcomes map[orak.UploadID]orak.Status

// Outcome implements replay.Outcomes.
func (o outcomes) Outcome(_ context.Context, _ orak.Tenant, id orak.UploadID) (*orak.Progress, error) {
	status, ok := o[id]
	if !ok {
		return nil, nil
	}
	return &orak.Progress{Status: status}, nil
}

// tombstones has the keys of the tombstones in the store.
type tombstones map[string]bool

// Erased implements replay.Tombstones.
func (s tombstones) Erased(_ context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
	return s[orak.ErasedKey(t, id)], nil
}

// brokers returns the addresses of a broker of kfake, or of the broker in broker.Env,
// which one test at a time may use.
func brokers(t *testing.T) []string {
	t.Helper()
	if address := broker.Take(t); address != "" {
		return []string{address}
	}
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	return fake.ListenAddrs()
}

func setup(t *testing.T) *bundle {
	t.Helper()
	seeds := brokers(t)
	servers := stack.Start(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*within)
	t.Cleanup(cancel)
	cfg := kafka.Config{Brokers: seeds, ClientID: "test", ReplicationFactor: 1}
	cl, err := kafka.NewClient(cfg, quiet())
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, kafka.EnsureTopics(ctx, cl, events.Topics(), 1))
	for _, topic := range events.Topics() {
		broker.AwaitTopic(t, kadm.NewClient(cl), topic.Name, int(topic.Partitions))
	}
	ns := servers.Namespace(t)
	c := servers.Client(t, ns)
	_, err = c.CheckHealth(ctx, &client.CheckHealthRequest{})
	require.NoError(t, err)
	stones, ended := tombstones{}, outcomes{}
	store := &recordings{uploads: make(map[orak.UploadID]orak.Upload), errs: make(map[orak.UploadID]error), asked: make(map[orak.UploadID]int)}
	return &bundle{
		tombstones: stones, outcomes: ended, store: store,
		t: t, ctx: ctx, kafka: cfg, cl: cl, admin: kadm.NewClient(cl), temporal: c,
		Replayer: replay.New(replay.Deps{Kafka: cfg, Temporal: c, Namespace: ns, Tombstones: stones, Outcomes: ended, Recordings: store, Log: quiet()}),
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// everything selects the whole topic.
func everything() replay.Selection {
	return replay.Selection{Only: []replay.State{replay.Missing, replay.Failed}}
}

func forced() replay.Selection {
	sel := everything()
	sel.Force = true
	return sel
}

func newUpload() orak.Upload {
	id := orak.UploadID(fmt.Sprintf("0195a2b4-7c3d-7e8f-9a0b-%012x", rand.Uint64N(1<<48)))
	return orak.Upload{
		ID: id, Tenant: "choir", Key: orak.OriginalKey("choir", id), ContentType: "audio/wav", Filename: "a.wav",
		Size: 10, SHA256: strings.Repeat("0f", 32), ReceivedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
}

func announcement(t *testing.T, u orak.Upload) *kgo.Record {
	t.Helper()
	e, err := events.NewReceived(u)
	require.NoError(t, err)
	return e.Record(events.TopicUploads)
}

// announce publishes n uploads.
func (b *bundle) announce(n int) []orak.Upload {
	b.t.Helper()
	uploads := make([]orak.Upload, n)
	records := make([]*kgo.Record, n)
	for i := range uploads {
		uploads[i] = newUpload()
		records[i] = announcement(b.t, uploads[i])
	}
	b.publish(records...)
	return uploads
}

func (b *bundle) publish(records ...*kgo.Record) {
	b.t.Helper()
	require.NoError(b.t, b.cl.ProduceSync(b.ctx, records...).FirstErr())
}

func (b *bundle) plan(sel replay.Selection) *replay.Plan {
	b.t.Helper()
	p, err := b.Plan(b.ctx, sel, nil)
	require.NoError(b.t, err)
	return p
}

func (b *bundle) run(p *replay.Plan) replay.Result {
	b.t.Helper()
	result, err := b.Run(b.ctx, p, replay.Options{})
	require.NoError(b.t, err)
	return result
}

// begin starts a workflow like the bridge, with the given status.
func (b *bundle) begin(u orak.Upload, status orak.Status) client.WorkflowRun {
	b.t.Helper()
	options := workflows.StartOptions(workflows.ProcessUploadInput{Upload: u})
	options.Memo = map[string]any{workflows.MemoProgress: orak.Progress{Upload: u, Status: status}}
	run, err := b.temporal.ExecuteWorkflow(b.ctx, options, workflows.TypeProcessUpload, workflows.ProcessUploadInput{Upload: u})
	require.NoError(b.t, err)
	return run
}

// complete completes workflows that were started.
func (b *bundle) complete(runs ...client.WorkflowRun) {
	b.t.Helper()
	w := worker.New(b.temporal, workflows.QueuePipeline, worker.Options{})
	w.RegisterWorkflowWithOptions(func(workflow.Context, workflows.ProcessUploadInput) error { return nil },
		workflow.RegisterOptions{Name: workflows.TypeProcessUpload})
	require.NoError(b.t, w.Start())
	defer w.Stop()
	for _, run := range runs {
		require.NoError(b.t, run.Get(b.ctx, nil))
	}
}

func (b *bundle) terminate(u orak.Upload) {
	b.t.Helper()
	require.NoError(b.t, b.temporal.TerminateWorkflow(b.ctx, workflows.UploadWorkflowID(u.ID), "", "a test"))
}

// info describes the latest run of an upload; nil if there is none.
func (b *bundle) info(u orak.Upload) *workflowpb.WorkflowExecutionInfo {
	b.t.Helper()
	resp, err := b.temporal.DescribeWorkflowExecution(b.ctx, workflows.UploadWorkflowID(u.ID), "")
	var missing *serviceerror.NotFound
	if err != nil {
		require.ErrorAs(b.t, err, &missing)
		return nil
	}
	return resp.GetWorkflowExecutionInfo()
}

// progressOf returns the progress in the workflow's memo.
func progressOf(t *testing.T, info *workflowpb.WorkflowExecutionInfo) (p orak.Progress) {
	t.Helper()
	payload := info.GetMemo().GetFields()[workflows.MemoProgress]
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(payload, &p))
	return p
}

// runOf returns the id of the latest run of an upload.
func (b *bundle) runOf(u orak.Upload) string {
	b.t.Helper()
	info := b.info(u)
	require.NotNil(b.t, info)
	return info.GetExecution().GetRunId()
}

// requireLast checks that each upload has its latest run at the lowest
// priority.
func (b *bundle) requireLast(uploads ...orak.Upload) {
	b.t.Helper()
	for _, u := range uploads {
		info := b.info(u)
		require.NotNil(b.t, info)
		require.EqualValues(b.t, replay.LowestPriority, info.GetPriority().GetPriorityKey())
	}
}

// commitLive commits all records for the group of the bridges.
func (b *bundle) commitLive() map[int32]int64 {
	b.t.Helper()
	ends, err := b.admin.ListEndOffsets(b.ctx, events.TopicUploads)
	require.NoError(b.t, err)
	require.NoError(b.t, b.admin.CommitAllOffsets(b.ctx, events.GroupBridge, ends.Offsets()))
	return b.live()
}

// live returns the offsets of the group of the bridges.
func (b *bundle) live() map[int32]int64 {
	b.t.Helper()
	all := make(map[int32]int64)
	offsets, err := b.admin.FetchOffsets(b.ctx, events.GroupBridge)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return all
	}
	require.NoError(b.t, err)
	for p, o := range offsets[events.TopicUploads] {
		all[p] = o.At
	}
	return all
}
