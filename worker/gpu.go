package worker

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	sdkworker "go.temporal.io/sdk/worker"
	"golang.org/x/sync/semaphore"

	"orak"
)

// rateHolds is how long a server's word on memory counts.
const rateHolds = time.Minute

// gpuSlots admits analyses through three gates: a count, a budget of memory,
// and the health of the model server. The slots are asked for before a task is
// taken: while a gate is shut the backlog waits in the queue, where it is
// charged nothing and another worker can take it.
type gpuSlots struct {
	count int
	log   *slog.Logger
	// health is nil for the built-in engine.
	health *gate

	slots  chan struct{}
	issued atomic.Int64

	// memory has budget bytes; nil where it is not bounded.
	memory *semaphore.Weighted
	budget int64
	used   atomic.Int64
	// perSecond and most are what a second of audio takes, and for how many
	// seconds at the most: long recordings are sent in windows. declared is
	// what the server says of the first; nil for the built-in engine.
	perSecond int64
	most      time.Duration
	declared  *answer[int64]
}

var _ sdkworker.SlotSupplier = (*gpuSlots)(nil)

func newGPUSlots(cfg Config, deps Deps) *gpuSlots {
	g := &gpuSlots{
		count: cfg.GPUSlots, log: deps.Log, slots: make(chan struct{}, cfg.GPUSlots),
		budget: cfg.GPUMemory, perSecond: cfg.GPUMemoryPerSecond, most: cfg.GPUWindow,
	}
	if g.budget > 0 {
		g.memory = semaphore.NewWeighted(cfg.GPUMemory)
	}
	if deps.ModelServer != nil {
		g.health = newGate(deps.ModelServer, deps.Outages, deps.Log)
		declared := newAnswer(rateHolds, deps.ModelServer.MemoryPerSecond)
		g.declared = &declared
	}
	g.measure(promauto.With(deps.Metrics))
	return g
}

// tuner hands out these slots for activities. A worker of activities alone uses
// no others, which the SDK asks for all the same.
func (g *gpuSlots) tuner() (sdkworker.WorkerTuner, error) {
	others, err := sdkworker.NewFixedSizeSlotSupplier(1)
	if err != nil {
		return nil, fmt.Errorf("making slots: %w", err)
	}
	return sdkworker.NewCompositeTuner(sdkworker.CompositeTunerOptions{
		ActivitySlotSupplier: g, WorkflowSlotSupplier: others, LocalActivitySlotSupplier: others,
		NexusSlotSupplier: others, SessionActivitySlotSupplier: others,
	})
}

func (g *gpuSlots) measure(f promauto.Factory) {
	for _, m := range []struct {
		name, help string
		value      func() float64
	}{
		{"orak_gpu_slots", "Analyses that this process runs at once, at most.", func() float64 { return float64(g.count) }},
		{"orak_gpu_used_slots", "Slots that are held now: by an analysis, or by the wait for a task.", func() float64 { return float64(g.issued.Load()) }},
		{"orak_gpu_memory_bytes", "Budget of the model server's memory that this process keeps to; 0 means none.", func() float64 { return float64(g.budget) }},
		{"orak_gpu_used_memory_bytes", "What running analyses are reckoned to take of the budget.", func() float64 { return float64(g.used.Load()) }},
		{"orak_gpu_model_server_ready", "1 while the model server takes work, 0 while it does not and no analysis is begun.", func() float64 {
			if g.health.isOpen() {
				return 1
			}
			return 0
		}},
	} {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: m.name, Help: m.help}, m.value)
	}
}

// ReserveSlot is worker.SlotSupplier's: it returns once all gates are open.
func (g *gpuSlots) ReserveSlot(ctx context.Context, _ sdkworker.SlotReservationInfo) (*sdkworker.SlotPermit, error) {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := g.await(ctx); err != nil {
		<-g.slots
		return nil, err
	}
	g.issued.Add(1)
	return &sdkworker.SlotPermit{}, nil
}

// await waits for the gates of memory and health.
func (g *gpuSlots) await(ctx context.Context) error {
	if g.memory != nil {
		// Whoever has room for a byte is through, in the order of arrival.
		if err := g.memory.Acquire(ctx, 1); err != nil {
			return err
		}
		g.memory.Release(1)
	}
	return g.health.await(ctx)
}

// TryReserveSlot is worker.SlotSupplier's, for eager tasks, which this queue
// does not take.
func (g *gpuSlots) TryReserveSlot(sdkworker.SlotReservationInfo) *sdkworker.SlotPermit { return nil }

// MarkSlotUsed is worker.SlotSupplier's.
func (g *gpuSlots) MarkSlotUsed(sdkworker.SlotMarkUsedInfo) {}

// ReleaseSlot is worker.SlotSupplier's.
func (g *gpuSlots) ReleaseSlot(sdkworker.SlotReleaseInfo) {
	g.issued.Add(-1)
	<-g.slots
}

// MaxSlots is worker.SlotSupplier's.
func (g *gpuSlots) MaxSlots() int { return g.count }

// errFull is an attempt's that waited for room too long. It does not count.
var errFull = &orak.Fault{Class: orak.ClassOverload, Message: "The analysis waits for a free place."}

// Admit is activities.Admission's: it holds the memory that a recording takes.
// One that takes more than the whole budget is let in alone. A task that was
// taken in the moment in which the server went away waits here, too; after a
// quarter of its attempt's time the slot is given away, since the rest of it is
// for the analysis.
func (g *gpuSlots) Admit(ctx context.Context, audio time.Duration) (leave func(), err error) {
	wait, cancel := ctx, func() {}
	if end, ok := ctx.Deadline(); ok {
		wait, cancel = context.WithTimeout(ctx, time.Until(end)/4)
	}
	defer cancel()
	leave, err = g.enter(wait, audio)
	if err != nil && ctx.Err() == nil {
		return nil, errFull
	}
	return leave, err
}

func (g *gpuSlots) enter(ctx context.Context, audio time.Duration) (leave func(), err error) {
	if err := g.health.await(ctx); err != nil {
		return nil, err
	}
	if g.memory == nil {
		return func() {}, nil
	}
	cost := g.cost(ctx, audio)
	if err := g.memory.Acquire(ctx, cost); err != nil {
		return nil, err
	}
	g.used.Add(cost)
	return func() {
		g.used.Add(-cost)
		g.memory.Release(cost)
	}, nil
}

// cost is in bytes, the whole budget at most. A server that does not say is
// met by the analysis, which tells why; until then the setting counts.
func (g *gpuSlots) cost(ctx context.Context, audio time.Duration) int64 {
	rate := g.perSecond
	if g.declared != nil {
		declared, err := g.declared.get(ctx)
		switch {
		case declared > 0:
			rate = declared
		case err != nil:
			g.log.WarnContext(ctx, "what a second of audio takes is reckoned by the setting", "bytes", rate, "error", err)
		}
	}
	seconds := max(min(audio, g.most), 0).Seconds()
	return int64(min(math.Ceil(seconds*float64(rate)), float64(g.budget)))
}
