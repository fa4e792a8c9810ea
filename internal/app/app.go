package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/activities"
	"orak/api"
	"orak/bridge"
	"orak/control"
	"orak/internal/app/lakestore"
	"orak/internal/kafka"
	"orak/internal/kafka/feed"
	"orak/internal/mattermost"
	"orak/internal/media"
	"orak/internal/objectstore"
	"orak/internal/observe"
	"orak/internal/temporal"
	"orak/operate/reconcile"
	"orak/sinks/index"
	"orak/sinks/lake"
	"orak/web"
	"orak/worker"
)

// App is one process's running roles.
type App struct {
	cfg   Config
	log   *slog.Logger
	stops stops

	metrics *observe.Metrics
	health  *observe.Health
	store   *objectstore.Store
	// clusters are those of Kafka, the main one first.
	clusters []*cluster
	producer *kafka.Router
	temporal client.Client
	// closed is how long Temporal keeps what is over.
	closed  closed
	outages *worker.Reporter
	control *control.View
	// index is nil if none is configured, or the roles need none.
	index index.Store
	// bucket is closed once the bucket exists.
	bucket chan struct{}
	api    *api.Server
	admin  *observe.Admin
	fatal  chan error
}

// Start runs the roles and returns once they serve. ctx bounds only the start;
// after an error nothing is left running.
func Start(ctx context.Context, cfg Config, roles Roles, log *slog.Logger) (*App, error) {
	a := &App{cfg: cfg, log: log, bucket: make(chan struct{}), fatal: make(chan error, 1)}
	if err := a.start(ctx, roles); err != nil {
		log.ErrorContext(ctx, "starting failed", "error", err)
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return nil, errors.Join(err, a.stops.run(stopping, log))
	}
	return a, nil
}

// Stop ends what Start began, the last first: no more uploads are taken, then
// no more records, then the steps that run are finished or handed back. It is
// graceful within ctx. It returns an error where parts had to be cut off; another
// call waits for those that have not ended yet.
func (a *App) Stop(ctx context.Context) error {
	a.health.Drain()
	return a.stops.run(ctx, a.log)
}

// Fatal sends the first error that ended a role. The process should exit with it,
// so that its supervisor restarts it: the role does not come back by itself.
func (a *App) Fatal() <-chan error { return a.fatal }

// watch forwards the error that ends a part.
func (a *App) watch(ends <-chan error) {
	done := make(chan struct{})
	a.stops.add("watch", closing(func() { close(done) }))
	go func() {
		select {
		case err := <-ends:
			select {
			case a.fatal <- err:
			default: // another error was first
			}
		case <-done:
		}
	}()
}

// AdminAddr returns where health checks and metrics are served, as host:port;
// empty where they are not.
func (a *App) AdminAddr() string {
	if a.admin == nil {
		return ""
	}
	return a.admin.Addr()
}

// APIAddr returns where the API listens, as host:port; empty without the role.
func (a *App) APIAddr() string {
	if a.api == nil {
		return ""
	}
	return a.api.Addr()
}

func (a *App) start(ctx context.Context, roles Roles) error {
	if err := a.observe(ctx, roles); err != nil {
		return err
	}
	if err := a.connect(ctx, roles); err != nil {
		return err
	}
	if err := a.openIndex(ctx, roles); err != nil {
		return err
	}
	a.startPlaces(ctx)
	if err := a.prepare(ctx, roles); err != nil {
		return err
	}
	if roles.API || roles.Worker { // they publish events
		a.registerSchemas(ctx)
	}
	for _, part := range []struct {
		wanted bool
		start  func(context.Context) error
	}{
		{true, a.startControl},
		{roles.Worker, a.startKeeper},
		{roles.Worker, a.startWorker},
		{roles.Bridge, a.startBridge},
		{roles.Lake, a.startLake},
		{roles.Index, a.startIndex},
		{roles.Webhooks, a.startWebhooks},
		{roles.API, a.startAPI},
		{true, a.startAdmin},
	} {
		if !part.wanted {
			continue
		}
		if err := part.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) observe(ctx context.Context, roles Roles) error {
	a.metrics = observe.NewMetrics()
	a.stops.add("metrics", a.metrics.Stop)
	a.health = observe.NewHealth(a.log)
	stop, err := observe.StartTracing(ctx, observe.TracingConfig{Service: roles.name(), Instance: a.cfg.InstanceID})
	if err != nil {
		return err
	}
	a.stops.add("tracing", stop)
	return nil
}

// connect makes the clients of the servers, which need not be reachable yet.
func (a *App) connect(ctx context.Context, roles Roles) error {
	var err error
	if a.store, err = objectstore.New(a.cfg.Store, objectstore.WithLogger(a.log), objectstore.WithMetrics(a.registry())); err != nil {
		return err
	}
	a.stops.add("store", closing(a.store.Close))
	if err := a.connectKafka(ctx, roles); err != nil {
		return err
	}

	telemetry := temporal.Telemetry{
		Meter:  a.metrics.MeterProvider().Meter("temporal-sdk"),
		Tracer: otel.GetTracerProvider().Tracer("temporal-sdk"),
	}
	if roles.Bridge || roles.Worker || roles.Webhooks {
		a.temporal, err = temporal.Dial(ctx, a.cfg.Temporal, a.log, telemetry)
	} else {
		a.temporal, err = temporal.Lazy(a.cfg.Temporal, a.log, telemetry)
		a.checkBeside(ctx, "temporal", func(ctx context.Context) error { return temporal.Check(ctx, a.cfg.Temporal) })
	}
	if err != nil {
		return err
	}
	a.stops.add("temporal client", closing(a.temporal.Close))
	a.outages = worker.NewReporter(a.temporal, a.cfg.Worker.Outage, a.log, a.registry())
	a.stops.add("outage reports", closing(a.outages.Stop))
	return nil
}

// prepare waits for what the roles need. A process that serves only the API does
// not wait: it takes uploads as soon as the store is reachable.
func (a *App) prepare(ctx context.Context, roles Roles) error {
	ps := a.preparations(roles)
	if roles != (Roles{API: true}) {
		return prepareAll(ctx, a.log, ps)
	}
	a.beside(ctx, "preparations", func(ctx context.Context) {
		if err := prepareAll(ctx, a.log, ps); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "preparing failed", "error", err)
		}
	})
	return nil
}

