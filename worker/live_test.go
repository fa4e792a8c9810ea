package worker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktemporal "go.temporal.io/sdk/temporal"

	"orak"
	"orak/worker"
	"orak/workflows"
)

func TestParkTimeIsAskedByEachRun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var parkFor atomic.Int64
	parkFor.Store(int64(time.Hour))
	r.deps.ParkFor = func() time.Duration { return time.Duration(parkFor.Load()) }
	r.deps.Converter = convert(func(int) error { return inputFault })
	r.start()
	before := r.upload([]byte("sound"))
	r.await(before, orak.StatusDeadLettered)
	parkFor.Store(int64(time.Second))
	var app *sdktemporal.ApplicationError
	require.ErrorAs(t, r.closed(r.upload([]byte("other sound"))), &app)
	require.Equal(t, orak.StatusDeadLettered, r.progress(before).Status, "a run keeps what it began with")
}

// Slots change while steps run and while tasks are polled for.
func TestSlotsChangeWhileTheWorkerRuns(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*worker.Worker, int){
		workflows.QueueConvert: (*worker.Worker).SetConvertSlots,
		workflows.QueueGPU:     (*worker.Worker).SetGPUSlots,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.cfg.ConvertSlots, r.cfg.GPUSlots = 4, 4
			var running atomic.Int64
			free := make(chan struct{})
			hold := func(ctx context.Context) error {
				running.Add(1)
				defer running.Add(-1)
				select {
				case <-free:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if name == workflows.QueueConvert {
				r.deps.Converter = holding{convert(func(int) error { return nil }), hold}
			} else {
				r.deps.Analyzer = analyze(hold)
			}
			w := r.start()
			set(w, 1)
			var all []orak.Upload
			for range 6 {
				all = append(all, r.upload([]byte("sound")))
			}
			is := func(n int64) func() bool { return func() bool { return running.Load() == n } }
			require.Eventually(t, is(1), patience, tick)
			require.Never(t, func() bool { return running.Load() > 1 }, time.Second, tick)
			set(w, 3)
			require.Eventually(t, is(3), 2*time.Second, tick, "more begin at once")
			set(w, 2)
			for range 2 {
				free <- struct{}{}
			}
			require.Eventually(t, is(2), patience, tick)
			require.Never(t, func() bool { return running.Load() > 2 }, time.Second, tick)
			close(free)
			for _, u := range all {
				require.NoError(t, r.closed(u))
			}
		})
	}
}

// holding is a converter that holds each conversion first.
type holding struct {
	converting
	hold func(context.Context) error
}

// Convert implements activities.Converter.
func (h holding) Convert(ctx context.Context, src, dst string, limits orak.Limits, progress func(float64)) (orak.Audio, error) {
	if err := h.hold(ctx); err != nil {
		return orak.Audio{}, err
	}
	return h.converting.Convert(ctx, src, dst, limits, progress)
}
