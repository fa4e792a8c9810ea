package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
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

	// slots are the tasks that are taken: those that run, and those whose audio
	// is fetched ahead. computing has count permits, one for each that runs.
	slots     chan struct{}
	issued    atomic.Int64
	computing *semaphore.Weighted
	running   atomic.Int64
	// alone is the turn of those that must be alone with the model server.
	alone *turn

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

func newGPUSlots(cfg Config, deps Deps, alone *turn) *gpuSlots {
	g := &gpuSlots{
		count: cfg.GPUSlots, log: deps.Log, slots: make(chan struct{}, cfg.GPUSlots+cfg.GPUPrefetch),
		computing: semaphore.NewWeighted(int64(cfg.GPUSlots)), alone: alone,
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
		{"orak_gpu_used_slots", "Slots in which an analysis runs now.", func() float64 { return float64(g.running.Load()) }},
		{"orak_gpu_tasks", "Analyses that this process has taken, or polls for: those that run, and those whose audio is fetched ahead.", func() float64 { return float64(g.issued.Load()) }},
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
func (g *gpuSlots) MaxSlots() int { return cap(g.slots) }

// errFull is an attempt's that waited for room too long. It does not count.
var errFull = &orak.Fault{Class: orak.ClassOverload, Message: "The analysis waits for a free place."}

// Admit is activities.Admission's: it holds a slot, and the memory that a
// recording takes. One that takes more than the whole budget is let in alone. A
// task that was taken in the moment in which the server went away waits here,
// too; after a quarter of its attempt's time the slot is given away, since the
// rest of it is for the analysis.
func (g *gpuSlots) Admit(ctx context.Context, audio time.Duration, alone bool) (leave func(), err error) {
	wait, cancel := ctx, func() {}
	if end, ok := ctx.Deadline(); ok {
		wait, cancel = context.WithTimeout(ctx, time.Until(end)/4)
	}
	defer cancel()
	var held leaves
	if err := g.enter(ctx, wait, audio, alone, &held); err != nil {
		held.all()
		if f := (*orak.Fault)(nil); ctx.Err() != nil || errors.As(err, &f) {
			return nil, err
		}
		return nil, errFull
	}
	return held.all, nil
}

// leaves gives back what was taken, the last first.
type leaves []func()

func (l *leaves) add(leave func()) { *l = append(*l, leave) }

func (l *leaves) all() {
	for _, leave := range slices.Backward(*l) {
		leave()
	}
}

// enter takes what an analysis needs; wait bounds that, and ctx what is held.
func (g *gpuSlots) enter(ctx, wait context.Context, audio time.Duration, alone bool, held *leaves) error {
	if err := g.health.await(wait); err != nil {
		return err
	}
	permits := int64(1)
	if alone {
		permits = int64(g.count)
		leave, err := g.alone.take(ctx)
		if err != nil {
			return err
		}
		held.add(leave)
	}
	if err := g.computing.Acquire(wait, permits); err != nil {
		return err
	}
	g.running.Add(1)
	held.add(func() {
		g.running.Add(-1)
		g.computing.Release(permits)
	})
	if g.memory == nil {
		return nil
	}
	cost := g.cost(wait, audio)
	if err := g.memory.Acquire(wait, cost); err != nil {
		return err
	}
	g.used.Add(cost)
	held.add(func() {
		g.used.Add(-cost)
		g.memory.Release(cost)
	})
	return nil
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
