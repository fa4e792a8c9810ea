package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/switchover"
	"orak/internal/objectstore"
	"orak/internal/throttle"
)

// cluster is a Kafka cluster of the process.
type cluster struct {
	kafka.Cluster
	producer *kafka.Producer
	// away says that it did not answer when it was last asked.
	away atomic.Bool
	// prepared says that its topics exist, or that something else makes them.
	prepared bool
	// seen is the id that its brokers had when they were last asked.
	seen string
}

// client returns the client of its producer, which changes if another cluster takes its
// addresses.
func (c *cluster) client() *kgo.Client { return c.producer.Client() }

// topicsOn returns the topics of a cluster as the settings have them.
func (c Config) topicsOn(k kafka.Cluster) []events.Topic {
	var some []events.Topic
	for _, t := range c.topics() {
		if t.Name == events.TopicUploads && k.Uploads || t.Name != events.TopicUploads && k.Main {
			some = append(some, t)
		}
	}
	return some
}

// switchStore adapts the store to switchover.
type switchStore struct{ store *objectstore.Store }

var _ switchover.Store = switchStore{}

// Get implements switchover.Store.
func (s switchStore) Get(ctx context.Context, key string, limit int64) ([]byte, string, error) {
	body, info, err := s.store.Get(ctx, key)
	if err != nil {
		return nil, "", err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, limit))
	return text, info.ETag, err
}

// Replace implements switchover.Store.
func (s switchStore) Replace(ctx context.Context, key string, value []byte, etag string) error {
	_, err := s.store.Put(ctx, key, bytes.NewReader(value), objectstore.PutOptions{
		Size: int64(len(value)), ContentType: "application/json", IfMatch: etag, IfAbsent: etag == "",
	})
	if errors.Is(err, objectstore.ErrChanged) || errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %w", switchover.ErrChanged, err)
	}
	return err
}

// connectKafka makes the clients of all clusters, which need not be reachable, and finds
// out which place of the topic of uploads is active.
func (a *App) connectKafka(ctx context.Context, roles Roles) error {
	producers := make(map[kafka.Place]*kafka.Producer)
	for _, k := range a.cfg.Kafka.Clusters() {
		cl, err := a.clientOf(k)
		if err != nil {
			return err
		}
		c := &cluster{Cluster: k, producer: kafka.NewProducer(cl), prepared: k.Main} // which has a preparation
		a.stops.add("kafka producer "+string(k.Name), closing(func() { c.client().Close() }))
		a.clusters = append(a.clusters, c)
		if k.Uploads {
			producers[k.Name] = c.producer
		}
	}
	a.producer = kafka.NewRouter(a.clusters[0].producer, producers)
	if err := a.followSwitch(ctx); err != nil {
		return err
	}
	if roles == (Roles{API: true}) { // which finds out when it prepares
		return nil
	}
	return a.checkClusters(ctx)
}

// clientOf returns a client for the producer of a cluster.
func (a *App) clientOf(k kafka.Cluster) (*kgo.Client, error) {
	cfg := k.Config
	if !k.Main {
		cfg.ClientID += "-" + string(k.Name) // metrics are told apart by it
	}
	return kafka.NewClient(cfg, a.log, kafka.Metrics(a.registry()))
}

// firstLook is how long a starting process waits for the store to say which place of the
// topic of uploads is active.
const firstLook = 3 * time.Second

