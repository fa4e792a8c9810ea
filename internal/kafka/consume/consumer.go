package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"

	"orak/internal/kafka"
	"orak/internal/startstop"
	"orak/internal/throttle"
)

// Handler handles what is delivered. It returns nil once that is done for good:
// the records may be committed then, and are never delivered again unless the
// process ends before the commit. Any other error makes the consumer call it
// again, after a wait, with the same delivery. Where Delivery.Retry is false, it
// returns ErrGivenUp.
//
// It may be called concurrently, for different keys. ctx ends when the
// partition moves to another member and the drain timeout has passed; a handler
// must return soon after that.
type Handler func(ctx context.Context, d *Delivery) error

// ErrGivenUp says that a delivery was not handled, because its partition or the
// consumer is ending. Its records are not committed, and are left to the
// partition's next owner. While neither is ending, it is an error like others.
var ErrGivenUp = errors.New("the records are given up")

// Deps is what a Consumer works with. Resume, Stalled, Beside, Metrics and KafkaOpts
// are optional.
type Deps struct {
	// Name names the group's role in logs, in the client id and in metrics
	// (orak_<name>_…), such as "bridge".
	Name string
	// Group is the consumer group, and Topics what it reads.
	Group  string
	Topics []string
	// Kafka is how the consumer makes its own client, a member of the group.
	Kafka kafka.Config
	// KafkaOpts are added to those of the client, such as kafka.Metrics.
	KafkaOpts []kgo.Opt
	// Resume says where a partition is read from when it is assigned: committed is
	// the offset that the group has committed, -1 if none, and so is the result; -1
	// means the start. nil means from committed on. It is asked again after an error.
	Resume func(ctx context.Context, topic string, partition int32, committed int64) (int64, error)
	// Stalled is called once for every stall, and again until it returns nil.
	// The stall may be over by then.
	Stalled func(ctx context.Context, s Stall) error
	// Beside runs beside the consumer, from its start until ctx ends.
	Beside  func(ctx context.Context)
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Consumer is one member of a consumer group. It is started once.
type Consumer struct {
	cfg     Config
	deps    Deps
	batch   Batch
	handler Handler
	log     *slog.Logger
	faults  *throttle.Log
	metrics *metrics
	tracer  *kotel.Tracer

	life startstop.Once
	// client is nil unless the consumer runs.
	client      atomic.Pointer[kgo.Client]
	stopPolling context.CancelFunc
	abort       context.CancelFunc
	tasks       sync.WaitGroup

	// turns is the budget of deliveries being handled, and flow orders the pauses
	// of partitions.
	turns *turns
	flow  sync.Mutex
	// inflight is the in-flight budget: Config.Inflight, or what SetInflight has made
	// of it. inflightMu is held by changes of it.
	inflight     atomic.Int64
	inflightMu   sync.Mutex
	dependencies []*Dependency
	// more begins what there is room for; nil unless the consumer runs.
	more atomic.Pointer[func()]
	// waiting has the error of each delivery that waits to be tried again.
	waitingMu sync.Mutex
	waiting   map[*Delivery]error
	// waitingRecords is how many records these are.
	waitingRecords int

	// stall is the one underway; nil while everything moves.
	stall atomic.Pointer[Stall]

	mu       sync.Mutex
	sessions map[partition]*session
	// sessionsBegun numbers the sessions; see Delivery.Session.
	sessionsBegun atomic.Uint64
	// committing is held by commits and by revocations.
	committing sync.Mutex
	// wake says that a batch has waited for long enough.
	wake chan struct{}
	// failing stands for what made a handler return an error.
	failing *Dependency
}

// New makes a Consumer that delivers one record at a time, in the order of its
// key. Nothing is connected before Start.
func New(cfg Config, deps Deps, handle Handler) *Consumer {
	return NewBatched(cfg, deps, Batch{Records: 1}, handle)
}

// NewBatched makes a Consumer that delivers batches: records of one partition,
// in the order of their offsets and one batch at a time, whatever their keys.
// Nothing is connected before Start.
func NewBatched(cfg Config, deps Deps, batch Batch, handle Handler) *Consumer {
	deps.Kafka.ClientID += "-" + deps.Name
	m, log := newMetrics(deps.Metrics, deps.Name), deps.Log.With("component", deps.Name)
	c := &Consumer{
		cfg:      cfg,
		deps:     deps,
		batch:    batch,
		handler:  handle,
		log:      log,
		faults:   throttle.NewLog(log),
		metrics:  m,
		tracer:   kafka.NewTracer(deps.Kafka.ClientID, deps.Group),
		turns:    newTurns(cfg.Inflight),
		waiting:  make(map[*Delivery]error),
		sessions: make(map[partition]*session),
		wake:     make(chan struct{}, 1),
		failing:  &Dependency{aside: m.aside.WithLabelValues("handler")},
	}
	c.inflight.Store(int64(cfg.Inflight))
	return c
}

// SetInflight changes the in-flight budget; it may be called at any time. A larger one
// takes effect at once, a smaller one as the records that are being handled finish. n
// below 1 counts as 1.
func (c *Consumer) SetInflight(n int) {
	c.inflightMu.Lock()
	defer c.inflightMu.Unlock()
	n = max(n, 1)
	before := int(c.inflight.Swap(int64(n)))
	if n == before {
		return
	}
	c.turns.resize(n - before)
	for _, d := range c.dependencies {
		d.limit.resize(n)
	}
	if more := c.more.Load(); more != nil {
		(*more)()
	}
	c.log.InfoContext(context.Background(), "in-flight budget changed", "inflight", n, "before", before)
}

// Start joins the group and begins to consume. Kafka need not be reachable: the
// consumer waits for it, and Ready says so. A Consumer that was started or
// stopped before is an error.
func (c *Consumer) Start(ctx context.Context) error {
	if err := c.life.Start(ctx, c.start); err != nil {
		return fmt.Errorf("starting %s: %w", c.deps.Name, err)
	}
	c.log.InfoContext(ctx, "consumer started", "group", c.deps.Group, "topics", c.deps.Topics, "inflight", c.inflight.Load())
	return nil
}

func (c *Consumer) start(context.Context) error {
	if err := c.cfg.Validate(); err != nil {
		return err
	}
	run, abort := context.WithCancel(context.Background())
	cl, err := kafka.NewClient(c.deps.Kafka, c.deps.Log, c.groupOpts(run)...)
	if err != nil {
		abort()
		return err
	}
	polling, stopPolling := context.WithCancel(run)
	c.client.Store(cl)
	more := func() { c.begin(run, cl) }
	c.more.Store(&more)
	c.abort, c.stopPolling = abort, stopPolling
	c.tasks.Go(func() { c.poll(polling, run, cl) })
	c.tasks.Go(func() { c.beginOverdue(polling, run, cl) })
	c.tasks.Go(func() { c.commitPeriodically(polling, run, cl) })
	c.tasks.Go(func() { c.watchStalls(polling, cl) })
	if c.deps.Beside != nil {
		c.tasks.Go(func() { c.deps.Beside(polling) })
	}
	return nil
}

// Stop ends the fetching, lets the records being handled finish, commits and
// leaves the group (a member with an instance id stays in it, for its restart).
// What has not finished when ctx ends is cut off and left to the next owner;
// nothing is lost by that. Every call waits for the end; one before Start keeps
// Start from starting.
func (c *Consumer) Stop(ctx context.Context) error {
	if err := c.life.Stop(ctx, c.shutDown); err != nil {
		return fmt.Errorf("stopping %s: %w", c.deps.Name, err)
	}
	return nil
}

// shutDown leaves the group, which revokes every partition: the handling of
// that drains and commits.
func (c *Consumer) shutDown(ctx context.Context) error {
	defer c.abort()
	defer context.AfterFunc(ctx, c.abort)()
	c.more.Store(nil)
	cl := c.client.Swap(nil)
	c.stopPolling()
	c.tasks.Wait()
	cl.AllowRebalance()
	c.leaveGroup(ctx, cl)
	cl.CloseAllowingRebalance()
	// Closing polls once more, and a goroutine of the leave may wait behind that.
	cl.AllowRebalance()
	c.log.InfoContext(ctx, "consumer stopped")
	return nil
}

// leaveTimeout bounds the request that leaves the group. While its coordinator is
// unavailable, it would be sent until the process is killed.
const leaveTimeout = 5 * time.Second

// leaveGroup drains, commits and leaves. A member that cannot leave is dropped by the
// session timeout, and what it could not commit is delivered again.
func (c *Consumer) leaveGroup(ctx context.Context, cl *kgo.Client) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DrainTimeout+commitTimeout+leaveTimeout)
	defer cancel()
	if err := cl.LeaveGroupContext(ctx); err != nil {
		c.log.WarnContext(ctx, "leaving the group failed; its coordinator drops this member after the session timeout",
			"session_timeout", c.cfg.SessionTimeout.String(), "error", err)
	}
}

