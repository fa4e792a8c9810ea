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

	"orak/internal/kafka"
)

// Monitor exports the lag of some groups as metrics, and logs when a group's
// status changes. Every process that has one exports the same figures: take
// their maximum over the instances. It is started once.
type Monitor struct {
	cfg       Config
	kafka     kafka.Config
	log       *slog.Logger
	reg       prometheus.Registerer
	collector *collector

	life    sync.Mutex
	started bool
	cancel  context.CancelFunc
	done    chan struct{}
}

// NewMonitor watches the groups that cfg names; metrics go to reg, nil for
// nobody.
func NewMonitor(cfg Config, k kafka.Config, log *slog.Logger, reg prometheus.Registerer) *Monitor {
	cfg.Groups = slices.Compact(slices.Sorted(slices.Values(cfg.Groups)))
	return &Monitor{
		cfg: cfg, kafka: k, reg: reg,
		log: log.With("component", "lag"), collector: newCollector(), done: make(chan struct{}),
	}
}

// Start begins to look. Kafka need not be reachable.
func (m *Monitor) Start(_ context.Context) error {
	if err := m.cfg.Validate(); err != nil {
		return fmt.Errorf("starting lag monitor: %w", err)
	}
	m.life.Lock()
	defer m.life.Unlock()
	if m.started {
		return errors.New("starting lag monitor: it was started or stopped before")
	}
	sampler, err := NewSampler(m.kafka, m.log)
	if err != nil {
		return fmt.Errorf("starting lag monitor: %w", err)
	}
	if err := m.collector.register(m.reg); err != nil {
		sampler.Close()
		return fmt.Errorf("starting lag monitor: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.started, m.cancel = true, cancel
	go m.run(ctx, sampler)
	return nil
}

// Stop ends the looking; the metrics go. It may be called again.
func (m *Monitor) Stop(ctx context.Context) error {
	m.life.Lock()
	if !m.started {
		m.started = true
		close(m.done)
	}
	if m.cancel != nil {
		m.cancel()
	}
	m.life.Unlock()
	select {
	case <-m.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping lag monitor: %w", ctx.Err())
	}
}

func (m *Monitor) run(ctx context.Context, sampler *Sampler) {
	defer close(m.done)
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
		m.collector.looks.WithLabelValues("failed").Inc()
		m.collector.show(nil)
		m.log.Warn("looking at consumer lag failed", "error", err)
		return
	}
	m.collector.looks.WithLabelValues("ok").Inc()
	board.Add(looks)
	reports := board.Reports()
	m.collector.show(reports)
	for _, r := range reports {
		m.logChange(r, before[r.Group])
		before[r.Group] = r.Status
	}
}

func (m *Monitor) logChange(r GroupReport, before Status) {
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
	m.log.Log(context.Background(), level, "consumer group changed its status", args...)
}
