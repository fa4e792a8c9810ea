package reconcile_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	enums "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/internal/app"
	"orak/internal/config"
	"orak/internal/kafka"
	"orak/internal/objectstore"
	"orak/operate/reconcile"
	"orak/operate/replay"
	"orak/test/stack"
	"orak/workflows"
)

// within bounds the waits of tests. It is no expectation of speed.
const (
	within = 60 * time.Second
	tick   = 20 * time.Millisecond
)

// bundle is a broker, a namespace and a bucket for one test.
type bundle struct {
	t        *testing.T
	ctx      context.Context
	servers  *stack.Servers
	cfg      app.Config
	kafka    kafka.Config
	cl       *kgo.Client
	admin    *kadm.Client
	store    *objectstore.Store
	temporal client.Client
	log      *logged
}

// logged is a log that can be read while it is written.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupFor(t, 3*within)
}

// setupFor is setup for a test that takes at most the given time.
func setupFor(t *testing.T, limit time.Duration) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	b := &bundle{t: t, ctx: ctx, servers: stack.Start(t), log: &logged{}}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	ns, bucket := b.servers.Namespace(t), b.servers.Bucket(t)
	b.cfg = settings(t, map[string]string{
		"ORAK_KAFKA_BROKERS": strings.Join(broker.ListenAddrs(), ","), "ORAK_KAFKA_REPLICATION_FACTOR": "1",
		"ORAK_S3_ENDPOINT": b.servers.S3, "ORAK_S3_BUCKET": bucket, "ORAK_S3_ACCESS_KEY": b.servers.S3AccessKey, "ORAK_S3_SECRET_KEY": b.servers.S3SecretKey,
		"ORAK_TEMPORAL_ADDRESS": b.servers.Temporal, "ORAK_TEMPORAL_NAMESPACE": ns,
		"ORAK_ADMIN_LISTEN": "127.0.0.1:0",
		// No worker converts: uploads that are started stay queued.
		"ORAK_WORKER_QUEUES": workflows.QueuePipeline, "ORAK_WORKER_STOP_TIMEOUT": "1s",
		// It runs only when a test triggers it.
		"ORAK_RECONCILE_INTERVAL": "8000h", "ORAK_RECONCILE_MIN_AGE": "0s", "ORAK_API_OUTBOX_MIN_AGE": "1ms",
	})
	b.kafka = kafka.Config{Brokers: broker.ListenAddrs(), ClientID: "test", ReplicationFactor: 1}
	b.cl, err = kafka.NewClient(b.kafka, quiet())
	require.NoError(t, err)
	t.Cleanup(b.cl.Close)
	b.admin = kadm.NewClient(b.cl)
	b.topics()
	b.store, err = objectstore.New(b.cfg.Store)
	require.NoError(t, err)
	t.Cleanup(b.store.Close)
	b.temporal = b.servers.Client(t, ns)
	_, err = b.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	require.NoError(t, err)
	return b
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func settings(t *testing.T, environ map[string]string) app.Config {
	t.Helper()
	var s struct {
		App app.Config `embed:""`
	}
	var lines []string
	for name, value := range environ {
		lines = append(lines, name+"="+value)
	}
	_, err := config.Load(nil, &s, config.Options{Name: "orak", Environ: lines, Stdout: io.Discard, Warn: func(w string) { t.Error(w) }})
	require.NoError(t, err)
	return s.App
}

// anew recreates a topic.
func (b *bundle) anew(topic string) {
	b.t.Helper()
	_, err := b.admin.DeleteTopic(b.ctx, topic)
	require.NoError(b.t, err)
	b.topics()
	b.cl.PurgeTopicsFromClient(topic)
}

func (b *bundle) topics() {
	b.t.Helper()
	require.NoError(b.t, kafka.EnsureTopics(b.ctx, b.cl, events.Topics(), 1))
}

// start runs a worker until the test ends.
func (b *bundle) start() *app.App {
	b.t.Helper()
	a, err := app.Start(b.ctx, b.cfg, app.Roles{Worker: true}, slog.New(slog.NewTextHandler(b.log, nil)))
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, a.Stop(context.WithoutCancel(b.ctx))) })
	return a
}

