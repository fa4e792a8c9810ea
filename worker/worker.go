package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/events"
	"orak/internal/startstop"
	"orak/internal/temporal"
	"orak/workflows"
)

// Deps are the dependencies of the workers. Only Outages, Probes, Menders,
// Lake, Route, ParkFor and Metrics are optional.
type Deps struct {
	Store     activities.Store
	Converter activities.Converter
	Analyzer  activities.Analyzer
	// Engines are those that a reprocess can ask for, by name.
	Engines map[string]activities.Analyzer
	// ModelServer is that of the Analyzer; nil for the built-in engine.
	ModelServer ModelServer
	Publisher   activities.Publisher
	Notifier    activities.Notifier
	// Route is activities.Deps.Route; nil means Notifier for all.
	Route func(context.Context, orak.Class) activities.Notifier
	Links activities.Links
	// Console links to the console in messages.
	Console messages.Console
	// Menders are the steps of Reconcile.
	Menders map[activities.ReconcileStep]activities.Mender
	// Lake compacts the lake.
	Lake activities.LakeCompactor
	// Outages gets the outages of which activities fail, and Probes check whether
	// a dependency is available again. Without them, no outage is posted.
	Outages activities.OutageReporter
	Probes  map[orak.Dependency]activities.Probe
	// Namespace is that of the client, and Payloads decodes with its data
	// converter.
	Namespace string
	Payloads  workflows.Payloads
	// ParkFor is asked by each new run instead of Settings.ParkFor; nil means that.
	ParkFor func() time.Duration
	// AllTenants says that the API lists the dead letters of all tenants at once.
	AllTenants bool
	Log        *slog.Logger
	Metrics    prometheus.Registerer
}

// Worker serves task queues.
type Worker struct {
	cfg     Config
	client  client.Client
	deps    Deps
	log     *slog.Logger
	acts    *activities.Activities
	gpu     *gpuSlots
	convert convertSlots
	retries *activities.RetryInterceptor

	occupancy *occupancy

	life    startstop.Once
	running []sdkworker.Worker
	version sdkworker.DeploymentOptions
	shares  *temporal.VersionShares

	fatal *fatalError
}

// heartbeatEvery is the minimum interval at which progress reaches the server, and
// the maximum time until a cancellation reaches an activity. The SDK also cancels
// an attempt if the server does not answer a heartbeat within this time, so it
// must be long enough for a busy server.
const heartbeatEvery = 10 * time.Second

// New makes a Worker; Start starts it.
func New(cfg Config, c client.Client, deps Deps) *Worker {
	convert := newConvertSlots(cfg.convertSlots())
	gpu := newGPUSlots(cfg, deps, &turn{client: c, log: deps.Log})
	acts := activities.New(cfg.ScratchDir, activities.Deps{
		Store: deps.Store, Converter: placedConverter{deps.Converter, convert.running}, Publisher: deps.Publisher,
		Analyzer: deps.Analyzer, Engines: deps.Engines, ComputeAnew: !cfg.Reuse, Admission: gpu,
		Arrival: min(cfg.Budget.Arrival, cfg.Budget.Patience),
		Alerter: NewAlerter(c, cfg), Notifier: deps.Notifier, Route: deps.Route, Parked: &parked{client: c, namespace: deps.Namespace},
		Ender: &ender{client: c, namespace: deps.Namespace, payloads: deps.Payloads}, Menders: deps.Menders, Lake: deps.Lake, Probes: deps.Probes,
		Links: deps.Links, Log: deps.Log, Metrics: deps.Metrics,
		Messages: messages.Writer{
			Links: deps.Links, Console: deps.Console, Namespace: deps.Namespace, AllTenants: deps.AllTenants, DeadLetterTopic: events.TopicDeadLetters,
		},
	})
	return &Worker{
		cfg: cfg, client: c, deps: deps, log: deps.Log, acts: acts, gpu: gpu, convert: convert,
		retries: activities.NewRetryInterceptor(cfg.Budget, cfg.StopTimeout/2, deps.Log, deps.Metrics),
		fatal:   newFatalError(), occupancy: newOccupancy(cfg, deps.Metrics), shares: temporal.NewVersionShares(deps.Metrics),
	}
}

// Start registers the search attributes and begins to serve. It returns once every
// queue is polled; ctx bounds only that. After an error nothing keeps running, and
// Start may be called again. After a success or Stop it must not be.
func (w *Worker) Start(ctx context.Context) error {
	if err := w.life.Start(ctx, w.start); err != nil {
		return fmt.Errorf("starting worker: %w", err)
	}
	return nil
}

