package app

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/api"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/mattermost"
	"orak/internal/objectstore"
	"orak/sinks/index"
	"orak/sinks/index/postgres"
	"orak/sinks/index/sqlite"
	"orak/worker"
)

// openIndex opens the index for the roles that use it, if one is configured.
func (a *App) openIndex(ctx context.Context, roles Roles) error {
	if !roles.Index && !roles.API || !a.cfg.Index.Configured() {
		return nil
	}
	store, err := openIndex(ctx, a.cfg.Index, a.registry())
	if err != nil && !roles.Index {
		// Uploads do not need the index.
		a.log.ErrorContext(ctx, "the index cannot be opened; lists, searches and songs are answered with 503", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	a.index = store
	a.stops.add("index's database", func(context.Context) error { return a.index.Close() })
	return nil
}

// apiIndex returns the index for the API; nil if there is none.
func (a *App) apiIndex() api.Index {
	if a.index == nil {
		return nil
	}
	return a.index
}

func openIndex(ctx context.Context, cfg index.Config, metrics prometheus.Registerer) (index.Store, error) {
	if cfg.URL != "" {
		return postgres.Open(postgres.Config{URL: cfg.URL, Connections: cfg.Connections, VectorCache: cfg.VectorCache, Metrics: metrics})
	}
	return sqlite.Open(ctx, sqlite.Config{Dir: cfg.Dir, VectorCache: cfg.VectorCache, Metrics: metrics})
}

// startIndex starts the members that keep the index: one on each cluster.
func (a *App) startIndex(ctx context.Context) error {
	if a.index == nil {
		return errors.New("starting index: want an index URL or an index dir")
	}
	for _, c := range a.clusters {
		x := a.indexOf(c)
		if err := x.Start(ctx); err != nil {
			return err
		}
		a.stops.add("index", x.Stop)
		a.health.Add(partName("index", a.cfg.Kafka, c), a.neededReady(c, x.Ready))
	}
	return nil
}

func (a *App) indexOf(c *cluster) *index.Index {
	cfg, from := a.cfg.Index, c.Config
	cfg.InstanceID, cfg.KeepActs = a.cfg.InstanceID, a.cfg.Audit.Retention
	deps := index.Deps{
		KafkaOpts: []kgo.Opt{kafka.Metrics(a.registry())},
		Store:     a.index,
		Analyses:  analyses{a.store},
		Publisher: a.producer,
		Alerter: bridgeAlerter{
			Alerter:  worker.NewAlerter(a.temporal, a.cfg.Worker),
			notifier: mattermost.New(a.cfg.Alert, a.log),
			consumer: "index",
			cluster:  c.Name,
			divided:  a.cfg.Kafka.Divided(),
			console:  a.cfg.Console,
		},
		Log:     a.placeLog(c),
		Metrics: a.ofCluster(c),
	}
	switch {
	case !c.Main:
		from.ClientID += "-" + string(c.Name)
		deps.Topics = []string{events.TopicUploads}
		deps.Cluster = c.id
	case !c.Uploads:
		deps.Topics = []string{events.TopicLifecycle, events.TopicAudit}
	}
	deps.Kafka = from
	return index.New(cfg, deps)
}

// analyses adapts the store to index.
type analyses struct{ store *objectstore.Store }

var _ index.Analyses = analyses{}

// Analysis implements index.Analyses.
func (s analyses) Analysis(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Analysis, error) {
	return readJSON[orak.Analysis](ctx, s.store, orak.AnalysisKey(t, id))
}
