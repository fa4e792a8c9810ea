package worker

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	sdkworker "go.temporal.io/sdk/worker"
	"golang.org/x/sync/semaphore"
)

// ModelServer is what the admission to the GPU queue asks of the server behind
// it; nil stands for the built-in engine, which is always there.
type ModelServer interface {
	// Ready is nil when the server takes work.
	Ready(ctx context.Context) error
	// MemoryPerSecond is what a second of audio takes of the server's memory
	// while it is analyzed, in bytes; 0 where the server does not say.
	MemoryPerSecond(ctx context.Context) (int64, error)
}

const (
	// readyEvery is how often a server that is not ready is asked again, and
	// readyFor how long the answer that it is counts.
	readyEvery = time.Second
	readyFor   = 2 * time.Second
	// askFor bounds one question to the server.
	askFor = 5 * time.Second
)

// gpuSlots admits analyses through three gates: a count, a budget of memory,
// and the health of the model server. The slots are asked for before a task is
// taken: while a gate is shut the backlog waits in the queue, where it is
// charged nothing and another worker can take it.
type gpuSlots struct {
	count  int
	server ModelServer
	log    *slog.Logger

	slots  chan struct{}
	issued atomic.Int64

	// memory has budget bytes; nil where it is not bounded.
	memory *semaphore.Weighted
	budget int64
	used   atomic.Int64
	// perSecond and most are what a second of audio takes, and for how many
	// seconds at the most: long recordings are sent in windows.
	perSecond int64
	most      time.Duration

	mu      sync.Mutex
	readyAt time.Time
	shut    atomic.Bool
}

var _ sdkworker.SlotSupplier = (*gpuSlots)(nil)

func newGPUSlots(cfg Config, server ModelServer, log *slog.Logger, reg prometheus.Registerer) *gpuSlots {
	g := &gpuSlots{
		count: cfg.GPUSlots, server: server, log: log, slots: make(chan struct{}, cfg.GPUSlots),
		budget: cfg.GPUMemory, perSecond: cfg.GPUMemoryPerSecond, most: cfg.GPUWindow,
	}
	if g.budget > 0 {
		g.memory = semaphore.NewWeighted(cfg.GPUMemory)
	}
	g.measure(promauto.With(reg))
	return g
}

// tuner hands out these slots for activities. A worker of activities alone needs
// no others, which the SDK asks for all the same.
func (g *gpuSlots) tuner() sdkworker.WorkerTuner { return gpuTuner{g, noSlots{}} }

type gpuTuner struct {
	activities sdkworker.SlotSupplier
	others     sdkworker.SlotSupplier
}

func (t gpuTuner) GetWorkflowTaskSlotSupplier() sdkworker.SlotSupplier    { return t.others }
func (t gpuTuner) GetActivityTaskSlotSupplier() sdkworker.SlotSupplier    { return t.activities }
func (t gpuTuner) GetLocalActivitySlotSupplier() sdkworker.SlotSupplier   { return t.others }
func (t gpuTuner) GetNexusSlotSupplier() sdkworker.SlotSupplier           { return t.others }
func (t gpuTuner) GetSessionActivitySlotSupplier() sdkworker.SlotSupplier { return t.others }

// noSlots gives none.
type noSlots struct{}

func (noSlots) ReserveSlot(ctx context.Context, _ sdkworker.SlotReservationInfo) (*sdkworker.SlotPermit, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (noSlots) TryReserveSlot(sdkworker.SlotReservationInfo) *sdkworker.SlotPermit { return nil }
func (noSlots) MarkSlotUsed(sdkworker.SlotMarkUsedInfo)                            {}
func (noSlots) ReleaseSlot(sdkworker.SlotReleaseInfo)                              {}
func (noSlots) MaxSlots() int                                                      { return 0 }

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
			if g.shut.Load() {
				return 0
			}
			return 1
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
	return g.awaitReady(ctx)
}

func (g *gpuSlots) awaitReady(ctx context.Context) error {
	for !g.ready(ctx) {
		select {
		case <-time.After(readyEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// ready asks the server, or remembers what it said a moment ago.
func (g *gpuSlots) ready(ctx context.Context) bool {
	if g.server == nil {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.readyAt) < readyFor {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	err := g.server.Ready(ctx)
	if shut := err != nil; g.shut.Swap(shut) != shut {
		g.log.Warn("the gate of the GPU queue has changed", "open", !shut, "error", err)
	}
	if err != nil {
		return false
	}
	g.readyAt = time.Now()
	return true
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

// Admit is activities.Admission's: it holds the memory that a recording takes.
// One that takes more than the whole budget is let in alone.
func (g *gpuSlots) Admit(ctx context.Context, audio time.Duration) (leave func(), err error) {
	if g.memory == nil {
		return func() {}, nil
	}
	cost := min(g.cost(ctx, audio), g.budget)
	if err := g.memory.Acquire(ctx, cost); err != nil {
		return nil, err
	}
	g.used.Add(cost)
	return func() {
		g.used.Add(-cost)
		g.memory.Release(cost)
	}, nil
}

// cost is in bytes. A server that does not answer is met by the analysis, which
// tells it apart; until then the setting counts.
func (g *gpuSlots) cost(ctx context.Context, audio time.Duration) int64 {
	rate := g.perSecond
	if g.server != nil {
		ctx, cancel := context.WithTimeout(ctx, askFor)
		defer cancel()
		declared, err := g.server.MemoryPerSecond(ctx)
		if err != nil {
			g.log.WarnContext(ctx, "what a second of audio takes is reckoned by the setting", "bytes", rate, "error", err)
		} else if declared > 0 {
			rate = declared
		}
	}
	return int64(math.Ceil(min(audio, g.most).Seconds() * float64(rate)))
}