// SetGPUSlots changes the number of concurrent analyses of this process, and
// SetConvertSlots that of conversions; 0 means one for each CPU. They may be called at
// any time. More begin at once; fewer are reached as those that run end.
func (w *Worker) SetGPUSlots(n int) { w.resize(workflows.QueueGPU, n, w.gpu.resize) }

// SetConvertSlots is described at SetGPUSlots.
func (w *Worker) SetConvertSlots(n int) {
	w.resize(workflows.QueueConvert, Config{ConvertSlots: n}.convertSlots(), w.convert.resize)
}

func (w *Worker) resize(queue string, n int, resize func(int)) {
	if !slices.Contains(w.cfg.Queues, queue) || w.occupancy.size(queue, n) == n {
		return
	}
	resize(n)
	w.log.InfoContext(context.Background(), "slots changed", "queue", queue, "slots", n)
}

func (w *Worker) start(ctx context.Context) error {
	if err := RegisterSearchAttributes(ctx, w.client, w.deps.Namespace); err != nil {
		return err
	}
	// A running conversion has written to its folder more recently than this.
	if err := w.acts.SweepScratch(ctx, 2*w.cfg.Settings.ConvertTimeout); err != nil {
		w.log.WarnContext(ctx, "removing abandoned scratch folders failed", "error", err)
	}
	var err error
	if w.version, err = w.cfg.Version.Options(); err != nil {
		return err
	}
	for _, queue := range w.cfg.queues() {
		sw, err := w.serving(queue)
		if err == nil {
			err = sw.Start()
		}
		if err != nil {
			w.stopAll()
			return fmt.Errorf("serving queue %s: %w", queue, err)
		}
		w.running = append(w.running, sw)
	}
	if slices.Contains(w.cfg.Queues, workflows.QueuePipeline) {
		if err := errors.Join(w.ensureSchedules(ctx), w.beFirstVersion(ctx)); err != nil {
			w.stopAll()
			return err
		}
	}
	if err := w.shares.Follow(ctx, w.client, w.deps.Namespace, w.version, w.cfg.kinds(), w.log); err != nil {
		w.stopAll()
		return err
	}
	w.log.InfoContext(ctx, "worker started", "slots", w.cfg.slots(), "deployment", w.version.Version.DeploymentName, "build_id", w.version.Version.BuildID)
	return nil
}

// Stop drains the worker, for at most the stop timeout. If ctx ends before, Stop
// returns its error and the draining continues. Stop may be called again, which
// waits for the end, and without Start.
func (w *Worker) Stop(ctx context.Context) error {
	err := w.life.Stop(ctx, func(ctx context.Context) error {
		w.stopAll()
		return w.shares.Stop(ctx)
	})
	if err != nil {
		return fmt.Errorf("stopping worker: %w", err)
	}
	return nil
}

// stopAll stops all queues at the same time, within one stop timeout.
func (w *Worker) stopAll() {
	var wait sync.WaitGroup
	for _, sw := range w.running {
		wait.Go(sw.Stop)
	}
	wait.Wait()
	w.running = nil
}

// serving makes the SDK's worker of one queue.
func (w *Worker) serving(queue string) (sdkworker.Worker, error) {
	o := sdkworker.Options{
		Interceptors:                 w.interceptors(),
		WorkerStopTimeout:            w.cfg.StopTimeout,
		MaxHeartbeatThrottleInterval: heartbeatEvery,
		DisableRegistrationAliasing:  true,
		DeploymentOptions:            w.version,
		OnFatalError:                 func(err error) { w.failed(queue, err) },
	}
	switch queue {
	case workflows.QueuePipeline:
		o.MaxConcurrentActivityExecutionSize = w.cfg.PipelineSlots
		o.MaxConcurrentLocalActivityExecutionSize = w.cfg.PipelineSlots
		sw := sdkworker.New(w.client, queue, o)
		w.registerWorkflows(sw)
		w.registerPipeline(sw)
		w.registerControl(sw) // for what was scheduled before QueueControl existed
		w.registerErase(sw)
		return sw, nil
	case workflows.QueueControl:
		return w.servingAside(queue, o, w.registerControl), nil
	case workflows.QueueErase:
		return w.servingAside(queue, o, w.registerErase), nil
	case workflows.QueueGPU:
		return w.servingGPU(o)
	default:
		return w.servingConvert(o)
	}
}

// servingAside makes the SDK's worker of a queue that never waits for Kafka.
func (w *Worker) servingAside(queue string, o sdkworker.Options, register func(sdkworker.Worker)) sdkworker.Worker {
	o.DisableWorkflowWorker = true
	o.MaxConcurrentActivityExecutionSize = w.cfg.ControlSlots
	sw := sdkworker.New(w.client, queue, o)
	register(sw)
	return sw
}

