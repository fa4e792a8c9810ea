package overview

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/internal/flight"
	"orak/internal/kafka"
	"orak/internal/throttle"
	"orak/operate/lag"
	"orak/operate/reconcile"
	"orak/sinks/lake"
	"orak/workflows"
)

// Links leads to workflows in the Temporal Web UI.
type Links interface {
	// WorkflowURL returns "" where no Web UI is configured.
	WorkflowURL(workflowID, runID string) string
}

// Index is the database of the index.
type Index interface {
	// Ping returns an error if it cannot be reached.
	Ping(ctx context.Context) error
}

// Deps are what an Overview reads. Links, Lake, Index and Metrics may be nil.
type Deps struct {
	Temporal client.Client
	// Payloads decodes with the data converter of Temporal.
	Payloads  workflows.Payloads
	Namespace string
	Links     Links
	Kafka     kafka.Config
	// Topics are those that orak needs; nil for those of package events.
	Topics []events.Topic
	// Closed returns how long Temporal keeps what is over; nil if that is not known.
	Closed func(context.Context) kafka.Closed
	Lag    lag.Config
	// Elsewhere are the other clusters that groups read.
	Elsewhere []Elsewhere
	// Lake lists the files of the lake.
	Lake    lake.Store
	Index   Index
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// The bounds of answers: how long one is computed, and how long it is given to later
// callers. Workers report once a minute.
const (
	within      = 5 * time.Second
	freshFor    = 3 * time.Second
	workersFor  = 15 * time.Second
	maxShared   = 100
	maxOutages  = 100
	triggerWait = 5 * time.Second
)

// Overview tells how the service does. It connects on first use, and is safe for
// concurrent use. Stop ends it.
type Overview struct {
	deps  Deps
	reads *throttle.Outages
	watch *watch
	runs  *reconcile.Runs
	// closed has outages that are over, by run: they do not change.
	closed *lru.Cache[string, resource.Outage]
	// stuckAfter is how long an upload may keep one status before a person should look.
	stuckAfter time.Duration
	// mostStuck bounds the uploads that are looked at because they may be stuck.
	mostStuck int

	queues   *flight.Cache[struct{}, []resource.Queue]
	workers  *flight.Cache[struct{}, []resource.QueueWorker]
	running  *flight.Cache[orak.Tenant, runningUploads]
	outages  *flight.Cache[struct{}, resource.Outages]
	history  *flight.Cache[int, resource.Reconciliations]
	stuck    *flight.Cache[orak.Tenant, stuckUploads]
	failing  *flight.Cache[orak.Tenant, failingWorkflows]
	tables   *flight.Cache[struct{}, []resource.SinkTable]
	indexing *flight.Cache[struct{}, bool]
}

// New returns an Overview.
func New(deps Deps) *Overview {
	closed, err := lru.New[string, resource.Outage](maxOutages)
	if err != nil {
		panic(err) // the size is positive
	}
	log := deps.Log.With("component", "overview")
	m := flight.NewMetrics(deps.Metrics, "orak_overview")
	o := &Overview{
		deps: deps, reads: throttle.NewOutages(log), watch: newWatch(deps, log), closed: closed,
		runs: reconcile.NewRuns(deps.Temporal, deps.Namespace, deps.Payloads), stuckAfter: stuckAfter, mostStuck: maxStuck,
	}
	o.queues = shared(m, "queues", freshFor, func(ctx context.Context, _ struct{}) ([]resource.Queue, error) { return o.describeQueues(ctx) })
	o.workers = shared(m, "workers", workersFor, func(ctx context.Context, _ struct{}) ([]resource.QueueWorker, error) { return o.describeWorkers(ctx) })
	o.running = shared(m, "running", freshFor, o.countRunning)
	o.outages = shared(m, "outages", freshFor, func(ctx context.Context, _ struct{}) (resource.Outages, error) { return o.readOutages(ctx) })
	o.history = shared(m, "reconciliations", freshFor, o.readReconciliations)
	o.stuck = shared(m, "stuck", freshFor, o.findStuck)
	o.failing = shared(m, "workflow_tasks", freshFor, o.findFailing)
	o.tables = shared(m, "tables", freshFor, func(ctx context.Context, _ struct{}) ([]resource.SinkTable, error) { return o.lakeTables(ctx) })
	o.indexing = shared(m, "index", freshFor, func(ctx context.Context, _ struct{}) (bool, error) { return deps.Index.Ping(ctx) == nil, nil })
	return o
}

func shared[K comparable, V any](m *flight.Metrics, name string, ttl time.Duration, compute func(context.Context, K) (V, error)) *flight.Cache[K, V] {
	return flight.New(flight.Config[K]{Name: name, TTL: ttl, Timeout: within, MaxKeys: maxShared}, m, compute)
}

// Stop ends the sampling. It may be called again; later answers about Kafka are errors.
func (o *Overview) Stop() { o.watch.stop() }

func (o *Overview) webUI(workflowID, runID string) string {
	if o.deps.Links == nil {
		return ""
	}
	return o.deps.Links.WorkflowURL(workflowID, runID)
}

// temporalDown returns an error that says that Temporal could not be asked.
func temporalDown(doing string, err error) error {
	if err == nil {
		return nil
	}
	var f *orak.Fault
	if errors.As(err, &f) {
		return err
	}
	return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyTemporal, Message: "Temporal cannot be asked at the moment.", Err: fmt.Errorf("%s: %w", doing, err)}
}
