package worker_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/events"
	"orak/internal/config"
	"orak/internal/kafka"
	"orak/internal/mattermost"
	"orak/internal/objectstore"
	"orak/internal/temporal"
	"orak/test/stack"
	"orak/worker"
	"orak/workflows"
)

var recordHistories = flag.Bool("record", false, "write the histories of these tests to workflows/testdata/history")

// patience bounds the waits for real servers.
const (
	patience = 2 * time.Minute
	tick     = 20 * time.Millisecond
)

// rig has a namespace, a bucket and the topics of real servers, and workers with a
// fake converter and analyzer.
type rig struct {
	t        *testing.T
	servers  *stack.Servers
	client   client.Client
	store    store
	producer *kafka.Producer
	hook     *webhook
	cfg      worker.Config
	deps     worker.Deps
	log      *slog.Logger
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOn(t, stack.Start(t))
}

func newRigOn(t *testing.T, servers *stack.Servers) *rig {
	t.Helper()
	r := &rig{t: t, servers: servers, log: slog.New(slog.DiscardHandler), hook: newWebhook(t)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ns := r.servers.Namespace(t)
	tcfg := temporal.Config{Address: r.servers.Temporal, Namespace: ns, WebUI: r.servers.TemporalUI, DialTimeout: patience}
	var err error
	r.client, err = temporal.Dial(ctx, tcfg, r.log, temporal.Telemetry{})
	require.NoError(t, err)
	t.Cleanup(r.client.Close)
	r.store = store{openStore(t, r.servers, r.servers.Bucket(t))}
	kcfg := kafka.Config{Brokers: []string{r.servers.Kafka}, ClientID: "test", ReplicationFactor: 1}
	cl, err := kafka.NewClient(kcfg, r.log)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, kafka.EnsureTopics(ctx, cl, events.Topics(), 1))
	r.producer = kafka.NewProducer(cl)

	r.cfg = config.MustDefaults[worker.Config]()
	r.cfg.ScratchDir = t.TempDir()
	r.cfg.StopTimeout = 2 * time.Second
	r.cfg.Budget.Delay = 100 * time.Millisecond
	r.cfg.Budget.MaxDelay = time.Second
	r.cfg.Settings.HeartbeatTimeout = 2 * time.Second
	r.cfg.AlertGroupWait, r.cfg.AlertGroupInterval = 200*time.Millisecond, time.Second
	r.deps = worker.Deps{
		Store: r.store, Publisher: r.producer, Links: tcfg, Namespace: ns, Log: r.log,
		Notifier:  mattermost.New(mattermost.Config{WebhookURL: r.hook.URL, Timeout: 5 * time.Second}, r.log),
		Converter: convert(func(int) error { return nil }), Analyzer: analyze(func(context.Context) error { return nil }),
	}
	return r
}

func openStore(t *testing.T, s *stack.Servers, bucket string) *objectstore.Store {
	t.Helper()
	st, err := objectstore.New(objectstore.Config{Endpoint: s.S3, Bucket: bucket, AccessKey: s.S3AccessKey, SecretKey: s.S3SecretKey})
	require.NoError(t, err)
	t.Cleanup(st.Close)
	return st
}

// start starts a worker, and stops it at the end of the test.
func (r *rig) start() *worker.Worker {
	r.t.Helper()
	w := worker.New(r.cfg, r.client, r.deps)
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	require.NoError(r.t, w.Start(ctx))
	r.t.Cleanup(func() { require.NoError(r.t, w.Stop(context.Background())) })
	return w
}

// upload stores a recording and starts its workflow, as the API and the bridge do.
func (r *rig) upload(recording []byte) orak.Upload {
	r.t.Helper()
	u := r.put(recording)
	r.process(u, nil)
	return u
}

func (r *rig) put(recording []byte) orak.Upload {
	r.t.Helper()
	sum := sha256.Sum256(recording)
	u := orak.Upload{ID: orak.UploadID(uuid.Must(uuid.NewV7()).String()), Tenant: "choir", ContentType: "audio/wav", Filename: "song.wav",
		Size: int64(len(recording)), SHA256: hex.EncodeToString(sum[:]), ReceivedAt: time.Now().UTC()}
	u.Key = orak.OriginalKey(u.Tenant, u.ID)
	require.NoError(r.t, r.store.Put(r.t.Context(), u.Key, bytes.NewReader(recording), u.Size, u.ContentType))
	return u
}

func (r *rig) process(u orak.Upload, resume *workflows.Resume) {
	r.t.Helper()
	r.execute(workflows.ProcessUploadInput{Upload: u, Resume: resume})
}

