package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/switchover"
	"orak/internal/objectstore"
	"orak/internal/throttle"
)

// cluster is a Kafka cluster of the process.
type cluster struct {
	kafka.Cluster
	client   *kgo.Client
	producer *kafka.Producer
	// away says that it did not answer when it was last asked.
	away atomic.Bool
	// prepared says that its topic of uploads exists.
	prepared bool
}

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
		cfg := k.Config
		if !k.Main {
			cfg.ClientID += "-" + string(k.Name) // metrics are told apart by it
		}
		cl, err := kafka.NewClient(cfg, a.log, kafka.Metrics(a.registry()))
		if err != nil {
			return err
		}
		a.stops.add("kafka producer "+string(k.Name), closing(cl.Close))
		c := &cluster{Cluster: k, client: cl, producer: kafka.NewProducer(cl)}
		a.clusters = append(a.clusters, c)
		if k.Uploads {
			producers[k.Name] = c.producer
		}
	}
	a.kafka = a.clusters[0].client
	a.producer = kafka.NewRouter(a.clusters[0].producer, producers)
	if err := a.followSwitch(ctx); err != nil {
		return err
	}
	if roles == (Roles{API: true}) { // which finds out when it prepares
		return nil
	}
	return a.checkClusters(ctx)
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
// answer: once before it returns, and then from time to time. No process waits for them:
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
	if err != nil || c.Main || c.prepared { // the main cluster has a preparation
		return
	}
	err = kafka.EnsureTopics(bounded, c.client, a.cfg.topicsOn(c.Cluster), a.cfg.Kafka.ReplicationFactor)
	outages.Report(ctx, err, "the topic of uploads cannot be created", "cluster", c.Name)
	if err != nil {
		return
	}
	c.prepared = true
	a.tellTopicRisks(bounded, c)
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
	meta, err := kadm.NewClient(c.client).BrokerMetadata(ctx)
	if err != nil {
		return "", err
	}
	return string(c.Name) + "/" + meta.Cluster, nil
}
