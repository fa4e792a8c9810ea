package reconcile_test

import (
	"flag"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/activities"
	"orak/workflows"
)

var healthy = flag.Int("uploads", 600, "how many completed uploads TestCompletedUploadsAreNotDescribed has")

// completedAll completes the workflows of uploads, and waits until visibility says so.
func (b *bundle) completedAll(uploads []orak.Upload) {
	b.t.Helper()
	w := worker.New(b.temporal, workflows.QueuePipeline, worker.Options{MaxConcurrentWorkflowTaskPollers: 16})
	w.RegisterWorkflowWithOptions(func(workflow.Context, workflows.ProcessUploadInput) error { return nil },
		workflow.RegisterOptions{Name: workflows.TypeProcessUpload})
	require.NoError(b.t, w.Start())
	defer w.Stop()
	group, ctx := errgroup.WithContext(b.ctx)
	group.SetLimit(32)
	for _, u := range uploads {
		group.Go(func() error {
			in := workflows.ProcessUploadInput{Upload: u}
			_, err := b.temporal.ExecuteWorkflow(ctx, workflows.StartOptions(in), workflows.TypeProcessUpload, in)
			return err
		})
	}
	require.NoError(b.t, group.Wait())
	require.Eventually(b.t, func() bool {
		c, err := b.temporal.CountWorkflow(b.ctx, countRequest(b.cfg.Temporal.Namespace, "WorkflowType = 'ProcessUpload' AND ExecutionStatus = 'Completed'"))
		require.NoError(b.t, err)
		return c.GetCount() == int64(len(uploads))
	}, within+time.Duration(len(uploads))*40*time.Millisecond, tick)
}

// described returns how often the process has described a workflow.
func (b *bundle) described(admin string) int {
	b.t.Helper()
	m := regexp.MustCompile(`(?m)^temporal_request_total{[^\n]*operation="DescribeWorkflowExecution"[^\n]*} (\S+)`).FindAllStringSubmatch(b.metricsPage(admin), -1)
	n := 0.0
	for _, line := range m {
		v, err := strconv.ParseFloat(line[1], 64)
		require.NoError(b.t, err)
		n += v
	}
	return int(n)
}

// What has ended costs a share of a request to visibility, and the history of the
// reconciliation does not grow with it. What is missing among it is found. What is open
// is described.
func TestCompletedUploadsAreNotDescribed(t *testing.T) {
	t.Parallel()
	n := *healthy
	b := setupFor(t, 3*within+time.Duration(n)*60*time.Millisecond)
	b.cfg.Worker.PipelineSlots = 4
	uploads := make([]orak.Upload, n)
	for i := range uploads {
		uploads[i] = newUpload()
	}
	missing := newUpload()
	b.announce(uploads[:n/2]...)
	b.announce(missing)
	b.announce(uploads[n/2:]...)
	b.completedAll(uploads)
	open := make([]orak.Upload, 10)
	for i := range open {
		open[i] = newUpload()
		b.process(open[i], nil)
	}
	b.announce(open...)
	b.pass()
	a := b.start()
	before := b.described(a.AdminAddr())
	began := time.Now()
	report := b.reconcile()
	took := time.Since(began)
	require.Equal(t, activities.ReconcileCounts{Examined: n + len(open) + 1, Started: 1}, report.Steps[activities.StepMissing])
	require.True(t, b.known(missing))
	described := b.described(a.AdminAddr()) - before
	require.Greater(t, described, len(open), "these and the missing one were described")
	require.LessOrEqual(t, described, n/10)

	runs, err := b.runs().History(b.ctx, 1)
	require.NoError(t, err)
	d, err := b.temporal.DescribeWorkflowExecution(b.ctx, runs[0].WorkflowID, runs[0].RunID)
	require.NoError(t, err)
	info := d.GetWorkflowExecutionInfo()
	t.Logf("%d uploads in %s: %d described; history of %d events, %d bytes", n, took.Round(time.Millisecond), described,
		info.GetHistoryLength(), info.GetHistorySizeBytes())
	require.Less(t, info.GetHistoryLength(), int64(80))
}