// Ready reports why the consumer cannot do its work now: it does not run, Kafka
// does not answer within ctx, partitions are stalled, or records wait to be tried
// again.
func (c *Consumer) Ready(ctx context.Context) error {
	cl := c.client.Load()
	if cl == nil {
		return fmt.Errorf("the %s does not run", c.deps.Name)
	}
	if err := cl.Ping(ctx); err != nil {
		return fmt.Errorf("reaching Kafka: %w", err)
	}
	if stall := c.stall.Load(); stall != nil {
		return errors.New(stall.String())
	}
	c.waitingMu.Lock()
	defer c.waitingMu.Unlock()
	for _, err := range c.waiting {
		return fmt.Errorf("%d records wait to be tried again: %w", c.waitingRecords, err)
	}
	return nil
}

// Retention is how long a topic keeps its records; 0 means for ever. The consumer
// must run.
func (c *Consumer) Retention(ctx context.Context, topic string) (time.Duration, error) {
	cl := c.client.Load()
	if cl == nil {
		return 0, fmt.Errorf("the %s does not run", c.deps.Name)
	}
	return kafka.Retention(ctx, cl, topic)
}

// noteWaiting notes that d waits to be tried again because of err; a nil err
// ends that.
func (c *Consumer) noteWaiting(d *Delivery, err error) {
	c.waitingMu.Lock()
	defer c.waitingMu.Unlock()
	_, waits := c.waiting[d]
	switch {
	case err != nil:
		c.waiting[d] = err
		if !waits {
			c.waitingRecords += len(d.batch)
		}
	case waits:
		delete(c.waiting, d)
		c.waitingRecords -= len(d.batch)
	}
	c.metrics.retrying.Set(float64(c.waitingRecords))
}