func (b *bundle) runs() *reconcile.Runs {
	return reconcile.NewRuns(b.temporal, b.cfg.Temporal.Namespace, workflows.Payloads{})
}

// reconcile runs Reconcile once, and returns its report.
func (b *bundle) reconcile() workflows.ReconcileReport {
	b.t.Helper()
	run, err := b.runs().Now(b.ctx, func(reconcile.Run) {})
	require.NoError(b.t, err)
	require.Equal(b.t, reconcile.StatusCompleted, run.Status)
	require.Empty(b.t, run.Report.GaveUp, b.log)
	return run.Report
}

// counts runs Reconcile once, and returns the sum of its counts.
func (b *bundle) counts() activities.ReconcileCounts {
	b.t.Helper()
	c := b.reconcile().Total()
	require.Zero(b.t, c.Errors, b.log)
	c.Examined = 0
	return c
}

func newUpload() orak.Upload { return uploadOf([]byte("a voice")) }

func uploadOf(recording []byte) orak.Upload {
	sum := sha256.Sum256(recording)
	id := orak.UploadID(uuid.Must(uuid.NewV7()).String())
	return orak.Upload{
		ID: id, Tenant: "choir", Key: orak.OriginalKey("choir", id), ContentType: "audio/wav", Filename: "a.wav",
		Size: int64(len(recording)), SHA256: hex.EncodeToString(sum[:]), ReceivedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
}

func (b *bundle) put(key, body string) {
	b.t.Helper()
	_, err := b.store.Put(b.ctx, key, strings.NewReader(body), objectstore.PutOptions{Size: int64(len(body)), ContentType: "audio/wav"})
	require.NoError(b.t, err)
}

func (b *bundle) exists(key string) bool {
	b.t.Helper()
	_, err := b.store.Stat(b.ctx, key)
	if err != nil {
		require.ErrorIs(b.t, err, fs.ErrNotExist)
	}
	return err == nil
}

// mark writes a marker, like a process that dies afterwards.
func (b *bundle) mark(u orak.Upload) {
	b.t.Helper()
	text, err := json.Marshal(u)
	require.NoError(b.t, err)
	b.put(orak.PendingKey(u.Tenant, u.ID), string(text))
}

func (b *bundle) announce(uploads ...orak.Upload) []*kgo.Record {
	b.t.Helper()
	var records []*kgo.Record
	for _, u := range uploads {
		e, err := events.NewReceived(u)
		require.NoError(b.t, err)
		records = append(records, e.Record(events.TopicUploads))
	}
	require.NoError(b.t, b.cl.ProduceSync(b.ctx, records...).FirstErr())
	return records
}

// pass commits all records for the group of the bridges.
func (b *bundle) pass() {
	b.t.Helper()
	ends, err := b.admin.ListEndOffsets(b.ctx, events.TopicUploads)
	require.NoError(b.t, err)
	require.NoError(b.t, b.admin.CommitAllOffsets(b.ctx, events.GroupBridge, ends.Offsets()))
}

// process starts the workflow of an upload, like the bridge.
func (b *bundle) process(u orak.Upload, resume *workflows.Resume) {
	b.t.Helper()
	_, err := b.temporal.ExecuteWorkflow(b.ctx, workflows.StartOptions(workflows.ProcessUploadInput{Upload: u}), workflows.TypeProcessUpload, workflows.ProcessUploadInput{
		Upload: u, Resume: resume,
		Origin: events.Origin{Topic: events.TopicUploads, Partition: 1, Offset: 2, Key: []byte(u.ID), Value: []byte("{}")},
	})
	require.NoError(b.t, err)
	b.listed(u, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
}

// parked starts a workflow that is parked and has written no dead letter.
func (b *bundle) parked(u orak.Upload) orak.Progress {
	b.t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	p := orak.Progress{Upload: u, Status: orak.StatusDeadLettered, Stage: orak.StageConvert, UpdatedAt: now, Failure: &orak.Failure{
		Stage: orak.StageConvert, Class: orak.ClassInput, Message: "Not a recording.", Attempts: 1, FirstAt: now, LastAt: now,
	}}
	b.park(p)
	return p
}

// park starts a workflow that is parked with that progress.
func (b *bundle) park(p orak.Progress) {
	b.t.Helper()
	u := p.Upload
	b.process(u, &workflows.Resume{Progress: p, ParkedAt: p.UpdatedAt})
	b.await(u, orak.StatusDeadLettered)
	b.visible("OrakStatus = 'dead_lettered' AND WorkflowId = '"+workflows.UploadWorkflowID(u.ID)+"'", 1)
}

func (b *bundle) terminate(u orak.Upload) {
	b.t.Helper()
	require.NoError(b.t, b.temporal.TerminateWorkflow(b.ctx, workflows.UploadWorkflowID(u.ID), "", "a test"))
	b.listed(u, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
}

// listed waits until visibility agrees with Describe.
func (b *bundle) listed(u orak.Upload, s enums.WorkflowExecutionStatus) {
	b.t.Helper()
	b.visible("WorkflowId = '"+workflows.UploadWorkflowID(u.ID)+"' AND RunId = '"+b.info(u).GetExecution().GetRunId()+"' AND ExecutionStatus = '"+s.String()+"'", 1)
}

func (b *bundle) visible(query string, n int64) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		c, err := b.temporal.CountWorkflow(b.ctx, countRequest(b.cfg.Temporal.Namespace, query))
		require.NoError(b.t, err)
		return c.GetCount() == n
	}, within, tick, query)
}

