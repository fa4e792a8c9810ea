package index

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/internal/kafka/deadletter"
	"orak/internal/throttle"
)

// Analyses reads the analysis of a completed upload whose event has none, since it was
// too large. It returns nil if there is none any more.
type Analyses interface {
	Analysis(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Analysis, error)
}

// Deps is what the index works with. Alerter, Metrics and KafkaOpts are optional.
type Deps struct {
	// Kafka is how the index makes its own client, a member of the group.
	Kafka     kafka.Config
	KafkaOpts []kgo.Opt
	// Topics are those to read of events.TopicUploads, TopicLifecycle and TopicAudit; nil
	// means all.
	Topics []string
	// Cluster returns the id of the cluster, if that is not the main one: offsets of one
	// cluster say nothing of another. nil means the main one.
	Cluster func(context.Context) (string, error)
	// Store is not closed.
	Store     Store
	Analyses  Analyses
	Publisher deadletter.Publisher
	Alerter   deadletter.Alerter
	Log       *slog.Logger
	Metrics   prometheus.Registerer
}

// Index is one member of the group orak-index, which keeps the Store. It is started
// once.
type Index struct {
	cfg      Config
	deps     Deps
	log      *slog.Logger
	metrics  *metrics
	consumer *consume.Consumer
	letters  deadletter.Writer
	pruning  *throttle.Outages
	// database and store are what batches may have to wait for.
	database, store *consume.Dependency

	mu sync.Mutex
	// cluster is what Deps.Cluster said; empty before.
	cluster string
	// written is the next offset of each partition after the last batch of this member.
	written map[partition]int64
}

type partition struct {
	topic string
	id    int32
}

// name is the index's in metrics, and what its clients add to their id.
const name = "index"

// New makes an Index; nothing is connected before Start.
func New(cfg Config, deps Deps) *Index {
	x := &Index{cfg: cfg, deps: deps, log: deps.Log.With("component", name), metrics: newMetrics(deps.Metrics), written: map[partition]int64{}}
	x.pruning = throttle.NewOutages(x.log)
	topics := deps.Topics
	if topics == nil {
		topics = []string{events.TopicUploads, events.TopicLifecycle, events.TopicAudit}
	}
	group := consume.Deps{
		Name: name, Group: events.GroupIndex, Topics: topics,
		Kafka: deps.Kafka, KafkaOpts: deps.KafkaOpts, Resume: x.resume, Log: deps.Log, Metrics: deps.Metrics,
	}
	if cfg.KeepActs > 0 && deps.Cluster == nil {
		group.Beside = x.prune
	}
	if deps.Alerter != nil {
		group.Stalled = deps.Alerter.Stalled
	}
	x.consumer = consume.NewBatched(cfg.Config, group, consume.Batch{Records: cfg.Batch, Linger: cfg.Linger}, x.handle)
	depend := consume.DependencyConfig{Timeout: cfg.WriteTimeout, Overloaded: overloaded}
	x.database = x.consumer.Dependency("index", depend)
	x.store = x.consumer.Dependency(string(orak.DependencyStore), depend)
	x.letters = deadletter.Writer{
		Publisher: deps.Publisher, Alerter: deps.Alerter, Written: x.metrics.buried, Log: x.log,
		Kafka:  x.consumer.Dependency(string(orak.DependencyKafka), depend),
		Alerts: x.consumer.Dependency(string(orak.DependencyTemporal), depend),
	}
	return x
}

// errSetBack lasts until the index is restarted and reads the topic for the database.
var errSetBack = errors.New("the index's database was replaced or set back while the index ran; restart the index")

// overloaded reports whether a dependency says that it has too much to do, or cannot
// be reached.
func overloaded(err error) bool {
	var fault *orak.Fault
	return errors.As(err, &fault) && (fault.Class == orak.ClassDependency || fault.Class == orak.ClassOverload)
}

// Start joins the group and begins to consume. Kafka and the database need not be
// reachable: the index waits for them, and Ready says so. An Index that was started or
// stopped before is an error.
func (x *Index) Start(ctx context.Context) error {
	if err := x.cfg.Validate(); err != nil {
		return fmt.Errorf("starting index: %w", err)
	}
	return x.consumer.Start(ctx)
}

// Stop does what consume.Consumer.Stop promises. Every call waits for the end.
func (x *Index) Stop(ctx context.Context) error { return x.consumer.Stop(ctx) }

// Ready reports why the index cannot do its work now: consume.Consumer.Ready fails, or
// the database does not answer within ctx.
func (x *Index) Ready(ctx context.Context) error {
	if err := x.consumer.Ready(ctx); err != nil {
		return err
	}
	if err := x.deps.Store.Ping(ctx); err != nil {
		return fmt.Errorf("reaching the index's database: %w", err)
	}
	return nil
}