// followSwitch lets the producer follow which place of uploads is active.
func (a *App) followSwitch(ctx context.Context) error {
	if len(a.cfg.Kafka.Places()) < 2 {
		a.beside(ctx, "look for a switch", a.warnOfSwitch)
		return nil
	}
	v := switchover.NewView(switchover.Deps{
		Store: switchStore{a.store}, Interval: a.cfg.Kafka.SwitchInterval, Activate: a.producer.Activate, Log: a.log, Metrics: a.registry(),
	})
	if err := v.Start(ctx); err != nil {
		return err
	}
	a.stops.add("kafka switch", v.Stop)
	timer := time.NewTimer(firstLook)
	defer timer.Stop()
	select {
	case <-v.Loaded():
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

// warnOfSwitch warns if other processes were switched to a standby that this one does not
// know.
func (a *App) warnOfSwitch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	if d, _, err := switchover.Read(ctx, switchStore{a.store}); err == nil && d.Active == kafka.Standby {
		a.log.WarnContext(ctx, "the standby of orak.uploads is active, and this process has none: set kafka-standby-brokers", "switched_at", d.SwitchedAt, "by", d.By)
	}
}

// checkClusters returns a *secure.WrongSetting for a cluster that is needed; that of the
// place which is not active is only logged.
func (a *App) checkClusters(ctx context.Context) error {
	errs := make([]error, len(a.clusters))
	var all sync.WaitGroup
	for i, c := range a.clusters {
		all.Go(func() { errs[i] = kafka.Check(ctx, c.Config) })
	}
	all.Wait()
	for i, c := range a.clusters {
		if errs[i] != nil && (c.Main || a.producer.Active() == c.Name) {
			return errs[i]
		}
		if errs[i] != nil {
			a.log.ErrorContext(ctx, "server cannot be used with these settings", "server", "kafka "+string(c.Name), "error", errs[i])
		}
	}
	return nil
}

// The places of uploads are looked at every lookAtPlaces, each for placeWithin.
const (
	lookAtPlaces = 5 * time.Second
	placeWithin  = 4 * time.Second
)

// startPlaces prepares the clusters that have only the topic of uploads, and notes which
// answer and which were replaced: once before it returns, and then from time to time. No process waits for them:
// after a switch one may be dead for good.
func (a *App) startPlaces(ctx context.Context) {
	if !a.cfg.Kafka.Divided() {
		return
	}
	reachable := promauto.With(a.registry()).NewGaugeVec(prometheus.GaugeOpts{
		Name: "orak_kafka_cluster_reachable", Help: "Whether the cluster answered this process when it was last asked: 1 or 0.",
	}, []string{"cluster"})
	outages := throttle.NewOutages(a.log)
	look := func(ctx context.Context) {
		var all sync.WaitGroup
		for _, c := range a.clusters {
			all.Go(func() { a.lookAt(ctx, c, reachable, outages) })
		}
		all.Wait()
	}
	look(ctx)
	a.beside(ctx, "kafka clusters", func(ctx context.Context) {
		tick := time.NewTicker(lookAtPlaces)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				look(ctx)
			}
		}
	})
}

func (a *App) lookAt(ctx context.Context, c *cluster, reachable *prometheus.GaugeVec, outages *throttle.Outages) {
	bounded, cancel := context.WithTimeout(ctx, placeWithin)
	defer cancel()
	err := c.producer.Ping(bounded)
	if ctx.Err() != nil {
		return
	}
	outages.Report(ctx, err, "kafka cluster cannot be reached", "cluster", c.Name)
	c.away.Store(err != nil)
	value := 1.0
	if err != nil {
		value = 0
	}
	reachable.WithLabelValues(string(c.Name)).Set(value)
	if err != nil {
		return
	}
	err = a.prepareCluster(bounded, c)
	if ctx.Err() == nil {
		outages.Report(ctx, err, "kafka cluster cannot be prepared", "cluster", c.Name)
	}
}

// prepareCluster makes the topics of a cluster, again if they are gone or if another cluster
// has taken its addresses.
func (a *App) prepareCluster(ctx context.Context, c *cluster) error {
	topics := a.cfg.topicsOn(c.Cluster)
	id, complete, err := describe(ctx, c.client(), topics)
	if err != nil {
		return err
	}
	replaced := c.seen != "" && id != "" && c.seen != id
	if replaced {
		a.log.ErrorContext(ctx, "kafka cluster was replaced by another one; making its topics, and producing with new ids", "cluster", c.Name, "before", c.seen, "now", id)
		if err := a.renewClient(c); err != nil {
			return err
		}
	}
	if replaced || !complete && !c.Main {
		c.prepared = false
	}
	c.seen = id
	if c.prepared {
		return nil
	}
	if err := kafka.EnsureTopics(ctx, c.client(), topics, a.cfg.Kafka.ReplicationFactor); err != nil {
		return err
	}
	c.prepared = true
	a.tellTopicRisks(ctx, c)
	return nil
}

