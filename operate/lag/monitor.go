package lag

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"

	"orak/internal/kafka"
	"orak/internal/startstop"
	"orak/internal/throttle"
)

// Monitor exports the lag of some groups as metrics, and logs when a group's
// status changes. Every process with a Monitor exports the same values of the groups:
// use their maximum over the instances. Partitions are exported by the process that
// owns them. It is started once.
type Monitor struct {
	cfg       Config
	kafka     kafka.Config
	log       *slog.Logger
	faults    *throttle.Outages
	reg       prometheus.Registerer
	collector *collector

	life   startstop.Once
	begun  time.Time
	cancel context.CancelFunc
	looks  sync.WaitGroup
}

// settling is how long after its start a Monitor finds it normal that no coordinator
// is available: Kafka creates the topic of offsets when a group is first used, which
// on a new cluster takes seconds.
const settling = time.Minute

// NewMonitor returns a Monitor of the groups in cfg. It registers its metrics with
// reg, which may be nil; owned says which partitions are exported.
func NewMonitor(cfg Config, k kafka.Config, owned Owned, log *slog.Logger, reg prometheus.Registerer) *Monitor {
	cfg.Groups = slices.Compact(slices.Sorted(slices.Values(cfg.Groups)))
	return &Monitor{
		cfg: cfg, kafka: k, reg: reg,
		log: log.With("component", "lag"), faults: throttle.NewOutages(log.With("component", "lag")), collector: newCollector(owned),
	}
}

// Start starts the monitoring. Kafka need not be reachable. A Monitor is started
// once, and not after Stop.
func (m *Monitor) Start(ctx context.Context) error {
	if err := m.life.Start(ctx, m.start); err != nil {
		return fmt.Errorf("starting lag monitor: %w", err)
	}
	return nil
}

func (m *Monitor) start(context.Context) error {
	if err := m.cfg.Validate(); err != nil {
		return err
	}
	sampler, err := NewSampler(m.kafka, m.log)
	if err != nil {
		return err
	}
	if err := m.collector.register(m.reg); err != nil {
		sampler.Close()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel, m.begun = cancel, time.Now()
	m.looks.Go(func() { m.run(ctx, sampler) })
	return nil
}

// Stop ends the monitoring, and the metrics. It may be called again, and without
// Start.
func (m *Monitor) Stop(ctx context.Context) error {
	err := m.life.Stop(ctx, func(context.Context) error { m.cancel(); m.looks.Wait(); return nil })
	if err != nil {
		return fmt.Errorf("stopping lag monitor: %w", err)
	}
	return nil
}

func (m *Monitor) run(ctx context.Context, sampler *Sampler) {
	defer sampler.Close()
	defer m.collector.show(nil)
	board := NewBoard(m.cfg.Rules())
	before := make(map[string]Status)
	tick := time.NewTicker(m.cfg.Interval)
	defer tick.Stop()
	for {
		m.look(ctx, sampler, board, before)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// lookTimeout bounds one look.
const lookTimeout = 30 * time.Second

func (m *Monitor) look(ctx context.Context, sampler *Sampler, board *Board, before map[string]Status) {
	bounded, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	looks, err := sampler.Look(bounded, m.cfg.Groups...)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		m.collector.looks.WithLabelValues(lookFailed).Inc()
		m.collector.show(nil)
		m.noteFailure(ctx, err)
		return
	}
	m.faults.Report(ctx, nil, failedLook)
	m.collector.looks.WithLabelValues(lookOK).Inc()
	board.Add(looks)
	reports := board.Reports()
	m.collector.show(reports)
	for _, r := range reports {
		m.logChange(ctx, r, before[r.Group])
		before[r.Group] = r.Status
	}
}

// failedLook is logged when looks begin to fail.
const failedLook = "reading consumer lag failed"

// noteFailure logs the first look of an outage that failed.
func (m *Monitor) noteFailure(ctx context.Context, err error) {
	if errors.Is(err, kerr.CoordinatorNotAvailable) && time.Since(m.begun) < settling {
		m.log.DebugContext(ctx, failedLook, "error", err)
		return
	}
	m.faults.Report(ctx, err, failedLook)
}

func (m *Monitor) logChange(ctx context.Context, r GroupReport, before Status) {
	if r.Status == before || r.Err != nil || before == "" && r.Status == StatusOK {
		return
	}
	level := slog.LevelInfo
	if r.Status.Bad() || r.Status == StatusWarn {
		level = slog.LevelWarn
	}
	args := []any{"group", r.Group, "status", r.Status, "before", before, "lag", r.Lag, "members", r.Members}
	if r.Seconds != nil {
		args = append(args, "lag_seconds", *r.Seconds)
	}
	m.log.Log(ctx, level, "consumer group changed its status", args...)
}