func (a *App) startWorker(ctx context.Context) error {
	a.checkBeside(ctx, "model server", a.checkModelServer)
	converter, err := a.converter(ctx)
	if err != nil {
		return err
	}
	engines, reconciler := a.engines(), a.reconciler()
	chat := mattermost.New(a.cfg.Alert, a.log)
	w := worker.New(a.cfg.Worker, a.temporal, worker.Deps{
		Store:       activityStore{a.store},
		Converter:   converter,
		Analyzer:    engines[a.cfg.Worker.Engine],
		Engines:     engines,
		ModelServer: a.modelServer(),
		Publisher:   a.producer,
		Notifier:    chat,
		Route:       a.route(chat),
		Outages:     a.outages,
		Probes:      a.probes(converter, reconciler),
		Links:       a.cfg.Temporal,
		Console:     a.cfg.Console,
		Menders:     a.menders(reconciler),
		Lake:        lake.NewCompactor(a.cfg.Lake.Compact, lakestore.New(a.store), a.log, a.registry()),
		Namespace:   a.cfg.Temporal.Namespace,
		Payloads:    payloads(a.cfg.Temporal),
		ParkFor:     a.parkFor,
		AllTenants:  a.cfg.API.AllTenants,
		Log:         a.log,
		Metrics:     a.registry(),
	})
	// Temporal may have become unavailable since the worker was prepared.
	if err := prepare(ctx, a.log, preparation{name: "the worker's queues", wrongEnds: true, run: w.Start}); err != nil {
		return err
	}
	a.stops.add("worker", w.Stop)
	a.followWorker(ctx, w)
	a.watch(w.Fatal())
	a.health.Add("worker", w.Ready)
	a.health.Add("store", a.store.Ping)
	a.health.Add("kafka", a.producer.Main().Ping)
	a.health.Add("temporal", a.pingTemporal)
	return nil
}

// probes returns a probe of each dependency that every upload needs.
func (a *App) probes(converter *media.Converter, r *reconcile.Reconciler) map[orak.Dependency]activities.Probe {
	probes := map[orak.Dependency]activities.Probe{
		orak.DependencyStore: a.store.Ping, orak.DependencyKafka: a.producer.Ping, orak.DependencyConverter: converter.Check,
		orak.DependencyWorkflows: r.ProbeWorkflows,
	}
	if a.hasModelServer() {
		probes[orak.DependencyModelServer] = a.modelGate().Ready
	}
	return probes
}

// startBridge starts a bridge for each place of the topic of uploads: what was announced
// before a switch is read to its end.
func (a *App) startBridge(ctx context.Context) error {
	var bridges []*bridge.Bridge
	of := make(map[*cluster]*bridge.Bridge)
	err := a.readPlaces(func(c *cluster) error {
		b := a.bridgeOf(c)
		if err := b.Start(ctx); err != nil {
			return err
		}
		bridges = append(bridges, b)
		of[c] = b
		a.stops.add("bridge", b.Stop)
		a.health.Add(partName("bridge", a.cfg.Kafka, c), a.neededReady(c, b.Ready))
		return nil
	})
	if err != nil {
		return err
	}
	a.followBridge(ctx, bridges)
	a.watchFormer(ctx)
	return a.startLag(ctx, of)
}

