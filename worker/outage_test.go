package worker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/worker"
	"orak/workflows"
)

var (
	outageOf   = workflows.OutageWorkflowID(orak.DependencyStore)
	storeFault = &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyStore, Message: "The object store cannot be reached.",
		Err: fmt.Errorf("dial tcp: refused")}
)

// outages makes outages short, and reports them as the whole program does.
func (r *rig) outages(probe activities.Probe) *worker.Reporter {
	r.t.Helper()
	r.cfg.Outage = worker.OutageConfig{GroupWait: 500 * time.Millisecond, Quiet: 2 * time.Second, RepeatInterval: time.Hour, ReportInterval: 100 * time.Millisecond}
	reporter := worker.NewReporter(r.client, r.cfg.Outage, r.log, prometheus.NewRegistry())
	r.t.Cleanup(reporter.Stop)
	r.deps.Outages = reporter
	r.deps.Probes = map[orak.Dependency]activities.Probe{orak.DependencyStore: probe}
	return reporter
}

func (r *rig) outageEnded() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	require.NoError(r.t, r.client.GetWorkflow(ctx, outageOf, "").Get(ctx, nil))
}

func TestOutageOfAStageIsPostedWithItsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var up atomic.Bool
	down := func() error {
		if up.Load() {
			return nil
		}
		return storeFault
	}
	r.outages(func(context.Context) error { return down() })
	r.deps.Converter = convert(func(int) error { return down() })
	r.start()
	u := r.upload([]byte("sound"))
	began := r.posted(":rotating_light:")
	require.Contains(t, began, "The object store has been unavailable since")
	require.Contains(t, began, "none is lost")
	require.Contains(t, began, "docs/runbooks/outages.md")
	require.NotContains(t, began, "dial tcp", "details are for the log")
	require.Equal(t, "The object store has been unavailable", r.summary(outageOf))
	require.Contains(t, r.details(outageOf), "**The object store has been unavailable** since")
	up.Store(true)
	require.NoError(t, r.closed(u))
	require.Equal(t, orak.StatusCompleted, r.progress(u).Status)
	r.outageEnded()
	require.Len(t, r.hook.messages(), 2)
	require.Contains(t, r.posted(":white_check_mark:"), "The object store is available again")
	r.record("outage", outageOf)
}

func TestHiccupIsNotPosted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	reporter := r.outages(func(context.Context) error { return nil })
	r.start()
	reporter.Report(fmt.Errorf("storing: %w", storeFault))
	require.Eventually(t, func() bool {
		_, err := r.client.DescribeWorkflowExecution(t.Context(), outageOf, "")
		return err == nil
	}, patience, tick)
	r.outageEnded()
	require.Empty(t, r.hook.messages(), "a hiccup is not posted")
	r.record("outage_hiccup", outageOf)
}

// A server suggests Continue-As-New only after thousands of events; the state of
// the next run is the same.
func TestOutageContinuesAsNew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.outages(func(context.Context) error { return nil })
	r.start()
	now := time.Now().UTC()
	_, err := r.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: outageOf, TaskQueue: workflows.QueuePipeline},
		workflows.TypeOutageDigest, workflows.OutageDigestInput{
			Dependency: orak.DependencyStore, OutageIntervals: workflows.OutageIntervals{GroupWait: time.Second, Quiet: 2 * time.Second, RepeatInterval: time.Hour},
			Resume: &workflows.ResumeOutage{
				Down:    messages.Down{Dependency: orak.DependencyStore, Count: 7, FirstAt: now.Add(-time.Hour), LastAt: now},
				BeganAt: now.Add(-time.Hour), SeenAt: now, JudgedAt: now.Add(-time.Hour), Lasts: true, ToldAt: now.Add(-time.Minute),
			},
		})
	require.NoError(t, err)
	r.outageEnded()
	require.Len(t, r.hook.messages(), 1)
	require.Contains(t, r.posted(":white_check_mark:"), "The outage lasted 1h0m0s")
	require.Contains(t, r.posted(":white_check_mark:"), "7 attempts")
	r.record("outage_continued", outageOf)
}

func TestReporterCountsAndBatchesReports(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	reporter := worker.NewReporter(r.client, worker.OutageConfig{
		GroupWait: time.Hour, Quiet: time.Hour, RepeatInterval: time.Hour, ReportInterval: 500 * time.Millisecond,
	}, r.log, prometheus.NewRegistry())
	t.Cleanup(reporter.Stop)
	for _, other := range []error{inputFault, context.Canceled, &orak.Fault{Class: orak.ClassDependency}, nil} {
		reporter.Report(other)
	}
	const n = 1000
	for range n {
		reporter.Report(storeFault)
	}
	require.Eventually(t, func() bool { return r.reported() == n }, patience, tick, "none is lost")
	require.Less(t, len(r.downs(outageOf)), 5)
}

// However many attempts fail in however many processes, each process sends at most one
// signal in an interval, and every attempt is counted in one.
func TestOutageOfManyProcessesSendsFewSignals(t *testing.T) {
	t.Parallel()
	const failures = 10_000
	for _, processes := range []int{1, 100} {
		r := newRig(t)
		cfg := worker.OutageConfig{GroupWait: time.Hour, Quiet: time.Hour, RepeatInterval: time.Hour, ReportInterval: 2 * time.Second}
		began := time.Now()
		var group sync.WaitGroup
		for range processes {
			reporter := worker.NewReporter(r.client, cfg, r.log, prometheus.NewRegistry())
			t.Cleanup(reporter.Stop)
			group.Go(func() {
				for range failures / processes {
					reporter.Report(storeFault)
				}
			})
		}
		group.Wait()
		require.Eventually(t, func() bool { return r.reported() == failures }, patience, tick)
		intervals := 1 + int(time.Since(began)/cfg.ReportInterval)
		signals := len(r.downs(outageOf))
		t.Logf("%d failures in %d processes: %d signals in %d intervals", failures, processes, signals, intervals)
		require.LessOrEqual(t, signals, processes*intervals)
	}
}

// reported returns the number of attempts in the signals to the digest.
func (r *rig) reported() (n int) {
	for _, d := range r.downs(outageOf) {
		n += d.Count
	}
	return n
}

// downs returns the reports that a digest was sent; none if it does not run.
func (r *rig) downs(id string) (ds []messages.Down) {
	r.t.Helper()
	if _, err := r.client.DescribeWorkflowExecution(r.t.Context(), id, ""); err != nil {
		return nil
	}
	it := r.client.GetWorkflowHistory(r.t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		require.NoError(r.t, err)
		if e.GetEventType() != enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED {
			continue
		}
		var d messages.Down
		require.NoError(r.t, converter.GetDefaultDataConverter().FromPayloads(e.GetWorkflowExecutionSignaledEventAttributes().GetInput(), &d))
		ds = append(ds, d)
	}
	return ds
}

func TestOutageUsesTheSettingsOfTheLatestReporter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.outages(func(context.Context) error { return nil })
	slow := r.cfg.Outage
	slow.Quiet = time.Hour
	first := worker.NewReporter(r.client, slow, r.log, prometheus.NewRegistry())
	t.Cleanup(first.Stop)
	r.start()
	first.Report(storeFault)
	require.Eventually(t, func() bool { return r.signalled(outageOf) }, patience, tick)
	r.deps.Outages.Report(storeFault)
	r.outageEnded()
	r.record("outage_adjusted", outageOf)
}

// signalled reports whether the workflow has been started.
func (r *rig) signalled(workflowID string) bool {
	_, err := r.client.DescribeWorkflowExecution(r.t.Context(), workflowID, "")
	return err == nil
}
