package worker

import (
	"context"
	"errors"
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
	"orak/workflows"
)

// rateHolds is how long a declared memory rate is cached.
const rateHolds = time.Minute

// gpuSlots admits analyses through three gates: a count, a memory budget and the
// readiness of the model server. A slot is reserved before a task is taken: while
// a gate is closed the backlog waits in the queue, where it costs no attempt and
// another worker can take it.
type gpuSlots struct {
	log *slog.Logger
	// health is nil for the built-in engine.
	health *gate

	// slots are for tasks that are taken: those that run, and those whose audio
	// is fetched ahead: prefetch more than computing, which has a place for each
	// analysis that runs.
	slots     *places
	prefetch  int
	issued    atomic.Int64
	computing *places
	running   atomic.Int64
	// alone is the turn to be alone with the model server.
	alone *turn

	// memory has budget bytes; nil where memory is not bounded.
	memory *semaphore.Weighted
	budget int64
	used   atomic.Int64
	// perSecond is the memory for a second of audio, in bytes, and most the
	// maximum duration that counts: long recordings are sent in windows. declared
	// is perSecond as the server declares it; nil for the built-in engine.
	perSecond int64
	most      time.Duration
	declared  *answer[int64]
}

var _ sdkworker.SlotSupplier = (*gpuSlots)(nil)

func newGPUSlots(cfg Config, deps Deps, alone *turn) *gpuSlots {
	g := &gpuSlots{
		log: deps.Log, slots: newPlaces(cfg.GPUSlots + cfg.GPUPrefetch), prefetch: cfg.GPUPrefetch,
		computing: newPlaces(cfg.GPUSlots), alone: alone,
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
	// Elsewhere nobody asks the gates: a worker without the queue would say for ever
	// that the model server is ready.
	if slices.Contains(cfg.Queues, workflows.QueueGPU) {
		g.measure(promauto.With(deps.Metrics))
	}
	return g
}

// resize changes the number of analyses. A smaller one is reached as running analyses
// end: none begins before.
func (g *gpuSlots) resize(n int) {
	g.slots.resize(n + g.prefetch)
	g.computing.resize(n)
}

func (g *gpuSlots) measure(f promauto.Factory) {
	for _, m := range []struct {
		name, help string
		value      func() float64
	}{
		{"orak_gpu_slots", "Maximum number of concurrent analyses in this process.", func() float64 { size, _ := g.computing.count(); return float64(size) }},
		{"orak_gpu_used_slots", "Slots in which an analysis is running.", func() float64 { return float64(g.running.Load()) }},
		{"orak_gpu_tasks", "Analyses that this process has taken or polls for: those that run, and those whose audio is fetched ahead.", func() float64 { return float64(g.issued.Load()) }},
		{"orak_gpu_memory_bytes", "Memory budget of this process at the model server; 0 means none.", func() float64 { return float64(g.budget) }},
		{"orak_gpu_used_memory_bytes", "Estimated use of the budget by running analyses.", func() float64 { return float64(g.used.Load()) }},
		{"orak_gpu_model_server_ready", "1 while the model server takes work; 0 while it does not and no analysis begins.", func() float64 {
			if g.health.isOpen() {
				return 1
			}
			return 0
		}},
	} {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: m.name, Help: m.help}, m.value)
	}
}

// ReserveSlot implements worker.SlotSupplier. It returns once all gates are open.
func (g *gpuSlots) ReserveSlot(ctx context.Context, _ sdkworker.SlotReservationInfo) (*sdkworker.SlotPermit, error) {
	if err := g.slots.acquire(ctx, false); err != nil {
		return nil, err
	}
	if err := g.await(ctx); err != nil {
		g.slots.release()
		return nil, err
	}
	g.issued.Add(1)
	return &sdkworker.SlotPermit{}, nil
}

// await waits for the gates of memory and readiness.
func (g *gpuSlots) await(ctx context.Context) error {
	if g.memory != nil {
		// Room for one byte opens the gate, in the order of arrival.
		if err := g.memory.Acquire(ctx, 1); err != nil {
			return err
		}
		g.memory.Release(1)
	}
	return g.health.await(ctx)
}

// TryReserveSlot implements worker.SlotSupplier. It serves eager tasks, which this
// queue does not take.
func (g *gpuSlots) TryReserveSlot(sdkworker.SlotReservationInfo) *sdkworker.SlotPermit { return nil }

// MarkSlotUsed implements worker.SlotSupplier.
func (g *gpuSlots) MarkSlotUsed(sdkworker.SlotMarkUsedInfo) {}

// ReleaseSlot implements worker.SlotSupplier.
func (g *gpuSlots) ReleaseSlot(sdkworker.SlotReleaseInfo) {
	g.issued.Add(-1)
	g.slots.release()
}

// MaxSlots implements worker.SlotSupplier.
func (g *gpuSlots) MaxSlots() int { size, _ := g.slots.count(); return size }

// errFull fails an attempt that has waited too long for room. It is not counted.
var errFull = &orak.Fault{Class: orak.ClassOverload, Message: "The analysis waits for a free place."}

// Admit implements activities.Admission. It holds a slot, and the memory for a
// recording; one that needs more than the budget takes all of it. A task that was
// taken just before the server became unavailable waits here, too. After a quarter
// of the attempt's time it frees the slot: the rest is for the analysis.
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

// leaves frees what was acquired, the last first.
type leaves []func()

func (l *leaves) add(leave func()) { *l = append(*l, leave) }

func (l *leaves) all() {
	for _, leave := range slices.Backward(*l) {
		leave()
	}
}

// enter acquires what an analysis needs. wait bounds the wait, and ctx the turn
// that is held.
func (g *gpuSlots) enter(ctx, wait context.Context, audio time.Duration, alone bool, held *leaves) error {
	if err := g.health.await(wait); err != nil {
		return err
	}
	if alone {
		leave, err := g.alone.take(ctx)
		if err != nil {
			return err
		}
		held.add(leave)
	}
	if err := g.computing.acquire(wait, alone); err != nil {
		return err
	}
	g.running.Add(1)
	held.add(func() {
		g.running.Add(-1)
		g.computing.release()
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

// cost returns the memory for a recording, in bytes, at most the whole budget. If
// the server declares no rate, or cannot be asked, the setting counts: the
// analysis finds out why.
func (g *gpuSlots) cost(ctx context.Context, audio time.Duration) int64 {
	rate := g.perSecond
	if g.declared != nil {
		declared, err := g.declared.get(ctx)
		switch {
		case declared > 0:
			rate = declared
		case err != nil:
			g.log.WarnContext(ctx, "memory of the model server is estimated by the setting", "bytes", rate, "error", err)
		}
	}
	seconds := max(min(audio, g.most), 0).Seconds()
	return int64(min(math.Ceil(seconds*float64(rate)), float64(g.budget)))
}
