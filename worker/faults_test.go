package worker_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/internal/config"
	"orak/internal/temporal"
	"orak/test/leaks"
	"orak/worker"
	"orak/workflows"
)

func TestGPULimitHolds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var running, most atomic.Int32
	release := make(chan struct{})
	r.deps.Analyzer = analyze(func(context.Context) error {
		n := running.Add(1)
		defer running.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		<-release
		return nil
	})
	r.start()
	var uploads []orak.Upload
	for range 10 {
		uploads = append(uploads, r.upload([]byte("sound")))
	}
	for _, u := range uploads {
		r.await(u, orak.StatusAnalyzing)
	}
	require.Eventually(t, func() bool { return running.Load() == 2 }, patience, tick)
	close(release)
	for _, u := range uploads {
		require.NoError(t, r.closed(u))
	}
	require.EqualValues(t, 2, most.Load())
}

func TestBudgetSurvivesKilledWorkers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Queues = []string{workflows.QueuePipeline, workflows.QueueGPU}
	r.start()
	u := r.upload([]byte("sound"))
	for range r.cfg.Budget.Attempts {
		// Each is killed during the conversion, as by kill -9.
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), doomedEnv+"="+r.servers.Temporal+" "+r.deps.Namespace)
		out, err := child.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), string(out))
	}
	r.deps.Converter = convert(func(int) error {
		t.Error("a fourth attempt ran")
		return nil
	})
	r.cfg.Queues = []string{workflows.QueueConvert}
	r.start()
	p := r.await(u, orak.StatusDeadLettered)
	require.Equal(t, 3, p.Failure.Attempts)
	require.Equal(t, orak.ClassTransient, p.Failure.Class)
	require.True(t, p.Failure.FirstAt.Before(p.Failure.LastAt))
	r.record("crashed_brief", workflows.UploadWorkflowID(u.ID))
}

// doomedEnv makes the test binary a worker that kills itself in its first
// conversion: "<address of Temporal> <namespace>".
const doomedEnv = "ORAK_TEST_DOOMED_WORKER"

func TestMain(m *testing.M) {
	if at := os.Getenv(doomedEnv); at != "" {
		runDoomed(at)
	}
	if at := os.Getenv(mortalEnv); at != "" {
		runMortal(at)
	}
	leaks.Main(m)
}

func runDoomed(at string) {
	address, namespace, _ := strings.Cut(at, " ")
	log := slog.New(slog.DiscardHandler)
	c, err := temporal.Dial(context.Background(), temporal.Config{Address: address, Namespace: namespace, DialTimeout: patience}, log, temporal.Telemetry{})
	if err != nil {
		os.Exit(3)
	}
	cfg := config.MustDefaults[worker.Config]()
	cfg.Queues = []string{workflows.QueueConvert}
	cfg.Settings.ConvertTimeout = patience * 1000 // sweeps nothing
	w := worker.New(cfg, c, worker.Deps{Store: deadly{}, Namespace: namespace, Log: log})
	if err := w.Start(context.Background()); err != nil {
		os.Exit(4)
	}
	select {}
}

// deadly is a store that ends the process at its first use.
type deadly struct{ activities.Store }

func (deadly) Open(context.Context, string) (io.ReadCloser, int64, error) {
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		os.Exit(5)
	}
	select {}
}

func TestStoppedWorkerHandsItsWorkToTheNext(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var once sync.Once
	began := make(chan struct{})
	r.deps.Analyzer = analyze(func(ctx context.Context) error {
		var err error
		once.Do(func() {
			close(began)
			<-ctx.Done()
			err = ctx.Err()
		})
		return err
	})
	w := r.start()
	u := r.upload([]byte("sound"))
	<-began
	require.NoError(t, w.Stop(t.Context()))
	require.NoError(t, w.Stop(t.Context()), "stopping twice is no error")
	require.Equal(t, 0, r.heartbeat(u).Attempts, "a stop costs no attempt")
	r.start()
	require.NoError(t, r.closed(u))
}

// heartbeat returns the last heartbeat of the pending stage of u, as the API reads it.
func (r *rig) heartbeat(u orak.Upload) activities.Heartbeat {
	r.t.Helper()
	d, err := r.client.DescribeWorkflowExecution(r.t.Context(), workflows.UploadWorkflowID(u.ID), "")
	require.NoError(r.t, err)
	require.Len(r.t, d.PendingActivities, 1)
	var h activities.Heartbeat
	if details := d.PendingActivities[0].GetHeartbeatDetails(); details != nil {
		require.NoError(r.t, converter.GetDefaultDataConverter().FromPayloads(details, &h))
	}
	return h
}

func TestProgressIsVisibleFromOutside(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	release := make(chan struct{})
	r.deps.Analyzer = analyze(func(context.Context) error {
		<-release
		return nil
	})
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusAnalyzing)
	require.Eventually(t, func() bool {
		h := r.heartbeat(u)
		return h.Done != nil && *h.Done == 0.5 && h.Attempts == 1
	}, patience, tick)
	close(release)
	require.NoError(t, r.closed(u))
}

func TestOutageMakesABacklogAndNoDeadLetter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var down atomic.Bool
	down.Store(true)
	tries := make(chan struct{}, 1000)
	r.deps.Converter = convert(func(int) error {
		tries <- struct{}{}
		if down.Load() {
			return &orak.Fault{Class: orak.ClassDependency, Message: "Away."}
		}
		return nil
	})
	r.start()
	u := r.upload([]byte("sound"))
	for range 6 { // twice the counted attempts
		<-tries
	}
	require.Equal(t, orak.StatusConverting, r.progress(u).Status)
	down.Store(false)
	require.NoError(t, r.closed(u))
	require.False(t, slices.Contains(types(r.lifecycle(u, events.Completed)), events.DeadLettered))
}

func TestSearchAttributesAreRegisteredOnceAndUsable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cfg := r.deps.Links.(temporal.Config)
	cfg.Namespace = "fresh-" + strings.ToLower(t.Name())[:20] + r.deps.Namespace
	cfg.Retention = 30 * 24 * time.Hour
	require.NoError(t, temporal.EnsureNamespace(t.Context(), cfg, r.log))
	require.NoError(t, temporal.EnsureNamespace(t.Context(), cfg, r.log))
	c, err := temporal.Dial(t.Context(), cfg, r.log, temporal.Telemetry{})
	require.NoError(t, err)
	defer c.Close()
	errs := make(chan error, 2)
	for range 2 {
		go func() { errs <- worker.RegisterSearchAttributes(t.Context(), c, cfg.Namespace) }()
	}
	require.NoError(t, <-errs)
	require.NoError(t, <-errs)
	require.NoError(t, worker.RegisterSearchAttributes(t.Context(), c, cfg.Namespace))

	r.client, r.deps.Namespace = c, cfg.Namespace
	w := worker.New(r.cfg, c, r.deps)
	require.NoError(t, w.Start(t.Context()))
	defer func() { require.NoError(t, w.Stop(context.Background())) }()
	u := r.upload([]byte("sound"))
	require.NoError(t, r.closed(u))
}