// renewClient replaces the client of the producer: a new cluster may give the id that a
// producer got from the one before to another producer, and would then take records of one
// for repeated ones of the other. What the old client has not sent fails, and is sent again
// like after an outage.
func (a *App) renewClient(c *cluster) error {
	c.client().Close() // first, since the new one has the same metrics
	cl, err := a.clientOf(c.Cluster)
	if err != nil {
		err = fmt.Errorf("replacing the client of Kafka cluster %s: %w", c.Name, err)
		select {
		case a.fatal <- err:
		default: // another error was first
		}
		return err
	}
	c.producer.Use(cl)
	return nil
}

// describe returns the id that the brokers of a cluster have in common, and whether it has
// all topics.
func describe(ctx context.Context, cl *kgo.Client, topics []events.Topic) (id string, complete bool, err error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, t := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(t.Name)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return "", false, fmt.Errorf("asking for the topics: %w", err)
	}
	if resp.ClusterID != nil {
		id = *resp.ClusterID
	}
	missing := slices.ContainsFunc(resp.Topics, func(t kmsg.MetadataResponseTopic) bool {
		return t.ErrorCode == kerr.UnknownTopicOrPartition.Code
	})
	return id, !missing, nil
}

// unneeded reports whether a cluster is away and nothing is sent to it: its consumers have
// nothing to do but to wait.
func (a *App) unneeded(c *cluster) bool {
	return c.away.Load() && !c.Main && a.producer.Active() != c.Name
}

// placeLog returns a log for what reads a cluster. While the cluster is away and not
// needed, its warnings are debug messages: one line says that it is away.
func (a *App) placeLog(c *cluster) *slog.Logger {
	if c.Main {
		return a.log
	}
	return slog.New(demoting{a.log.Handler(), func() bool { return a.unneeded(c) }})
}

// demoting turns warnings into debug messages while quiet.
type demoting struct {
	slog.Handler
	quiet func() bool
}

// Handle implements slog.Handler.
func (d demoting) Handle(ctx context.Context, r slog.Record) error {
	if d.quiet() && r.Level <= slog.LevelWarn {
		r.Level = slog.LevelDebug
		if !d.Handler.Enabled(ctx, r.Level) {
			return nil
		}
	}
	return d.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (d demoting) WithAttrs(attrs []slog.Attr) slog.Handler {
	return demoting{d.Handler.WithAttrs(attrs), d.quiet}
}

// WithGroup implements slog.Handler.
func (d demoting) WithGroup(name string) slog.Handler {
	return demoting{d.Handler.WithGroup(name), d.quiet}
}

// ofCluster labels metrics with the cluster, if there is more than one.
func (a *App) ofCluster(c *cluster) prometheus.Registerer {
	if !a.cfg.Kafka.Divided() {
		return a.registry()
	}
	return prometheus.WrapRegistererWith(prometheus.Labels{"cluster": string(c.Name)}, a.registry())
}

// readPlaces calls start for each cluster that has the topic of uploads.
func (a *App) readPlaces(start func(*cluster) error) error {
	for _, c := range a.clusters {
		if !c.Uploads {
			continue
		}
		if err := start(c); err != nil {
			return err
		}
	}
	return nil
}

// neededReady makes a check of readiness that a cluster which is away and not needed does
// not fail.
func (a *App) neededReady(c *cluster, ready func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if a.unneeded(c) {
			return nil
		}
		err := ready(ctx)
		if err != nil && a.unneeded(c) { // it was found out meanwhile
			return nil
		}
		return err
	}
}

// partName names a part that reads a cluster among the checks of readiness.
func partName(part string, cfg kafka.Config, c *cluster) string {
	if !cfg.Divided() {
		return part
	}
	return part + " " + string(c.Name)
}

// id returns what the cluster is known by: its name here, and the id that its brokers have
// in common, since clusters may have been made with one id.
func (c *cluster) id(ctx context.Context) (string, error) {
	meta, err := kadm.NewClient(c.client()).BrokerMetadata(ctx)
	if err != nil {
		return "", err
	}
	return string(c.Name) + "/" + meta.Cluster, nil
}
