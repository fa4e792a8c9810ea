package workflows_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak/internal/config"
	"orak/workflows"
)

// paths are the paths through the workflows; each has a recorded history. A change of
// workflow code that breaks one would strand the uploads that are on that path now:
// keep the old path with workflow.GetVersion, and record the new one under a new name
// (go test ./worker -record).
var paths = []string{
	"alert_digest", "alert_digest_adjusted", "alert_digest_continued", "alert_digest_repeated", "alert_digest_resolved", "announced_again", "announcement_refused",
	"canceled", "canceled_while_parked", "completed", "crashed", "discarded", "erased", "erased_again",
	"expired", "expired_after_a_warning", "failed_again", "outage", "outage_adjusted", "outage_continued", "outage_hiccup",
	"reconciled", "reconciled_in_two_runs", "reconciled_in_two_runs_first",
	"lake_compacted", "lake_compacted_in_two_runs", "lake_compacted_in_two_runs_first",
	"webhook_delivered", "webhook_gone", "webhook_exhausted",
	"reconciled_with_tasks", "reconciled_in_two_runs_with_tasks", "reconciled_in_two_runs_with_tasks_first",
	"reprocessed_by_signal", "reprocessed_by_update",
	"reprocessed_with_options", "resumed", "retried", "stuck",
	"canceled_durable", "canceled_while_parked_durable", "completed_durable", "crashed_durable", "discarded_durable", "discarded_by_update_durable",
	"expired_durable", "expired_after_a_warning_durable", "failed_again_durable", "reprocessed_by_signal_durable",
	"reprocessed_by_update_durable", "reprocessed_with_options_durable", "resumed_durable", "retried_durable", "stuck_durable",
	"announced_again_brief", "announcement_refused_brief", "canceled_brief", "canceled_while_parked_brief", "completed_brief",
	"crashed_brief", "discarded_brief", "discarded_by_update_brief", "expired_brief", "expired_after_a_warning_brief",
	"failed_again_brief", "reprocessed_by_signal_brief", "reprocessed_by_update_brief", "reprocessed_with_options_brief",
	"resumed_brief", "retried_brief", "stuck_brief",
}

func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "history", "*.json"))
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(file))
		})
	}
	for _, path := range paths {
		require.True(t, seen[path], "no history of the path %s", path)
	}
}

// replay runs the current code with default settings, which differ from those of the
// recordings.
func replay(file string) error {
	r := worker.NewWorkflowReplayer()
	f := workflows.New(config.MustDefaults[workflows.Settings]())
	r.RegisterWorkflowWithOptions(f.ProcessUpload, workflow.RegisterOptions{Name: workflows.TypeProcessUpload})
	r.RegisterWorkflowWithOptions(f.AlertDigest, workflow.RegisterOptions{Name: workflows.TypeAlertDigest})
	r.RegisterWorkflowWithOptions(f.OutageDigest, workflow.RegisterOptions{Name: workflows.TypeOutageDigest})
	r.RegisterWorkflowWithOptions(f.EraseUpload, workflow.RegisterOptions{Name: workflows.TypeEraseUpload})
	r.RegisterWorkflowWithOptions(f.Reconcile, workflow.RegisterOptions{Name: workflows.TypeReconcile})
	r.RegisterWorkflowWithOptions(f.CompactLake, workflow.RegisterOptions{Name: workflows.TypeCompactLake})
	r.RegisterWorkflowWithOptions(workflows.DeliverWebhook, workflow.RegisterOptions{Name: workflows.TypeDeliverWebhook})
	return r.ReplayWorkflowHistoryFromJSONFile(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)), file)
}

// The replay test would be worthless if it accepted everything.
func TestReplayRefusesAHistoryOfOtherCode(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "history", "completed.json"))
	require.NoError(t, err)
	other := strings.ReplaceAll(string(data), `"name": "Analyze"`, `"name": "Polish"`)
	require.NotEqual(t, string(data), other)
	file := filepath.Join(t.TempDir(), "other.json")
	require.NoError(t, os.WriteFile(file, []byte(other), 0o600))
	require.Error(t, replay(file))
}
