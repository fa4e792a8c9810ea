package lake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/internal/kafka/deadletter"
)

// Deps is what the lake works with. Alerter, Metrics and KafkaOpts are optional.
type Deps struct {
	// Kafka is how the lake makes its own client, a member of the group.
	Kafka     kafka.Config
	KafkaOpts []kgo.Opt
	Store     Store
	Publisher deadletter.Publisher
	Alerter   deadletter.Alerter
	Log       *slog.Logger
	Metrics   prometheus.Registerer
}

// Lake is one member of the group orak-lake. It is started once.
type Lake struct {
	cfg      Config
	deps     Deps
	log      *slog.Logger
	metrics  *metrics
	writer   *writer
	consumer *consume.Consumer
	// places bounds the batches that are written at the same time.
	places  chan struct{}
	letters deadletter.Writer
	// store is what batches may have to wait for.
	store *consume.Dependency
}

// name is the lake's in metrics, and what its clients add to their id.
const name = "lake"

// New makes a Lake; nothing is connected before Start.
func New(cfg Config, deps Deps) *Lake {
	m := newMetrics(deps.Metrics)
	l := &Lake{
		cfg: cfg, deps: deps, log: deps.Log.With("component", name), metrics: m,
		writer: newWriter(deps.Store, m), places: make(chan struct{}, max(1, cfg.Writers)),
	}
	group := consume.Deps{
		Name: name, Group: events.GroupLake, Topics: []string{events.TopicLifecycle},
		Kafka: deps.Kafka, KafkaOpts: deps.KafkaOpts, Log: deps.Log, Metrics: deps.Metrics,
	}
	if deps.Alerter != nil {
		group.Stalled = deps.Alerter.Stalled
	}
	l.consumer = consume.NewBatched(cfg.Config, group, consume.Batch{Records: cfg.FileRecords, Linger: cfg.FileAge}, l.handle)
	depend := consume.DependencyConfig{Timeout: cfg.PutTimeout, Overloaded: overloaded}
	l.store = l.consumer.Dependency(string(orak.DependencyStore), depend)
	l.letters = deadletter.Writer{
		Publisher: deps.Publisher, Alerter: deps.Alerter, Written: m.buried, Log: l.log,
		Kafka:  l.consumer.Dependency(string(orak.DependencyKafka), depend),
		Alerts: l.consumer.Dependency(string(orak.DependencyTemporal), depend),
	}
	return l
}

// overloaded reports whether a dependency says that it has too much to do, or cannot
// be reached.
func overloaded(err error) bool {
	var fault *orak.Fault
	return errors.As(err, &fault) && (fault.Class == orak.ClassDependency || fault.Class == orak.ClassOverload)
}

// Start joins the group and begins to consume. Kafka and the store need not be
// reachable: the lake waits for them, and Ready says so. A Lake that was started or
// stopped before is an error.
func (l *Lake) Start(ctx context.Context) error {
	if err := l.cfg.Validate(); err != nil {
		return fmt.Errorf("starting lake: %w", err)
	}
	return l.consumer.Start(ctx)
}

// Stop does what consume.Consumer.Stop promises. Events that wait for their file to
// be full are left to the partition's next owner. Every call waits for the end.
func (l *Lake) Stop(ctx context.Context) error { return l.consumer.Stop(ctx) }

// Ready reports why the lake cannot do its work now: consume.Consumer.Ready fails, the
// store does not answer within ctx, or it replaces objects that are to be put once.
func (l *Lake) Ready(ctx context.Context) error {
	if err := l.consumer.Ready(ctx); err != nil {
		return err
	}
	if err := l.deps.Store.Ping(ctx); err != nil {
		return fmt.Errorf("reaching the store: %w", err)
	}
	return l.writer.checkConditional(ctx)
}

// handle is the consume.Handler. The offsets of the batch are committed once its
// unreadable records are dead letters and its rows are in the lake.
func (l *Lake) handle(ctx context.Context, d *consume.Delivery) error {
	b := read(d.Records, time.Now().UTC())
	for _, letter := range b.unreadable {
		if !l.letters.Write(ctx, d, letter) {
			return consume.ErrGivenUp
		}
	}
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer func() { <-l.places }()
	written := d.Retry(ctx, l.store, "writing files of the lake", func(ctx context.Context) error {
		return l.writer.write(ctx, b, d.Session())
	})
	if !written {
		return consume.ErrGivenUp
	}
	l.metrics.skipped.Add(float64(b.skipped))
	l.log.DebugContext(ctx, "batch is in the lake", "partition", b.partition, "offset", d.Record.Offset, "records", len(d.Records))
	return nil
}

// enter waits for a place among the batches that are written.
func (l *Lake) enter(ctx context.Context) error {
	select {
	case l.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return consume.ErrGivenUp
	}
}