func (b *bundle) info(u orak.Upload) *workflowpb.WorkflowExecutionInfo {
	b.t.Helper()
	d, err := b.temporal.DescribeWorkflowExecution(b.ctx, workflows.UploadWorkflowID(u.ID), "")
	require.NoError(b.t, err)
	return d.GetWorkflowExecutionInfo()
}

func (b *bundle) known(u orak.Upload) bool {
	_, err := b.temporal.DescribeWorkflowExecution(b.ctx, workflows.UploadWorkflowID(u.ID), "")
	return err == nil
}

func (b *bundle) progress(u orak.Upload) (p orak.Progress) {
	b.t.Helper()
	memo := b.info(u).GetMemo().GetFields()[workflows.MemoProgress]
	require.NoError(b.t, converter.GetDefaultDataConverter().FromPayload(memo, &p))
	return p
}

func (b *bundle) await(u orak.Upload, s orak.Status) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.progress(u).Status == s }, within, tick, "waiting for %s", s)
}

// records returns all records of a topic.
func (b *bundle) records(topic string) []*kgo.Record {
	b.t.Helper()
	r := b.replayer()
	bounds, err := r.Since(b.ctx, topic, time.Time{})
	require.NoError(b.t, err)
	var all []*kgo.Record
	require.NoError(b.t, r.Read(b.ctx, topic, bounds, func(some []*kgo.Record) error {
		all = append(all, some...)
		return nil
	}))
	return all
}

func (b *bundle) replayer() *replay.Replayer {
	return replay.New(replay.Deps{Kafka: b.kafka, Temporal: b.temporal, Namespace: b.cfg.Temporal.Namespace, Log: quiet()})
}

// disagreements returns what Verify finds, by upload.
func (b *bundle) disagreements() map[orak.UploadID]reconcile.Kind {
	b.t.Helper()
	r := reconcile.New(0, reconcile.Deps{Replayer: b.replayer(), Temporal: b.temporal, Namespace: b.cfg.Temporal.Namespace, Log: quiet()})
	kinds := map[orak.UploadID]reconcile.Kind{}
	_, err := r.Verify(b.ctx, time.Time{}, func(d reconcile.Disagreement) error {
		kinds[d.UploadID()] = d.Kind
		return nil
	})
	require.NoError(b.t, err)
	return kinds
}