func (r *rig) execute(in workflows.ProcessUploadInput) {
	r.t.Helper()
	in.Origin = events.Origin{Topic: events.TopicUploads, Partition: 1, Offset: 2, Key: []byte(in.Upload.ID), Value: []byte("{}")}
	_, err := r.client.ExecuteWorkflow(r.t.Context(), client.StartWorkflowOptions{
		ID: workflows.UploadWorkflowID(in.Upload.ID), TaskQueue: workflows.QueuePipeline,
	}, workflows.TypeProcessUpload, in)
	require.NoError(r.t, err)
}

// progress returns the progress from the memo of the workflow.
func (r *rig) progress(u orak.Upload) orak.Progress {
	r.t.Helper()
	d, err := r.client.DescribeWorkflowExecution(r.t.Context(), workflows.UploadWorkflowID(u.ID), "")
	require.NoError(r.t, err)
	p := orak.Progress{Status: orak.StatusQueued}
	if memo := d.GetWorkflowExecutionInfo().GetMemo().GetFields()[workflows.MemoProgress]; memo != nil {
		require.NoError(r.t, converter.GetDefaultDataConverter().FromPayload(memo, &p))
	}
	return p
}

func (r *rig) await(u orak.Upload, s orak.Status) orak.Progress {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.progress(u).Status == s }, patience, tick, "waiting for %s", s)
	return r.progress(u)
}

// closed waits until the workflow of u has ended.
func (r *rig) closed(u orak.Upload) error {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	return r.client.GetWorkflow(ctx, workflows.UploadWorkflowID(u.ID), "").Get(ctx, nil)
}

// signal sends a signal without input, as the command-line tools do.
func (r *rig) signal(u orak.Upload, name string) {
	r.t.Helper()
	_, err := r.client.WorkflowService().SignalWorkflowExecution(r.t.Context(), &workflowservice.SignalWorkflowExecutionRequest{
		Namespace:         r.deps.Namespace,
		WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: workflows.UploadWorkflowID(u.ID)},
		SignalName:        name,
	})
	require.NoError(r.t, err)
}

func (r *rig) update(u orak.Upload, name string, arg any) error {
	r.t.Helper()
	h, err := r.client.UpdateWorkflow(r.t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: workflows.UploadWorkflowID(u.ID), UpdateName: name, Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	return h.Get(r.t.Context(), nil)
}

// lifecycle returns the events of u in order, up to the one of type last.
func (r *rig) lifecycle(u orak.Upload, last events.Type) []events.Event {
	r.t.Helper()
	var got []events.Event
	r.consume(events.TopicLifecycle, func(rec *kgo.Record) bool {
		if string(rec.Key) != string(u.ID) {
			return false // of another test, and perhaps not an event
		}
		e, err := events.FromRecord(rec)
		require.NoError(r.t, err)
		got = append(got, e)
		return e.Type == last
	})
	return got
}

// consume reads a topic from its beginning until enough returns true.
func (r *rig) consume(topic string, enough func(*kgo.Record) bool) {
	r.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.servers.Kafka), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(r.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	for {
		fetches := cl.PollFetches(ctx)
		require.NoError(r.t, ctx.Err(), "waiting for a record on %s", topic)
		for _, rec := range fetches.Records() {
			if enough(rec) {
				return
			}
		}
	}
}

func types(es []events.Event) []events.Type {
	var ts []events.Type
	for _, e := range es {
		ts = append(ts, e.Type)
	}
	return ts
}

// record saves the history of a workflow for the replay test, if the flag is set.
func (r *rig) record(name, workflowID string) {
	r.t.Helper()
	r.recordRun(name, workflowID, "")
}

// recordRun is record for one run, which need not be the last.
func (r *rig) recordRun(name, workflowID, runID string) {
	r.t.Helper()
	if !*recordHistories {
		return
	}
	var h historypb.History
	it := r.client.GetWorkflowHistory(r.t.Context(), workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		require.NoError(r.t, err)
		h.Events = append(h.Events, e)
	}
	data, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&h)
	require.NoError(r.t, err)
	// Without the name of the machine.
	data = regexp.MustCompile(`"identity": "[^"]*"`).ReplaceAll(data, []byte(`"identity": "recorded"`))
	data = regexp.MustCompile(`"name": "[^"]+:([0-9a-f-]{36})"`).ReplaceAll(data, []byte(`"name": "recorded:$1"`))
	dir := filepath.Join("..", "workflows", "testdata", "history")
	require.NoError(r.t, os.MkdirAll(dir, 0o755))
	require.NoError(r.t, os.WriteFile(filepath.Join(dir, name+".json"), append(data, '\n'), 0o644))
}
