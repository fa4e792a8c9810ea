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
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/internal/kafka/deadletter"
	"orak/workflows"
)

// Deps is what the bridge works with. Alerter, Priority, Metrics and KafkaOpts are optional,
// and so is Recordings: without it, bucket notifications are malformed events.
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
	Publisher deadletter.Publisher
	Alerter   deadletter.Alerter
	// Priority is that of a tenant's new uploads on Temporal's scale, 1 (first) to 5;
	// 0 is Temporal's default. It is asked at each start; nil means 0.
	Priority func(orak.Tenant) int
	// Recordings is where bucket notifications announce uploads.
	Recordings Recordings
	Log        *slog.Logger
	Metrics    prometheus.Registerer
}

// Bridge is one member of the group orak-bridge. It is started once.
type Bridge struct {
	cfg        Config
	deps       Deps
	log        *slog.Logger
	metrics    *metrics
	consumer   *consume.Consumer
	duplicates *duplicates
	starts     starts
	letters    deadletter.Writer
	// temporal and store are what records may have to wait for, beside Kafka.
	temporal, store *consume.Dependency

	// connected says that Temporal has answered once, and connecting is held by
	// the record that asks it; see connect.
	connecting chan struct{}
	connected  atomic.Bool
}

// name is the bridge's in metrics, and what its clients add to their id.
const name = "bridge"

// New makes a Bridge; nothing is connected before Start.
func New(cfg Config, deps Deps) *Bridge {
	b := &Bridge{
		cfg:        cfg,
		deps:       deps,
		log:        deps.Log.With("component", "bridge"),
		metrics:    newMetrics(deps.Metrics),
		duplicates: newDuplicates(),
		connecting: make(chan struct{}, 1),
	}
	group := consume.Deps{
		Name: name, Group: events.GroupBridge, Topics: []string{events.TopicUploads},
		Kafka: deps.Kafka, KafkaOpts: deps.KafkaOpts, Beside: b.beside, Log: deps.Log, Metrics: deps.Metrics,
	}
	if deps.Alerter != nil {
		group.Stalled = deps.Alerter.Stalled
	}
	b.consumer = consume.New(cfg.Config, group, b.handle)
	b.temporal = b.consumer.Dependency(string(orak.DependencyTemporal), consume.DependencyConfig{
		Timeout: cfg.StartTimeout, Slow: cfg.SlowStart, Overloaded: overloaded,
	})
	b.letters = deadletter.Writer{
		Publisher: deps.Publisher, Alerter: deps.Alerter, Log: b.log, Alerts: b.temporal,
		Kafka: b.consumer.Dependency(string(orak.DependencyKafka), consume.DependencyConfig{Timeout: cfg.StartTimeout, Overloaded: overloaded}),
	}
	b.store = b.consumer.Dependency(string(orak.DependencyStore), consume.DependencyConfig{Timeout: describeTimeout, Overloaded: overloaded})
	return b
}

// overloaded reports whether a dependency says that it has too much to do, or
// cannot be reached.
func overloaded(err error) bool {
	var exhausted *serviceerror.ResourceExhausted
	var unavailable *serviceerror.Unavailable
	var fault *orak.Fault
	return errors.As(err, &exhausted) || errors.As(err, &unavailable) ||
		errors.As(err, &fault) && (fault.Class == orak.ClassDependency || fault.Class == orak.ClassOverload)
}

// SetInflight changes the in-flight budget; see consume.Consumer.SetInflight.
func (b *Bridge) SetInflight(n int) { b.consumer.SetInflight(n) }

// Start joins the group and begins to consume. Kafka and Temporal need not be
// reachable: the bridge waits for them, and Ready says so. A Bridge that was
// started or stopped before is an error.
func (b *Bridge) Start(ctx context.Context) error {
	if err := b.cfg.Validate(); err != nil {
		return fmt.Errorf("starting bridge: %w", err)
	}
	return b.consumer.Start(ctx)
}

// Stop does what consume.Consumer.Stop promises: the records being handled
// finish and are committed, and what has not finished when ctx ends is left to
// the partition's next owner. Every call waits for the end.
func (b *Bridge) Stop(ctx context.Context) error {
	err := b.consumer.Stop(ctx)
	b.logStarted(ctx)
	return err
}

// Owns reports whether this bridge reads a partition.
func (b *Bridge) Owns(topic string, partition int32) bool { return b.consumer.Owns(topic, partition) }

// beside runs beside the consumer until ctx ends.
func (b *Bridge) beside(ctx context.Context) {
	var tasks sync.WaitGroup
	tasks.Go(func() { b.logStarts(ctx) })
	b.checkRetention(ctx)
	tasks.Wait()
}

// Ready reports why the bridge cannot do its work now: consume.Consumer.Ready
// fails, or Temporal does not answer within ctx.
func (b *Bridge) Ready(ctx context.Context) error {
	if err := b.consumer.Ready(ctx); err != nil {
		return err
	}
	if _, err := b.deps.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("reaching Temporal: %w", err)
	}
	return nil
}
