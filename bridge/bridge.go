package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/workflows"
)

// Publisher writes dead letters to Kafka and returns once all in-sync replicas
// have them. Any error is worth another try.
type Publisher interface {
	PublishDeadLetter(ctx context.Context, d events.DeadLetter) error
}

var _ Publisher = (*kafka.Producer)(nil)

// Alerter tells people. Each method is called again until it returns nil, so it
// must take repeats.
type Alerter interface {
	// DeadLettered hears of every dead letter that the bridge wrote, after it
	// was acknowledged; the record is not settled before it returns nil.
	DeadLettered(ctx context.Context, d events.DeadLetter) error
	// Stalled hears once of every stall, which may be over by then.
	Stalled(ctx context.Context, s Stall) error
}

// Deps is what the bridge works with. Alerter, Metrics and KafkaOpts may be
// left out, and so may Recordings: then bucket notifications are malformed
// events.
type Deps struct {
	// Kafka is how the bridge makes its own client, a member of the group.
	Kafka kafka.Config
	// KafkaOpts are added to those of the bridge, such as kafka.Metrics.
	KafkaOpts []kgo.Opt
	Temporal  client.Client
	// Payloads decodes with the data converter that Temporal was made with.
	Payloads workflows.Payloads
	// Namespace is the one that Temporal is a client of.
	Namespace string
	Publisher Publisher
	Alerter   Alerter
	// Recordings is where bucket notifications announce uploads.
	Recordings Recordings
	Log        *slog.Logger
	Metrics    prometheus.Registerer
}

// Bridge is one member of the group orak-bridge. It is started once.
type Bridge struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	faults  *faultLog
	metrics *metrics
	tracer  *kotel.Tracer
	// notified counts the objects in bucket notifications.
	notified *prometheus.CounterVec

	// life guards what Start sets, and the way from new over running to
	// stopping.
	life        sync.Mutex
	state       state
	consumer    *kgo.Client
	stopPolling context.CancelFunc
	abort       context.CancelFunc
	tasks       sync.WaitGroup
	stopped     chan struct{}

	// turns is the budget of records being handled, and flow orders the pauses
	// of partitions.
	turns *turns
	flow  sync.Mutex
	// temporal, kafka and store are what records may have to wait for.
	temporal, kafka, store *dependency
	// waiting has the error of each record that waits to be tried again.
	waitingMu sync.Mutex
	waiting   map[*kgo.Record]error

	// connected says that Temporal has answered once, and connecting is held by
	// who asks it; see connect.
	connecting chan struct{}
	connected  atomic.Bool

	// stall is the one underway; nil while all moves on.
	stall atomic.Pointer[Stall]

	mu       sync.Mutex
	sessions map[partition]*session
	// committing is held by whoever commits, and by revocations.
	committing sync.Mutex
}

type state int

const (
	stateNew state = iota
	stateRunning
	stateStopping
)

// New makes a bridge; nothing is connected before Start.
func New(cfg Config, deps Deps) *Bridge {
	deps.Kafka.ClientID += "-bridge"
	m := newMetrics(deps.Metrics)
	return &Bridge{
		cfg:        cfg,
		deps:       deps,
		log:        deps.Log.With("component", "bridge"),
		faults:     newFaultLog(),
		metrics:    m,
		temporal:   newDependency(orak.DependencyTemporal, cfg.Inflight, cfg.SlowStart, m),
		kafka:      newDependency(orak.DependencyKafka, cfg.Inflight, 0, m),
		store:      newDependency(orak.DependencyStore, cfg.Inflight, 0, m),
		notified:   newNotified(deps.Metrics),
		tracer:     kafka.NewTracer(deps.Kafka.ClientID, events.GroupBridge),
		stopped:    make(chan struct{}),
		connecting: make(chan struct{}, 1),
		turns:      newTurns(cfg.Inflight),
		waiting:    make(map[*kgo.Record]error),
		sessions:   make(map[partition]*session),
	}
}

// Start joins the group and begins to consume. Kafka and Temporal need not be
// reachable: the bridge waits for them, and Ready says so.
func (b *Bridge) Start(_ context.Context) error {
	if err := b.cfg.Validate(); err != nil {
		return fmt.Errorf("starting bridge: %w", err)
	}
	b.life.Lock()
	defer b.life.Unlock()
	if b.state != stateNew {
		return errors.New("starting bridge: it was started or stopped before")
	}
	run, abort := context.WithCancel(context.Background())
	consumer, err := kafka.NewClient(b.deps.Kafka, b.deps.Log, b.groupOpts(run)...)
	if err != nil {
		abort()
		return fmt.Errorf("starting bridge: %w", err)
	}
	polling, stopPolling := context.WithCancel(run)
	b.consumer, b.abort, b.stopPolling, b.state = consumer, abort, stopPolling, stateRunning
	b.tasks.Go(func() { b.poll(polling, run, consumer) })
	b.tasks.Go(func() { b.commitPeriodically(polling, run, consumer) })
	b.tasks.Go(func() { b.checkRetention(polling, consumer) })
	b.tasks.Go(func() { b.watchStalls(polling, consumer) })
	b.log.Info("bridge started", "group", events.GroupBridge, "topic", events.TopicUploads, "inflight", b.cfg.Inflight)
	return nil
}

// Stop ends the fetching, lets the records being handled finish, commits and
// leaves the group (a member with an instance id stays in it, for its
// restart). What has not finished when ctx ends is cut off and left to the
// next owner: nothing is lost by that. Every call waits for the end.
func (b *Bridge) Stop(ctx context.Context) error {
	b.life.Lock()
	switch b.state {
	case stateNew:
		close(b.stopped)
	case stateRunning:
		go b.shutDown(ctx)
	}
	b.state = stateStopping
	b.life.Unlock()
	select {
	case <-b.stopped:
		return nil
	case <-ctx.Done():
	}
	if b.abort != nil {
		b.abort()
	}
	return fmt.Errorf("stopping bridge: %w", ctx.Err())
}

// shutDown leaves the group, which revokes every partition: the handling of
// that drains and commits.
func (b *Bridge) shutDown(ctx context.Context) {
	defer close(b.stopped)
	defer b.abort()
	defer context.AfterFunc(ctx, b.abort)()
	b.stopPolling()
	b.tasks.Wait()
	b.consumer.AllowRebalance()
	if err := b.consumer.LeaveGroupContext(ctx); err != nil {
		b.log.Warn("leaving the group failed", "error", err)
	}
	b.consumer.CloseAllowingRebalance()
	b.log.Info("bridge stopped")
}