// resume is consume.Deps.Resume. A database that lags behind the commits, such as a new
// one or one from a backup, is read for again. If the group has no commit, the topic may
// have been made anew with other records at the same offsets, so the stored offset
// means nothing; what is applied again changes nothing in the end.
func (x *Index) resume(ctx context.Context, topic string, number int32, committed int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, x.cfg.WriteTimeout)
	defer cancel()
	if err := x.findCluster(ctx); err != nil {
		return 0, err
	}
	stored := x.stored(topic)
	x.mu.Lock()
	delete(x.written, partition{stored, number})
	x.mu.Unlock()
	if committed < 0 {
		return -1, x.deps.Store.Forget(ctx, stored, number)
	}
	next, known, err := x.deps.Store.Offset(ctx, stored, number)
	switch {
	case err != nil:
		return 0, err
	case !known:
		x.log.WarnContext(ctx, "the index does not know the partition; reading it from the start", "topic", topic, "partition", number, "committed", committed)
		return -1, nil
	case next < committed:
		x.log.InfoContext(ctx, "the index is behind the commits; reading from its own offset", "topic", topic, "partition", number, "committed", committed, "next", next)
	case next > committed:
		return committed, x.setBack(ctx, stored, number, committed)
	}
	return min(next, committed), nil
}

// setBack sets the stored offset of a partition back to the commit. An offset beyond the
// commit can be one of another cluster, if what was the standby has become the main
// cluster: records below it would change nothing, however many follow.
func (x *Index) setBack(ctx context.Context, stored string, number int32, committed int64) error {
	if err := x.deps.Store.Forget(ctx, stored, number); err != nil {
		return err
	}
	_, _, err := x.deps.Store.Apply(ctx, Batch{Topic: stored, Partition: number, Next: committed})
	return err
}

// findCluster asks for the id of the cluster, once.
func (x *Index) findCluster(ctx context.Context) error {
	x.mu.Lock()
	known := x.cluster != ""
	x.mu.Unlock()
	if x.deps.Cluster == nil || known {
		return nil
	}
	id, err := x.deps.Cluster(ctx)
	if err == nil && id == "" {
		err = errors.New("the cluster has no id")
	}
	if err != nil {
		return fmt.Errorf("asking for the id of the cluster: %w", err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cluster = id
	return nil
}

// stored is the name under which the Store keeps the offsets of a topic: that of a topic on
// another cluster than the main one ends with the cluster's id, behind a character that no
// topic's name has.
func (x *Index) stored(topic string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.cluster == "" {
		return topic
	}
	return topic + "@" + x.cluster
}

// apply writes a batch. A database that was replaced, or set back to a backup, below
// what this member wrote lacks records that are not consumed again before the next
// start: writing on would leave a gap for good.
func (x *Index) apply(ctx context.Context, b Batch) (applied int, err error) {
	p := partition{b.Topic, b.Partition}
	x.mu.Lock()
	before := x.written[p]
	x.mu.Unlock()
	if before > 0 {
		next, _, err := x.deps.Store.Offset(ctx, b.Topic, b.Partition)
		if err != nil {
			return 0, err
		}
		if next < before {
			return 0, fmt.Errorf("%w: %s/%d is at offset %d, and was at %d", errSetBack, b.Topic, b.Partition, next, before)
		}
	}
	applied, next, err := x.deps.Store.Apply(ctx, b)
	if err != nil {
		return 0, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.written[p] = next
	return applied, nil
}

// handle is the consume.Handler. The offsets of a batch are committed once its
// unreadable records are dead letters and its rows are in the index.
func (x *Index) handle(ctx context.Context, d *consume.Delivery) error {
	b := decode(d.Records, time.Now().UTC())
	b.batch.Topic = x.stored(b.batch.Topic)
	if !x.complete(ctx, d, b) {
		return consume.ErrGivenUp
	}
	for _, letter := range b.unreadable {
		if !x.letters.Write(ctx, d, letter) {
			return consume.ErrGivenUp
		}
	}
	var applied int
	written := d.Retry(ctx, x.database, "writing to the index", func(ctx context.Context) (err error) {
		began := time.Now()
		applied, err = x.apply(ctx, b.batch)
		x.metrics.write.Observe(time.Since(began).Seconds())
		return err
	})
	if !written {
		return consume.ErrGivenUp
	}
	x.metrics.applied.Add(float64(applied))
	x.metrics.known.Add(float64(len(b.batch.Rows) + len(b.batch.Acts) - applied))
	x.metrics.skipped.Add(float64(b.skipped))
	x.metrics.foreign.Add(float64(b.foreign))
	x.log.DebugContext(ctx, "batch is in the index", "topic", b.batch.Topic, "partition", b.batch.Partition,
		"offset", d.Record.Offset, "records", len(d.Records), "applied", applied)
	return nil
}

// complete reads the analyses that were too large for their events; it is false where
// the batch is given up.
func (x *Index) complete(ctx context.Context, d *consume.Delivery, b *decoded) bool {
	for _, i := range b.incomplete {
		u := &b.batch.Rows[i].Upload
		read := d.Retry(ctx, x.store, "reading an analysis", func(ctx context.Context) error {
			a, err := x.deps.Analyses.Analysis(ctx, u.Tenant, u.ID)
			if err == nil && a != nil {
				*u = u.WithAnalysis(*a)
			}
			return err
		})
		if !read {
			return false
		}
	}
	return true
}
