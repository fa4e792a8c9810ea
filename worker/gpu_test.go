package worker

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	sdkworker "go.temporal.io/sdk/worker"

	"orak"
	"orak/internal/config"
	"orak/workflows"
)

// modelServer is a fake model server.
type modelServer struct {
	mu    sync.Mutex
	asked int // requests for its readiness
	rated int // requests for its memory rate
	ready func(ctx context.Context) error
	rate  func() (int64, error)
}

func (m *modelServer) Ready(ctx context.Context) error {
	m.mu.Lock()
	m.asked++
	ready := m.ready
	m.mu.Unlock()
	if ready == nil {
		return nil
	}
	return ready(ctx)
}

func (m *modelServer) MemoryPerSecond(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rated++
	if m.rate == nil {
		return 0, nil
	}
	return m.rate()
}

func (m *modelServer) say(ready func(context.Context) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready = ready
}

func (m *modelServer) questions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

// reports records the reported outages.
type reports struct {
	mu  sync.Mutex
	all []error
}

func (r *reports) Report(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, err)
}

func (r *reports) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

var (
	errLoading = &orak.Fault{Class: orak.ClassOverload, Message: "The analysis waits for a free place."}
	errAway    = &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyModelServer, Message: "The model server cannot be reached."}
)

func gpuConfig() Config {
	cfg := config.MustDefaults[Config]()
	cfg.GPUMemory, cfg.GPUMemoryPerSecond, cfg.GPUPrefetch = 100, 10, 0
	return cfg
}

func slotsOf(cfg Config, server ModelServer, outages *reports) *gpuSlots {
	deps := Deps{ModelServer: server, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()}
	if outages != nil {
		deps.Outages = outages
	}
	return newGPUSlots(cfg, deps, nil)
}

// release frees a slot as the SDK does after a task, or after a poll without one.
func (g *gpuSlots) release() { g.ReleaseSlot(sdkworker.SlotReleaseInfo(nil)) }

func TestSlotsNeverExceedTheirCount(t *testing.T) {
	t.Parallel()
	g := slotsOf(gpuConfig(), nil, nil)
	var held, most atomic.Int64
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for range 200 {
				if _, err := g.ReserveSlot(t.Context(), nil); err != nil {
					t.Error(err)
					return
				}
				n := held.Add(1)
				for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
				}
				held.Add(-1)
				g.release()
			}
		})
	}
	wait.Wait()
	require.LessOrEqual(t, most.Load(), int64(2))
	require.Zero(t, g.issued.Load())
	_, slots := g.slots.count()
	require.Zero(t, slots)
}

func TestSlotWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &modelServer{}
		g := slotsOf(gpuConfig(), server, nil)
		for range 2 {
			_, err := g.ReserveSlot(t.Context(), nil)
			require.NoError(t, err)
		}
		require.Nil(t, g.TryReserveSlot(nil))
		refused := func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := g.ReserveSlot(ctx, nil)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		refused() // by the count
		g.release()
		server.say(func(context.Context) error { return errLoading })
		time.Sleep(askEvery)
		refused() // by the readiness of the server
		server.say(nil)
		leave, err := g.Admit(t.Context(), time.Hour, false)
		require.NoError(t, err)
		refused() // by the memory
		leave()
		time.Sleep(askEvery)
		_, err = g.ReserveSlot(t.Context(), nil)
		require.NoError(t, err, "a caller that gave up holds nothing")
	})
}

func TestMemoryNeverExceedsItsBudget(t *testing.T) {
	t.Parallel()
	g := slotsOf(gpuConfig(), nil, nil)
	var held, most atomic.Int64
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			for n := range 200 {
				seconds := int64((i*n)%14 + 1)
				leave, err := g.Admit(t.Context(), time.Duration(seconds)*time.Second, false)
				if err != nil {
					t.Error(err)
					return
				}
				cost := min(10*seconds, 100)
				now := held.Add(cost)
				for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
				}
				held.Add(-cost)
				leave()
			}
		})
	}
	wait.Wait()
	require.LessOrEqual(t, most.Load(), int64(100))
	require.Zero(t, g.used.Load())
	require.True(t, g.memory.TryAcquire(100), "all of it is free again")
}