func (a *App) bridgeOf(c *cluster) *bridge.Bridge {
	cfg, from := a.cfg.Bridge, c.Config
	cfg.InstanceID = a.cfg.InstanceID
	// Temporal gives an eager task to this process whichever version is current.
	cfg.EagerStart = cfg.EagerStart && !a.cfg.Worker.Version.Versioned()
	if !c.Main {
		from.ClientID += "-" + string(c.Name)
	}
	return bridge.New(cfg, bridge.Deps{
		Kafka:     from,
		KafkaOpts: []kgo.Opt{kafka.Metrics(a.registry())},
		Temporal:  a.temporal,
		Payloads:  payloads(a.cfg.Temporal),
		Namespace: a.cfg.Temporal.Namespace,
		Publisher: a.producer,
		Alerter: bridgeAlerter{
			Alerter:  worker.NewAlerter(a.temporal, a.cfg.Worker),
			notifier: mattermost.New(a.cfg.Alert, a.log),
			consumer: "bridge",
			cluster:  c.Name,
			divided:  a.cfg.Kafka.Divided(),
			console:  a.cfg.Console,
		},
		Recordings: recordings{store: a.store, bucket: a.cfg.Store.Bucket},
		Priority:   a.priority,
		Log:        a.placeLog(c),
		Metrics:    a.ofCluster(c),
	})
}

// startAPI makes readiness depend only on the store: uploads must be taken while
// Kafka or Temporal is unavailable.
func (a *App) startAPI(ctx context.Context) error {
	callers, err := a.callers(ctx)
	if err != nil {
		return err
	}
	console, err := web.Embedded()
	if err != nil {
		return err
	}
	a.health.Add("store", a.store.Ping)
	probes := a.health.Handler()
	operations := a.overview()
	a.stops.add("overview", closing(operations.Stop))
	a.api = api.New(a.cfg.API, api.Deps{
		Codec:         a.cfg.Temporal.Codec(),
		Store:         a.store,
		Bucket:        a.bucket,
		Events:        a.producer,
		ActiveCluster: func() string { return string(a.producer.Active()) },
		Outages:       a.outages,
		Callers:       callers,
		Keys:          a.Keys(),
		Index:         a.apiIndex(),
		Webhooks:      a.apiWebhooks(),
		Sending:       a.cfg.Webhooks.Sending,
		GiveUpAfter:   a.cfg.Webhooks.GiveUpAfter,
		Feed: feed.New(feed.Config{
			MaxBehind: a.cfg.API.MaxFeedRecords, MaxResumes: a.cfg.API.MaxFeedResumes, MaxTenantResumes: a.cfg.API.MaxTenantResumes,
		}, a.cfg.Kafka, a.log, a.registry()),
		Operations:  operations,
		Settings:    a.apiSettings(),
		Workflows:   a.temporal,
		Payloads:    payloads(a.cfg.Temporal),
		Media:       api.Sniffer{Len: media.SniffLen, Sniff: sniff, Accepted: media.Accepted()},
		WorkflowURL: a.cfg.Temporal.WorkflowURL,
		TemporalUI:  a.cfg.Temporal.WebUI,
		Console:     console,

		SettingDefaults:  a.settingFlags(),
		MaxTenantUploads: a.maxTenantUploads,
		Paused:           a.paused,
		Limits:           a.tenantLimits,

		Namespace: a.cfg.Temporal.Namespace,
		Live:      probes,
		Ready:     probes,
		Log:       a.log,
		Metrics:   a.registry(),
		Tracing:   otel.GetTracerProvider(),
	})
	if err := a.api.Start(ctx); err != nil {
		return err
	}
	a.stops.add("api", a.api.Stop)
	a.watch(a.api.Fatal())
	return nil
}

func (a *App) startAdmin(ctx context.Context) error {
	a.admin = observe.NewAdmin(a.cfg.Admin, a.health, a.metrics, a.log)
	if err := a.admin.Start(ctx); err != nil {
		return err
	}
	a.stops.add("admin", a.admin.Stop)
	a.watch(a.admin.Fatal())
	return nil
}

func (a *App) pingTemporal(ctx context.Context) error {
	if _, err := a.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("reaching Temporal: %w", errors.Join(err, temporal.Check(ctx, a.cfg.Temporal)))
	}
	return nil
}

func (a *App) registry() prometheus.Registerer { return a.metrics.Registry() }

func sniff(head []byte) (mediaType string, ok bool) {
	format, ok := media.Sniff(head)
	return format.MediaType, ok
}
