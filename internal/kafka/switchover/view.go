package switchover

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak/internal/kafka"
	"orak/internal/startstop"
	"orak/internal/throttle"
)

// Deps are what a View works with. Metrics and Activate are optional.
type Deps struct {
	Store Store
	// Interval is the time between two looks at the document.
	Interval time.Duration
	// Activate is called with the active place whenever another one becomes active.
	Activate func(kafka.Place)
	Log      *slog.Logger
	Metrics  prometheus.Registerer
}

// View follows which place is active. It is started once, and safe for concurrent use.
type View struct {
	deps   Deps
	log    *slog.Logger
	faults *throttle.Outages
	active *prometheus.GaugeVec
	task   startstop.Task

	// loaded is closed with the first document that was read.
	loaded   chan struct{}
	loadOnce sync.Once

	mu   sync.Mutex
	now  Document
	seen time.Time
}

// lookFor bounds one look at the document.
const lookFor = 10 * time.Second

// NewView makes a View; Start starts it. Until it has read a document, primary is active.
func NewView(deps Deps) *View {
	if deps.Interval == 0 {
		deps.Interval = kafka.DefaultSwitchInterval
	}
	log := deps.Log.With("component", "kafka-switch")
	f := promauto.With(deps.Metrics)
	v := &View{
		deps: deps, log: log, faults: throttle.NewOutages(log), loaded: make(chan struct{}), now: Document{Schema: schema, Active: kafka.Primary},
		active: f.NewGaugeVec(prometheus.GaugeOpts{Name: "orak_kafka_uploads_active", Help: "Whether this process announces uploads on the cluster: 1 for the active place of orak.uploads, 0 for the other."}, []string{"cluster"}),
	}
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: "orak_kafka_uploads_view_timestamp_seconds", Help: "When this process last read in the store which place of orak.uploads is active, as Unix time; 0 before the first time."}, v.seenAt)
	v.show(kafka.Primary)
	return v
}

// Start begins to follow the document. The store need not be reachable.
func (v *View) Start(ctx context.Context) error {
	return v.task.Start(ctx, v.follow)
}

// Stop ends the following. The View goes on to answer with what is known.
func (v *View) Stop(ctx context.Context) error {
	return v.task.Stop(ctx)
}

// Loaded is closed once the store has said which place is active.
func (v *View) Loaded() <-chan struct{} { return v.loaded }

// Active returns the active place, as far as this process knows.
func (v *View) Active() kafka.Place {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now.Active
}

func (v *View) seenAt() float64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen.IsZero() {
		return 0
	}
	return float64(v.seen.UnixMilli()) / 1000
}

func (v *View) follow(ctx context.Context) {
	tick := time.NewTicker(v.deps.Interval)
	defer tick.Stop()
	for {
		v.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look reads the document once. Whatever it cannot read or understand changes nothing: the
// place that was active last is the best guess.
func (v *View) look(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	d, _, err := Read(bounded, v.deps.Store)
	if ctx.Err() != nil {
		return
	}
	unknown := errors.Is(err, ErrNewer) || errors.Is(err, ErrDamaged)
	if err != nil && !unknown {
		v.faults.Report(ctx, err, "the store does not say which place of orak.uploads is active; the last one stays")
		return
	}
	v.faults.Report(ctx, nil, "the store does not say which place of orak.uploads is active; the last one stays")
	v.faults.Report(ctx, err, "which place of orak.uploads is active cannot be understood; the last one stays")
	if err == nil {
		v.learn(ctx, d)
	}
	v.loadOnce.Do(func() { close(v.loaded) })
}

func (v *View) learn(ctx context.Context, d Document) {
	v.mu.Lock()
	before := v.now
	v.now, v.seen = d, time.Now()
	v.mu.Unlock()
	if before.Active == d.Active {
		return
	}
	v.show(d.Active)
	v.log.InfoContext(ctx, "producers of orak.uploads are switched", "active", d.Active, "before", before.Active,
		"version", d.Version, "by", d.By, "reason", d.Reason, "switched_at", d.SwitchedAt)
	if v.deps.Activate != nil {
		v.deps.Activate(d.Active)
	}
}

func (v *View) show(active kafka.Place) {
	for _, p := range []kafka.Place{kafka.Primary, kafka.Standby} {
		value := 0.0
		if p == active {
			value = 1
		}
		v.active.WithLabelValues(string(p)).Set(value)
	}
}
