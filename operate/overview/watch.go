package overview

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/throttle"
	"orak/operate/lag"
)

// How the watch looks: how long it goes on after the last request, its window at most,
// the interval of its looks at least, the bound of one, and for how long a request waits
// for the first.
const (
	watchFor   = time.Minute
	maxWindow  = time.Minute
	minBetween = 2 * time.Second
	lookWithin = 10 * time.Second
	firstLook  = 5 * time.Second
)

// watch samples consumer groups and topics while somebody asks for them.
type watch struct {
	kafka  kafka.Config
	topics []events.Topic
	closed func(context.Context) kafka.Closed
	groups []string
	others []Elsewhere
	rules  lag.Rules
	every  time.Duration
	log    *slog.Logger
	looks  *throttle.Outages

	mu      sync.Mutex
	asked   time.Time
	running bool
	stopped bool
	end     context.CancelFunc
	tasks   sync.WaitGroup
	// first is closed after the first look of a run.
	first chan struct{}
	lag   looked[resource.Lag]
	topic looked[resource.Topics]
}

// looked is what the last look has found.
type looked[T any] struct {
	value T
	err   error
}

func newWatch(deps Deps, log *slog.Logger) *watch {
	k, cfg, topics, closed := deps.Kafka, deps.Lag, deps.Topics, deps.Closed
	if topics == nil {
		topics = events.Topics()
	}
	if closed == nil {
		closed = func(context.Context) kafka.Closed { return kafka.Closed{} }
	}
	k.ClientID += "-overview"
	if cfg.Validate() != nil { // only a process with a monitor of its own refuses such settings
		cfg.Interval, cfg.Window = minBetween, maxWindow
	}
	rules := cfg.Rules()
	rules.Window = min(rules.Window, maxWindow)
	groups := slices.Compact(slices.Sorted(slices.Values(cfg.Groups)))
	return &watch{kafka: k, topics: topics, closed: closed, groups: groups, others: deps.Elsewhere, rules: rules, every: min(max(minBetween, rules.Window/20), cfg.Interval), log: log, looks: throttle.NewOutages(log)}
}

// ask returns what the last look of a running watch has found, and starts the watch if
// it does not run.
func (w *watch) ask(ctx context.Context) (looked[resource.Lag], looked[resource.Topics], error) {
	first, err := w.begin()
	if err != nil {
		return looked[resource.Lag]{}, looked[resource.Topics]{}, err
	}
	patience, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	select {
	case <-first:
	case <-patience.Done():
		return looked[resource.Lag]{}, looked[resource.Topics]{}, kafkaDown(fmt.Errorf("waiting for the first look: %w", patience.Err()))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lag, w.topic, nil
}

// begin notes a request, and returns the channel that is closed after the first look.
func (w *watch) begin() (<-chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return nil, kafkaDown(errors.New("the process stops"))
	}
	w.asked = time.Now()
	if w.running {
		return w.first, nil
	}
	groups, err := lag.NewSampler(w.kafka, w.log)
	if err != nil {
		return nil, kafkaDown(err)
	}
	topics, err := newTopicSampler(w.kafka, w.topics, w.closed, w.log)
	if err != nil {
		groups.Close()
		return nil, kafkaDown(err)
	}
	others, err := newReaders(w.others, w.rules, w.log)
	if err != nil {
		groups.Close()
		topics.close()
		return nil, kafkaDown(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.running, w.first, w.end = true, make(chan struct{}), cancel
	w.tasks.Go(func() {
		defer groups.Close()
		defer topics.close()
		defer closeReaders(others)
		w.run(ctx, groups, others, topics)
	})
	return w.first, nil
}

func (w *watch) stop() {
	w.mu.Lock()
	w.stopped = true
	if w.end != nil {
		w.end()
	}
	w.mu.Unlock()
	w.tasks.Wait()
}

// run looks until nobody has asked for a while.
func (w *watch) run(ctx context.Context, groups *lag.Sampler, others []*reader, topics *topicSampler) {
	board := lag.NewBoard(w.rules)
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		w.look(ctx, groups, board, others, topics)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		if w.over(ctx) {
			return
		}
	}
}

// over reports whether the watch is to end; the next request then starts a new one.
func (w *watch) over(ctx context.Context) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() == nil && time.Since(w.asked) < watchFor {
		return false
	}
	w.running = false
	w.end()
	return true
}

// look looks at groups and topics, on all clusters at the same time: a group whose
// coordinator is away does not delay the topics for longer than one look.
func (w *watch) look(ctx context.Context, groups *lag.Sampler, board *lag.Board, others []*reader, topics *topicSampler) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	var (
		all    sync.WaitGroup
		behind looked[resource.Lag]
		beside [][]resource.LagGroup
		topic  looked[resource.Topics]
	)
	all.Go(func() { behind.value, behind.err = w.lookAtGroups(ctx, groups, board) })
	all.Go(func() { beside = lookElsewhere(ctx, others) })
	all.Go(func() { topic.value, topic.err = topics.look(ctx) })
	all.Wait()
	behind.value.Groups = joined(slices.Concat([][]resource.LagGroup{behind.value.Groups}, beside)...)
	w.looks.Report(ctx, errors.Join(behind.err, topic.err), "looking at Kafka for operators failed")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lag, w.topic = behind, topic
	select {
	case <-w.first:
	default:
		close(w.first)
	}
}

func (w *watch) lookAtGroups(ctx context.Context, groups *lag.Sampler, board *lag.Board) (resource.Lag, error) {
	looks, err := groups.Look(ctx, w.groups...)
	if err != nil {
		return resource.Lag{}, err
	}
	board.Add(looks)
	answer := resource.Lag{At: time.Now().UTC(), WindowSeconds: w.rules.Window.Seconds(), Groups: []resource.LagGroup{}}
	for _, r := range board.Reports() {
		answer.Groups = append(answer.Groups, groupResource(r))
	}
	return answer, nil
}

func groupResource(r lag.GroupReport) resource.LagGroup {
	g := resource.LagGroup{
		Group: r.Group, Status: string(r.Status), State: r.State, Members: r.Members, Lag: r.Lag, Seconds: r.Seconds,
		Partitions: make([]resource.LagPartition, len(r.Partitions)), Error: r.Error,
	}
	for i, p := range r.Partitions {
		g.Partitions[i] = resource.LagPartition{
			Topic: p.Topic, Partition: p.Partition, Status: string(p.Status), Complete: p.Complete, Start: p.Start, End: p.End,
			Committed: p.Committed, Lag: p.Lag, Seconds: p.Seconds, Lost: p.Lost, In: p.In, Out: p.Out,
		}
	}
	return g
}

// Lag returns how far the consumer groups are behind.
func (o *Overview) Lag(ctx context.Context) (resource.Lag, error) {
	found, _, err := o.watch.ask(ctx)
	if err != nil {
		return resource.Lag{}, err
	}
	return found.value, found.err
}

// Topics returns the topics of orak.
func (o *Overview) Topics(ctx context.Context) (resource.Topics, error) {
	_, found, err := o.watch.ask(ctx)
	if err != nil {
		return resource.Topics{}, err
	}
	return found.value, found.err
}

func kafkaDown(err error) error {
	return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyKafka, Message: "The event log is not reachable.", Err: err}
}