func TestLongRecordingIsNotOvertakenAndRunsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := slotsOf(gpuConfig(), nil, nil)
		leaveFirst, err := g.Admit(t.Context(), 3*time.Second, false)
		require.NoError(t, err)
		var order []time.Duration
		var mu sync.Mutex
		leaves := make(chan func(), 2)
		for _, audio := range []time.Duration{time.Hour, time.Second} {
			go func() {
				leave, err := g.Admit(t.Context(), audio, false)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, audio)
				mu.Unlock()
				leaves <- leave
			}()
			synctest.Wait() // queued
		}
		require.Empty(t, order, "there is room for the short one, but it does not overtake")
		leaveFirst()
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Hour}, order)
		require.EqualValues(t, 100, g.used.Load())
		(<-leaves)()
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Hour, time.Second}, order)
		(<-leaves)()
	})
}

func TestAnalysisWithoutRoomFreesItsSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := slotsOf(gpuConfig(), nil, nil)
		leave, err := g.Admit(t.Context(), time.Hour, false)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		_, err = g.Admit(ctx, time.Second, false)
		var f *orak.Fault
		require.ErrorAs(t, err, &f)
		require.Equal(t, orak.ClassOverload, f.Class, "which costs no attempt")
		require.Equal(t, 15*time.Minute, time.Since(began))

		gone, goes := context.WithCancel(t.Context())
		goes()
		_, err = g.Admit(gone, time.Second, false)
		require.ErrorIs(t, err, context.Canceled)
		leave()
		leave, err = g.Admit(t.Context(), 10*time.Second, false)
		require.NoError(t, err, "neither holds anything")
		leave()
	})
}

func TestModelServerGateClosesAndOpens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, reported := &modelServer{}, &reports{}
		server.say(func(context.Context) error { return errLoading })
		g := slotsOf(gpuConfig(), server, reported)
		var reserved atomic.Int64
		for range 2 { // pollers
			go func() {
				if _, err := g.ReserveSlot(t.Context(), nil); err != nil {
					t.Error(err)
				}
				reserved.Add(1)
			}()
		}
		time.Sleep(30*time.Second + time.Millisecond)
		require.Zero(t, reserved.Load())
		require.Zero(t, g.issued.Load())
		require.False(t, g.health.isOpen())
		require.LessOrEqual(t, server.questions(), 31, "one caller asks for all")
		require.Zero(t, reported.count(), "a server that loads its model is no outage")
		time.Sleep(time.Minute)
		require.NotZero(t, reported.count(), "a server that never finishes loading is")

		server.say(nil)
		time.Sleep(2 * askEvery)
		require.EqualValues(t, 2, reserved.Load())
		require.EqualValues(t, 2, g.issued.Load())
		require.True(t, g.health.isOpen())
	})
}

func TestModelServerGateReportsAnUnavailableServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, reported := &modelServer{}, &reports{}
		server.say(func(context.Context) error { return errAway })
		g := slotsOf(gpuConfig(), server, reported)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := g.ReserveSlot(ctx, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotZero(t, reported.count())
		var f *orak.Fault
		require.ErrorAs(t, reported.all[0], &f)
		require.Equal(t, orak.ClassDependency, f.Class)
		require.Equal(t, orak.DependencyModelServer, f.Dependency)
	})
}

// hung accepts requests and never answers.
func hung(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestHangingServerBlocksNoCallerPastItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, reported := &modelServer{}, &reports{}
		server.say(hung)
		g := slotsOf(gpuConfig(), server, reported)
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 8)
		for range 8 {
			go func() { errs <- g.health.await(ctx) }()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		cancel()
		for range 8 {
			require.ErrorIs(t, <-errs, context.Canceled)
		}
		require.Equal(t, time.Second, time.Since(began), "neither the caller that asks nor those that wait are blocked")
		require.True(t, g.health.isOpen(), "an abandoned request says nothing about the server")
		require.Zero(t, reported.count())

		// A request ends after askFor, and counts as an outage.
		ctx, cancel = context.WithTimeout(t.Context(), askFor+time.Millisecond)
		defer cancel()
		require.Error(t, g.health.await(ctx))
		require.False(t, g.health.isOpen())
		require.Equal(t, 1, reported.count())
	})
}

func TestMemoryCostFollowsTheServersRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &modelServer{rate: func() (int64, error) { return 0, errors.New("asleep") }}
		g := slotsOf(gpuConfig(), server, nil)
		require.EqualValues(t, 20, g.cost(t.Context(), 2*time.Second), "the setting, while the server declares no rate")
		server.rate = func() (int64, error) { return 30, nil }
		time.Sleep(askEvery)
		for range 100 {
			require.EqualValues(t, 60, g.cost(t.Context(), 2*time.Second))
		}
		require.Equal(t, 2, server.rated, "it is not asked for every task")
		server.rate = func() (int64, error) { return 0, errors.New("asleep") }
		time.Sleep(rateHolds)
		require.EqualValues(t, 60, g.cost(t.Context(), 2*time.Second), "the last rate remains")
		require.EqualValues(t, 100, g.cost(t.Context(), 1<<62), "at most the whole budget")
		require.Zero(t, g.cost(t.Context(), -time.Second))
	})
}

func TestLongRecordingTakesTheMemoryOfAWindow(t *testing.T) {
	t.Parallel()
	cfg := gpuConfig()
	cfg.GPUMemory = 1 << 30
	require.EqualValues(t, 610, slotsOf(cfg, nil, nil).cost(t.Context(), 3*time.Hour))
}

func TestGPUSlotsExportTheirGauges(t *testing.T) {
	t.Parallel()
	server := &modelServer{}
	reg := prometheus.NewRegistry()
	g := newGPUSlots(gpuConfig(), Deps{ModelServer: server, Log: slog.New(slog.DiscardHandler), Metrics: reg}, nil)
	_, err := g.ReserveSlot(t.Context(), nil)
	require.NoError(t, err)
	leave, err := g.Admit(t.Context(), 3*time.Second, false)
	require.NoError(t, err)
	require.NoError(t, measured(reg, "2", "1", "1", "30", "1"))
	leave()
	g.release()
	g.health.heard(t.Context(), errLoading)
	require.NoError(t, measured(reg, "2", "0", "0", "0", "0"))
}

// It does not ask the model server, and would say for ever that it is ready.
func TestWorkerOfOtherQueuesExportsNoGaugesOfGPUs(t *testing.T) {
	t.Parallel()
	cfg := gpuConfig()
	cfg.Queues = []string{workflows.QueuePipeline, workflows.QueueConvert}
	reg := prometheus.NewRegistry()
	newGPUSlots(cfg, Deps{ModelServer: &modelServer{}, Log: slog.New(slog.DiscardHandler), Metrics: reg}, nil)
	families, err := reg.Gather()
	require.NoError(t, err)
	require.Empty(t, families)
}

func measured(reg *prometheus.Registry, slots, tasks, used, usedMemory, ready string) error {
	var want strings.Builder
	for _, m := range [][3]string{
		{"orak_gpu_memory_bytes", "Memory budget of this process at the model server; 0 means none.", "100"},
		{"orak_gpu_model_server_ready", "1 while the model server takes work; 0 while it does not and no analysis begins.", ready},
		{"orak_gpu_slots", "Maximum number of concurrent analyses in this process.", slots},
		{"orak_gpu_tasks", "Analyses that this process has taken or polls for: those that run, and those whose audio is fetched ahead.", tasks},
		{"orak_gpu_used_memory_bytes", "Estimated use of the budget by running analyses.", usedMemory},
		{"orak_gpu_used_slots", "Slots in which an analysis is running.", used},
	} {
		want.WriteString("# HELP " + m[0] + " " + m[1] + "\n# TYPE " + m[0] + " gauge\n" + m[0] + " " + m[2] + "\n")
	}
	return testutil.GatherAndCompare(reg, strings.NewReader(want.String()))
}
