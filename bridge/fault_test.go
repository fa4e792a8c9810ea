package bridge_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"orak"
	"orak/bridge"
	"orak/events"
	"orak/internal/kafka/consume"
	"orak/workflows"
)

func TestPoisonGoesToTheDeadLettersToTheByteAndBlocksNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	poison := []*kgo.Record{
		{Key: []byte("p0"), Value: []byte("\x00\xffnot an event")},
		{Key: nil, Value: nil},
		{Key: []byte{}, Value: []byte{}, Headers: []kgo.RecordHeader{{Key: "h", Value: nil}, {Key: "h", Value: []byte{}}}},
		{Key: []byte("p3"), Value: bytes.Repeat([]byte("x"), events.MaxData+1)},
		announcement(t, newUpload()), // its data is spoiled below
	}
	poison[4].Value = []byte(`{"upload_id":7}`)
	poison[4].Headers = append(poison[4].Headers, kgo.RecordHeader{Key: events.HeaderTraceparent, Value: []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")})
	uploads := b.announce(10)
	for _, r := range poison {
		r.Topic = events.TopicUploads
		b.publish(r)
		uploads = append(uploads, b.announce(5)...)
	}
	m := b.start(nil)
	m.awaitOutcome("dead_lettered", len(poison))
	m.awaitOutcome("started", len(uploads))
	b.awaitCommitted(len(uploads) + len(poison))
	b.requireStarted(uploads)

	letters := make(map[int64]*kgo.Record)
	for _, r := range b.readDeadLetters(len(poison)) {
		d, err := events.DeadLetterFrom(r)
		require.NoError(t, err)
		require.Equal(t, orak.StageReceive, d.Failure.Stage)
		require.Equal(t, orak.ClassInput, d.Failure.Class)
		require.Equal(t, events.TopicUploads, d.Origin.Topic)
		require.Empty(t, d.WorkflowID)
		require.WithinDuration(t, time.Now(), d.FailedAt, time.Hour)
		letters[int64(d.Origin.Partition)<<32|d.Origin.Offset] = r
	}
	for _, want := range poison {
		got := letters[int64(want.Partition)<<32|want.Offset]
		require.NotNil(t, got)
		require.Equal(t, want.Key, got.Key)
		require.Equal(t, want.Value, got.Value)
		require.GreaterOrEqual(t, len(got.Headers), len(want.Headers))
		for i, h := range want.Headers {
			require.Equal(t, h.Key, got.Headers[i].Key)
			require.Equal(t, string(h.Value), string(got.Headers[i].Value))
		}
	}
}

func TestEventsForOthersAreSkipped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	other := announcement(t, u)
	for i, h := range other.Headers {
		if h.Key == events.HeaderType {
			other.Headers[i].Value = []byte("org.example.other")
		}
	}
	lifecycle, err := events.NewLifecycle("id", events.Canceled, time.Now(), events.Lifecycle{Upload: u, Status: orak.StatusCanceled})
	require.NoError(t, err)
	b.publish(other, lifecycle.Record(events.TopicUploads))
	m := b.start(nil)
	m.awaitOutcome("skipped", 2)
	b.awaitCommitted(2)
	require.Zero(t, b.deadLetters())
}

func TestOutageOfTemporalIsABacklogAndNoDeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := newProxy(t, b.address)
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		d.Temporal = b.client(p.address())
		c.StartTimeout = time.Second
	})
	uploads := b.announce(5)
	m.awaitOutcome("started", 5)
	b.awaitCommitted(5)
	require.NoError(t, m.Ready(b.ctx))

	p.set(false)
	uploads = append(uploads, b.announce(100)...)
	require.Eventually(t, func() bool { return m.metric("orak_bridge_retrying_records", "") > 0 }, within, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		defer cancel()
		return m.Ready(ctx) != nil
	}, within, 10*time.Millisecond)
	m.awaitMetric("orak_bridge_aside_records", "temporal", 100)
	require.Equal(t, 5, b.committed(), "the backlog stays in Kafka")

	p.set(true)
	m.awaitStarts(105)
	b.awaitCommitted(105)
	b.requireStarted(uploads)
	require.Zero(t, b.deadLetters())
	require.Eventually(t, func() bool { return m.Ready(b.ctx) == nil }, within, 10*time.Millisecond)
}

func TestBridgeStopsInTheMiddleOfAnOutage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := newProxy(t, b.address)
	p.set(false)
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		d.Temporal = b.client(p.address())
		c.StartTimeout, c.DrainTimeout = time.Second, time.Second
	})
	uploads := b.announce(20)
	require.Eventually(t, func() bool { return m.metric("orak_bridge_retrying_records", "") > 0 }, within, 10*time.Millisecond)
	m.stop()
	require.Zero(t, b.committed())
	b.start(nil).awaitStarts(20)
	b.requireStarted(uploads)
}

func TestNamespaceThatIsNotSetUpIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ns += "-late"
	late := b.client(b.address)
	m := b.start(func(_ *bridge.Config, d *bridge.Deps) { d.Temporal, d.Namespace = late, b.ns })
	uploads := b.announce(3)
	waits := func() bool { return m.metric("orak_bridge_retrying_records", "") == 3 }
	require.Eventually(t, waits, within, 10*time.Millisecond, "no namespace")
	_, err := late.WorkflowService().RegisterNamespace(b.ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: b.ns, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		err := m.Ready(b.ctx)
		return err != nil && strings.Contains(strings.ToLower(err.Error()), "search attribute")
	}, within, 10*time.Millisecond)
	require.Zero(t, b.deadLetters())

	attrs := make(map[string]enums.IndexedValueType)
	for _, name := range []string{workflows.AttrStatus.GetName(), workflows.AttrStage.GetName(), workflows.AttrFailure.GetName(), workflows.AttrTenant.GetName()} {
		attrs[name] = enums.INDEXED_VALUE_TYPE_KEYWORD
	}
	_, err = late.OperatorService().AddSearchAttributes(b.ctx, &operatorservice.AddSearchAttributesRequest{Namespace: b.ns, SearchAttributes: attrs})
	require.NoError(t, err)
	m.awaitOutcome("started", 3)
	b.temporal = late
	b.requireStarted(uploads)
	require.Zero(t, b.deadLetters())
}

// onStart is called in place of the start of a workflow's RPC.
func onStart(f func(ctx context.Context, id string) error) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if start, ok := req.(*workflowservice.StartWorkflowExecutionRequest); ok {
			if err := f(ctx, start.GetWorkflowId()); err != nil {
				return err
			}
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
}

func TestRecordThatTemporalRefusesIsDeadLettered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refused, panics := newUpload(), newUpload()
	alerts := new(alerts)
	m := b.start(func(_ *bridge.Config, d *bridge.Deps) {
		d.Alerter = alerts
		d.Temporal = b.client(b.address, onStart(func(_ context.Context, id string) error {
			switch id {
			case workflows.UploadWorkflowID(refused.ID):
				return status.Error(codes.InvalidArgument, "Blob data size exceeds limit.")
			case workflows.UploadWorkflowID(panics.ID):
				panic("a bug")
			default:
				return nil
			}
		}))
	})
	b.publish(announcement(t, refused), announcement(t, panics))
	uploads := b.announce(5)
	m.awaitOutcome("dead_lettered", 2)
	m.awaitOutcome("started", 5)
	b.awaitCommitted(7)
	b.requireStarted(uploads)
	for _, r := range b.readDeadLetters(2) {
		d, err := events.DeadLetterFrom(r)
		require.NoError(t, err)
		require.Equal(t, orak.ClassInternal, d.Failure.Class)
		require.NotContains(t, d.Failure.Message, "Blob", "details are for the log")
	}
	require.Len(t, alerts.all(), 2, "no upload fails in silence")
}

// alerts fails every first call, as an outage of what raises them does.
type alerts struct {
	mu      sync.Mutex
	calls   int
	letters []events.DeadLetter
	stalls  []consume.Stall
}

func (a *alerts) DeadLettered(_ context.Context, d events.DeadLetter) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls++; a.calls == 1 {
		return context.DeadlineExceeded
	}
	a.letters = append(a.letters, d)
	return nil
}

func (a *alerts) Stalled(_ context.Context, s consume.Stall) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls++; a.calls == 1 {
		return context.DeadlineExceeded
	}
	a.stalls = append(a.stalls, s)
	return nil
}

func (a *alerts) all() []events.DeadLetter {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.letters
}

func TestDeadLetterTopicThatTakesTooLittleBlocksNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := "2000"
	_, err := b.admin.AlterTopicConfigs(b.ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &limit}}, events.TopicDeadLetters)
	require.NoError(t, err)
	incompressible := make([]byte, 5000)
	_, err = rand.Read(incompressible)
	require.NoError(t, err)
	b.publish(&kgo.Record{Topic: events.TopicUploads, Key: []byte("k"), Value: incompressible})
	m := b.start(nil)
	m.awaitOutcome("dead_lettered", 1)
	b.awaitCommitted(1)
	d, err := events.DeadLetterFrom(b.readDeadLetters(1)[0])
	require.NoError(t, err)
	require.Equal(t, 5000, d.Origin.Omitted)
	require.Equal(t, "k", string(d.Origin.Key))
	require.Equal(t, events.TopicUploads, d.Origin.Topic)
}

func TestStartIsPartOfTheUploadsTrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	traces := make(chan string, 10)
	b.start(func(_ *bridge.Config, d *bridge.Deps) {
		d.Temporal = b.client(b.address, onStart(func(ctx context.Context, _ string) error {
			traces <- trace.SpanContextFromContext(ctx).TraceID().String()
			return nil
		}))
	})
	e, err := events.NewReceived(newUpload())
	require.NoError(t, err)
	e.Traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	b.publish(e.Record(events.TopicUploads))
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", <-traces)
}
