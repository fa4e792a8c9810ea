package worker

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
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
	"orak/workflows"
)

// Deps is what the workers work with. All are needed but Outages, Probes,
// Menders and Metrics.
type Deps struct {
	Store     activities.Store
	Converter activities.Converter
	Analyzer  activities.Analyzer
	// Engines are those that an upload can be run again with, by name.
	Engines map[string]activities.Analyzer
	// ModelServer is the one behind the Analyzer; nil for the built-in engine.
	ModelServer ModelServer
	Publisher   activities.Publisher
	Notifier    activities.Notifier
	Links       activities.Links
	// Menders are the steps of Reconcile.
	Menders map[activities.ReconcileStep]activities.Mender
	// Outages is told of what activities find away, and Probes ask whether it
	// serves again. Without them, nobody is told.
	Outages activities.OutageReporter
	Probes  map[orak.Dependency]activities.Probe
	// Namespace is the one that the client was dialled for, and Payloads decodes
	// with its data converter.
	Namespace string
	Payloads  workflows.Payloads
	// AllTenants says that the API serves all tenants' dead letters at once.
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
	retries *activities.RetryInterceptor

	occupancy *occupancy

	life    startstop.Once
	running []sdkworker.Worker

	end *fatalEnd
}

// heartbeatEvery is how often progress reaches the server at most, and how long
// a cancellation takes to reach an activity. The SDK also gives up a heartbeat,
// and with it the attempt, when the server does not answer within this time:
// it must outlast a server that is merely busy.
const heartbeatEvery = 10 * time.Second

// New makes a Worker; Start starts it.
func New(cfg Config, c client.Client, deps Deps) *Worker {
	gpu := newGPUSlots(cfg, deps, &turn{client: c, log: deps.Log})
	acts := activities.New(cfg.ScratchDir, activities.Deps{
		Store: deps.Store, Converter: deps.Converter, Publisher: deps.Publisher,
		Analyzer: deps.Analyzer, Engines: deps.Engines, ComputeAnew: !cfg.Reuse, Admission: gpu,
		Arrival: min(cfg.Budget.Arrival, cfg.Budget.Patience),
		Alerter: NewAlerter(c, cfg), Notifier: deps.Notifier, Parked: &parked{client: c, namespace: deps.Namespace},
		Ender: &ender{client: c, namespace: deps.Namespace, payloads: deps.Payloads}, Menders: deps.Menders, Probes: deps.Probes,
		Links: deps.Links, Log: deps.Log, Metrics: deps.Metrics,
		Messages: messages.Writer{
			Links: deps.Links, Namespace: deps.Namespace, AllTenants: deps.AllTenants, DeadLetterTopic: events.TopicDeadLetters,
		},
	})
	return &Worker{
		cfg: cfg, client: c, deps: deps, log: deps.Log, acts: acts, gpu: gpu,
		retries: activities.NewRetryInterceptor(cfg.Budget, cfg.StopTimeout/2, deps.Log, deps.Metrics),
		end:     newFatalEnd(), occupancy: newOccupancy(cfg, deps.Metrics),
	}
}

// Start makes sure of the search attributes and begins to serve. It returns
// once every queue is polled; ctx bounds only that. After an error nothing is
// left running, and it may be called again; else a Worker is started once, and
// not after Stop.
func (w *Worker) Start(ctx context.Context) error {
	if err := w.life.Start(ctx, w.start); err != nil {
		return fmt.Errorf("starting worker: %w", err)
	}
	return nil
}

func (w *Worker) start(ctx context.Context) error {
	if err := RegisterSearchAttributes(ctx, w.client, w.deps.Namespace); err != nil {
		return err
	}
	// A conversion touches its folder while it runs, and ends before this.
	if err := w.acts.SweepScratch(ctx, 2* w.cfg.Settings.ConvertTimeout); err != nil {
		w.log.WarnContext(ctx, "scratch folders stay behind", "error", err)
	}
	for _, queue := range w.queues() {
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
		if err := w.ensureSchedule(ctx); err != nil {
			w.stopAll()
			return err
		}
	}
	w.log.InfoContext(ctx, "worker started", "queues", w.queues(), "convert_slots", w.convertSlots(), "gpu_slots", w.cfg.GPUSlots)
	return nil
}

// queues are those that are served: those of control and erasure are served with
// the pipeline's, so that what a workflow schedules there is done by its own worker.
func (w *Worker) queues() []string {
	if !slices.Contains(w.cfg.Queues, workflows.QueuePipeline) {
		return w.cfg.Queues
	}
	return append(slices.Clone(w.cfg.Queues), workflows.QueueControl, workflows.QueueErase)
}

// Stop drains and returns when that is done, after the stop timeout at most.
// When ctx ends first, it returns the context's error and the draining goes on.
// It may be called again, which waits for the end, and without Start.
func (w *Worker) Stop(ctx context.Context) error {
	if err := w.life.Stop(ctx, func(context.Context) error { w.stopAll(); return nil }); err != nil {
		return fmt.Errorf("stopping worker: %w", err)
	}
	return nil
}

// stopAll stops all queues at the same time: they share the stop timeout.
func (w *Worker) stopAll() {
	var wait sync.WaitGroup
	for _, sw := range w.running {
		wait.Go(sw.Stop)
	}
	wait.Wait()
	w.running = nil
}

func (w *Worker) convertSlots() int {
	if w.cfg.ConvertSlots == 0 {
		return runtime.NumCPU()
	}
	return w.cfg.ConvertSlots
}