func (w *Worker) servingGPU(o sdkworker.Options) (sdkworker.Worker, error) {
	tuner, err := tunerOf(w.gpu)
	if err != nil {
		return nil, fmt.Errorf("making slots: %w", err)
	}
	o.DisableWorkflowWorker, o.DisableEagerActivities, o.Tuner = true, true, tuner
	sw := sdkworker.New(w.client, workflows.QueueGPU, o)
	register(sw, activities.TypeAnalyze, w.acts.Analyze)
	return sw, nil
}

func (w *Worker) servingConvert(o sdkworker.Options) (sdkworker.Worker, error) {
	tuner, err := tunerOf(w.convert)
	if err != nil {
		return nil, fmt.Errorf("making slots: %w", err)
	}
	o.DisableWorkflowWorker, o.DisableEagerActivities, o.Tuner = true, true, tuner
	sw := sdkworker.New(w.client, workflows.QueueConvert, o)
	register(sw, activities.TypeConvert, w.acts.Convert)
	register(sw, activities.TypeProbeDependency, w.acts.ProbeDependency) // of the converter on this machine
	return sw, nil
}

// interceptors returns the interceptors of every activity, the outermost first.
func (w *Worker) interceptors() []interceptor.WorkerInterceptor {
	is := []interceptor.WorkerInterceptor{w.occupancy, w.retries}
	if w.deps.Outages != nil {
		is = append(is, activities.NewOutageInterceptor(w.deps.Outages))
	}
	return is
}

func (w *Worker) registerWorkflows(sw sdkworker.Worker) {
	flows := workflows.New(w.cfg.Settings)
	if w.deps.ParkFor != nil {
		flows.ParkFor(w.deps.ParkFor)
	}
	sw.RegisterWorkflowWithOptions(flows.ProcessUpload, workflow.RegisterOptions{Name: workflows.TypeProcessUpload})
	sw.RegisterWorkflowWithOptions(flows.AlertDigest, workflow.RegisterOptions{Name: workflows.TypeAlertDigest})
	sw.RegisterWorkflowWithOptions(flows.EraseUpload, workflow.RegisterOptions{Name: workflows.TypeEraseUpload})
	sw.RegisterWorkflowWithOptions(flows.Reconcile, workflow.RegisterOptions{Name: workflows.TypeReconcile})
	sw.RegisterWorkflowWithOptions(flows.OutageDigest, workflow.RegisterOptions{Name: workflows.TypeOutageDigest})
	sw.RegisterWorkflowWithOptions(flows.CompactLake, workflow.RegisterOptions{Name: workflows.TypeCompactLake})
	sw.RegisterWorkflowWithOptions(flows.Turn, workflow.RegisterOptions{Name: workflows.TypeTurn})
}

// registerPipeline registers the activities that may wait for Kafka.
func (w *Worker) registerPipeline(sw sdkworker.Worker) {
	register(sw, activities.TypeStoreAnalysis, w.acts.StoreAnalysis)
	register(sw, activities.TypeConclude, w.acts.Conclude)
	register(sw, activities.TypePublish, w.acts.Publish)
	register(sw, activities.TypeSaveOutcome, w.acts.SaveOutcome)
	register(sw, activities.TypeAnnounce, w.acts.Announce)
	register(sw, activities.TypeDeadLetter, w.acts.DeadLetter)
	register(sw, activities.TypeReconcilePage, w.acts.ReconcilePage)
	register(sw, activities.TypeCompactLakePage, w.acts.CompactLakePage)
}

// registerControl registers alerts, outage messages and probes.
func (w *Worker) registerControl(sw sdkworker.Worker) {
	register(sw, activities.TypePostOutage, w.acts.PostOutage)
	register(sw, activities.TypeProbeDependency, w.acts.ProbeDependency)
	register(sw, activities.TypeRaiseAlert, w.acts.RaiseAlert)
	register(sw, activities.TypePostAlert, w.acts.PostAlert)
	register(sw, activities.TypeCountParked, w.acts.CountParked)
}

// registerErase registers the activities that erase an upload.
func (w *Worker) registerErase(sw sdkworker.Worker) {
	register(sw, activities.TypeBury, w.acts.Bury)
	register(sw, activities.TypeEndProcessing, w.acts.EndProcessing)
	register(sw, activities.TypeRemoveObjects, w.acts.RemoveObjects)
	register(sw, activities.TypeSeal, w.acts.Seal)
}

func register(r sdkworker.ActivityRegistry, name string, f any) {
	r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
}
