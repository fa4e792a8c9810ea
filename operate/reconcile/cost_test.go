package reconcile_test

import (
	"flag"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/activities"
	"orak/workflows"
)

var healthy = flag.Int("uploads", 1200, "how many healthy uploads TestHealthyUploadsAreNotDescribed has")

// startedAll starts the workflows of uploads, and waits until visibility lists them.
func (b *bundle) startedAll(uploads []orak.Upload) {
	b.t.Helper()
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
	b.visible("WorkflowType = 'ProcessUpload'", int64(len(uploads)))
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

// What is healthy costs a share of a request to visibility, and the history of the
// reconciliation does not grow with it. What is missing among it is found.
func TestHealthyUploadsAreNotDescribed(t *testing.T) {
	t.Parallel()
	n := *healthy
	b := setupFor(t, 3*within+time.Duration(n)*20*time.Millisecond)
	// The worker runs nothing, so that only the reconciliation asks.
	b.cfg.Worker.PipelineSlots = 4
	uploads := make([]orak.Upload, n)
	for i := range uploads {
		uploads[i] = newUpload()
	}
	missing := newUpload()
	b.announce(uploads[:n/2]...)
	b.announce(missing)
	b.announce(uploads[n/2:]...)
	b.startedAll(uploads)
	b.pass()
	a := b.start()
	before := b.described(a.AdminAddr())
	began := time.Now()
	report := b.reconcile()
	took := time.Since(began)
	require.Equal(t, activities.ReconcileCounts{Examined: n + 1, Started: 1}, report.Steps[activities.StepMissing])
	require.True(t, b.known(missing))
	described := b.described(a.AdminAddr()) - before
	require.Positive(t, described, "the missing one was described")
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