// serving makes the worker of one queue.
func (w *Worker) serving(queue string) (sdkworker.Worker, error) {
	o := sdkworker.Options{
		Interceptors:                 w.interceptors(),
		WorkerStopTimeout:            w.cfg.StopTimeout,
		MaxHeartbeatThrottleInterval: heartbeatEvery,
		DisableRegistrationAliasing:  true,
		OnFatalError:                 func(err error) { w.died(queue, err) },
	}
	switch queue {
	case workflows.QueuePipeline:
		o.MaxConcurrentActivityExecutionSize = w.cfg.PipelineSlots
		sw := sdkworker.New(w.client, queue, o)
		w.registerWorkflows(sw)
		w.registerPipeline(sw)
		w.registerControl(sw) // for what was scheduled before it had a queue of its own
		w.registerErase(sw)
		return sw, nil
	case workflows.QueueControl:
		return w.servingAside(queue, o, w.registerControl), nil
	case workflows.QueueErase:
		return w.servingAside(queue, o, w.registerErase), nil
	case workflows.QueueGPU:
		return w.servingGPU(o)
	default:
		return w.servingConvert(o), nil
	}
}

// servingAside makes the worker of a queue that never waits for Kafka.
func (w *Worker) servingAside(queue string, o sdkworker.Options, register func(sdkworker.Worker)) sdkworker.Worker {
	o.DisableWorkflowWorker = true
	o.MaxConcurrentActivityExecutionSize = w.cfg.ControlSlots
	sw := sdkworker.New(w.client, queue, o)
	register(sw)
	return sw
}

func (w *Worker) servingGPU(o sdkworker.Options) (sdkworker.Worker, error) {
	tuner, err := w.gpu.tuner()
	if err != nil {
		return nil, err
	}
	o.DisableWorkflowWorker, o.DisableEagerActivities, o.Tuner = true, true, tuner
	sw := sdkworker.New(w.client, workflows.QueueGPU, o)
	register(sw, activities.TypeAnalyze, w.acts.Analyze)
	return sw, nil
}

func (w *Worker) servingConvert(o sdkworker.Options) sdkworker.Worker {
	o.DisableWorkflowWorker, o.DisableEagerActivities = true, true
	o.MaxConcurrentActivityExecutionSize = w.convertSlots()
	sw := sdkworker.New(w.client, workflows.QueueConvert, o)
	register(sw, activities.TypeConvert, w.acts.Convert)
	register(sw, activities.TypeProbeDependency, w.acts.ProbeDependency) // of this machine's converter
	return sw
}

// interceptors stand around every activity, the first outermost.
func (w *Worker) interceptors() []interceptor.WorkerInterceptor {
	is := []interceptor.WorkerInterceptor{w.occupancy, w.retries}
	if w.deps.Outages != nil {
		is = append(is, activities.NewOutageInterceptor(w.deps.Outages))
	}
	return is
}

func (w *Worker) registerWorkflows(sw sdkworker.Worker) {
	flows := workflows.New(w.cfg.Settings)
	sw.RegisterWorkflowWithOptions(flows.ProcessUpload, workflow.RegisterOptions{Name: workflows.TypeProcessUpload})
	sw.RegisterWorkflowWithOptions(flows.AlertDigest, workflow.RegisterOptions{Name: workflows.TypeAlertDigest})
	sw.RegisterWorkflowWithOptions(flows.EraseUpload, workflow.RegisterOptions{Name: workflows.TypeEraseUpload})
	sw.RegisterWorkflowWithOptions(flows.Reconcile, workflow.RegisterOptions{Name: workflows.TypeReconcile})
	sw.RegisterWorkflowWithOptions(flows.OutageDigest, workflow.RegisterOptions{Name: workflows.TypeOutageDigest})
	sw.RegisterWorkflowWithOptions(flows.Turn, workflow.RegisterOptions{Name: workflows.TypeTurn})
}

// registerPipeline registers what may wait for Kafka.
func (w *Worker) registerPipeline(sw sdkworker.Worker) {
	register(sw, activities.TypeStoreAnalysis, w.acts.StoreAnalysis)
	register(sw, activities.TypeConclude, w.acts.Conclude)
	register(sw, activities.TypePublish, w.acts.Publish)
	register(sw, activities.TypeSaveOutcome, w.acts.SaveOutcome)
	register(sw, activities.TypeAnnounce, w.acts.Announce)
	register(sw, activities.TypeDeadLetter, w.acts.DeadLetter)
	register(sw, activities.TypeReconcilePage, w.acts.ReconcilePage)
}

// registerControl registers what tells somebody, and asks.
func (w *Worker) registerControl(sw sdkworker.Worker) {
	register(sw, activities.TypePostOutage, w.acts.PostOutage)
	register(sw, activities.TypeProbeDependency, w.acts.ProbeDependency)
	register(sw, activities.TypeRaiseAlert, w.acts.RaiseAlert)
	register(sw, activities.TypePostAlert, w.acts.PostAlert)
	register(sw, activities.TypeCountParked, w.acts.CountParked)
}

// registerErase registers what removes an upload.
func (w *Worker) registerErase(sw sdkworker.Worker) {
	register(sw, activities.TypeBury, w.acts.Bury)
	register(sw, activities.TypeEndProcessing, w.acts.EndProcessing)
	register(sw, activities.TypeRemoveObjects, w.acts.RemoveObjects)
	register(sw, activities.TypeSeal, w.acts.Seal)
}

func register(r sdkworker.ActivityRegistry, name string, f any) {
	r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
}
