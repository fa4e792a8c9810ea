package reconcile_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/worker"
	"orak/workflows"
)

// messages is a webhook that keeps the posted messages.
type messages struct {
	mu    sync.Mutex
	texts []string
}

func (m *messages) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.texts = append(m.texts, string(text))
	}
}

func (m *messages) with(text string) (found []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.texts {
		if strings.Contains(t, text) {
			found = append(found, t)
		}
	}
	return found
}

// foreign runs an upload in other workflow code, so that orak's code cannot replay its
// history.
func (b *bundle) foreign(uploads ...orak.Upload) {
	b.t.Helper()
	w := sdkworker.New(b.temporal, workflows.QueuePipeline, sdkworker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context, _ workflows.ProcessUploadInput) error {
		return workflow.Sleep(ctx, 24*time.Hour)
	}, workflow.RegisterOptions{Name: workflows.TypeProcessUpload})
	require.NoError(b.t, w.Start())
	for _, u := range uploads {
		b.process(u, nil)
		require.Eventually(b.t, func() bool { return b.info(u).GetHistoryLength() > 4 }, within, tick)
	}
	w.Stop()
	// The next worker has to replay, like another process.
	sdkworker.PurgeStickyWorkflowCache()
}

func TestFailingWorkflowTaskIsReportedUntilItSucceeds(t *testing.T) {
	t.Parallel()
	b := setupFor(t, 6*within)
	hook := &messages{}
	server := httptest.NewServer(hook)
	t.Cleanup(server.Close)
	b.cfg.Alert.WebhookURL = server.URL
	b.cfg.Worker.Outage = worker.OutageConfig{GroupWait: 200 * time.Millisecond, Quiet: time.Second, RepeatInterval: time.Hour, ReportInterval: 100 * time.Millisecond}
	b.cfg.Worker.Budget.MaxDelay = 500 * time.Millisecond
	stuck, fine := newUpload(), newUpload()
	b.foreign(stuck)
	b.process(fine, nil)
	a := b.start()
	b.await(fine, orak.StatusConverting)
	require.Zero(t, b.reconcile().Total().Failing)

	id := workflows.UploadWorkflowID(stuck.ID)
	require.NoError(t, b.temporal.SignalWorkflow(b.ctx, id, "", workflows.SignalDiscard, nil))
	// The server sets the attribute after several failures, with growing intervals.
	began := time.Now()
	require.Eventually(t, func() bool {
		_, marked := b.info(stuck).GetSearchAttributes().GetIndexedFields()["TemporalReportedProblems"]
		return marked
	}, 2*within, tick)
	t.Logf("marked after %s", time.Since(began))
	b.visible("WorkflowId = '"+id+"' AND TemporalReportedProblems IS NOT NULL", 1)
	for range 2 {
		report := b.reconcile()
		require.Equal(t, activities.ReconcileCounts{Examined: 1, Failing: 1}, report.Steps[activities.StepTasks])
	}
	require.Eventually(t, func() bool { return len(hook.with(":rotating_light: Workflow tasks have failed since")) == 1 }, within, tick)
	message := hook.with(":rotating_light:")[0]
	require.Contains(t, message, id)
	require.Contains(t, message, "NonDeterministicError")
	require.Contains(t, message, "section `workflows`")
	require.Contains(t, b.log.String(), "workflow task fails: the workflow is blocked")
	require.Equal(t, orak.StatusQueued, b.progress(stuck).Status, "the workflow is not changed")

	// The SDK's counter is exported to Prometheus.
	require.Regexp(t, regexp.MustCompile(`(?m)^temporal_workflow_task_execution_failed_total{[^\n]*NonDeterminismError[^\n]* [1-9]`), b.metricsPage(a.AdminAddr()))

	// An operator terminates the run; the upload is started again, and proceeds.
	b.terminate(stuck)
	require.Equal(t, 1, b.reconcile().Steps[activities.StepClosed].Restarted)
	b.await(stuck, orak.StatusConverting)
	require.Eventually(t, func() bool { return len(hook.with(":white_check_mark: All workflows make progress again")) == 1 }, within, tick)
	require.Zero(t, b.reconcile().Total().Failing)
}

func (b *bundle) metricsPage(addr string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	require.NoError(b.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return string(text)
}
