package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/events"
	"orak/workflows"
)

// found returns the entries of a kind.
func found(h resource.UploadHistory, kind string) []resource.HistoryEntry {
	return slices.DeleteFunc(slices.Clone(h.Entries), func(e resource.HistoryEntry) bool { return e.Kind != kind })
}

func TestHistoryHasDecisionsSignalsAndFailures(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating, func(b *bundle) {
		b.deps.WorkflowURL = func(workflowID, runID string) string { return "http://ui/" + workflowID + "/" + runID }
	})
	p := progress("choir", orak.StatusDeadLettered)
	failedAt := p.UpdatedAt
	p.Timeline = []orak.Mark{
		{At: failedAt, Kind: orak.MarkAttemptFailed, Stage: orak.StageConvert, Class: orak.ClassTransient, Message: "It crashed.", Attempt: 1},
		{At: failedAt.Add(time.Second), Kind: orak.MarkDeadLettered, Stage: orak.StageConvert, Class: orak.ClassInput, Message: "Not audio."},
	}
	b.beginOf(p, events.Origin{Topic: events.TopicUploads, Partition: 3, Offset: 7, Key: []byte(p.Upload.ID)})
	path := "/v1/uploads/" + string(p.Upload.ID) + "/history"
	problem(t, b.get(path, tenant("band")), http.StatusNotFound, "not-found")
	require.Equal(t, http.StatusAccepted, b.post("/v1/dead-letters/"+string(p.Upload.ID)+"/reprocess", `{"by":"ada","reason":"mended","options":{"timeout":"1h"}}`).status)
	b.show(p)

	var h resource.UploadHistory
	b.eventually(func() bool {
		h = into[resource.UploadHistory](t, b.get(path), http.StatusOK)
		return len(found(h, resource.HistorySignal)) == 1 && len(found(h, resource.HistoryDecision)) == 1
	}, "the history has the decision and the signal")
	require.Equal(t, p.Upload.ID, h.ID)
	require.Equal(t, orak.Tenant("choir"), h.Tenant)
	require.False(t, h.Truncated)
	require.Len(t, h.Runs, 1)
	require.Equal(t, "running", h.Runs[0].Status)
	require.Equal(t, "http://ui/"+h.WorkflowID+"/"+h.Runs[0].RunID, h.Runs[0].WebUI)
	require.Equal(t, "standard", h.Options.Lane)
	require.Equal(t, "voice", h.Options.Kind)
	require.EqualValues(t, 7*24*3600, h.Options.ParkForSeconds)
	require.EqualValues(t, 7, h.Options.Event.Offset)

	decided := found(h, resource.HistoryDecision)[0]
	require.Equal(t, []string{workflows.SignalReprocess, "ada", "mended"}, []string{decided.Name, decided.By, decided.Reason})
	require.Equal(t, map[string]string{"timeout": "1h"}, decided.Options)
	require.Equal(t, signalShow, found(h, resource.HistorySignal)[0].Name)
	require.Len(t, found(h, resource.HistoryStarted), 1)
	require.Equal(t, "Not audio.", found(h, resource.HistoryParked)[0].Message)
	attempt := found(h, resource.HistoryAttempt)[0]
	require.Equal(t, orak.ClassTransient, attempt.Class)
	require.Equal(t, "failed", attempt.Outcome)
	require.True(t, slices.IsSortedFunc(h.Entries, func(a, b resource.HistoryEntry) int { return a.At.Compare(b.At) }))

	require.NoError(t, b.client.CancelWorkflow(t.Context(), h.WorkflowID, ""))
	b.eventually(func() bool {
		h = into[resource.UploadHistory](t, b.get(path), http.StatusOK)
		ended := found(h, resource.HistoryEnded)
		// Temporal is asked for the run and for its events one after the other.
		return len(ended) == 1 && ended[0].Outcome == h.Runs[0].Status
	}, "the run has ended")
	require.Len(t, found(h, resource.HistoryCancel), 1)
}

func TestHistoryShowsTheAttemptThatRuns(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	p := progress("choir", orak.StatusConverting)
	b.begin(p)
	t.Cleanup(func() { close(b.release) })
	var running []resource.HistoryEntry
	b.eventually(func() bool {
		h := into[resource.UploadHistory](t, b.get("/v1/uploads/"+string(p.Upload.ID)+"/history"), http.StatusOK)
		running = found(h, resource.HistoryAttempt)
		return len(running) == 1 && running[0].Outcome == "running"
	}, "the attempt runs")
	require.Equal(t, "step", running[0].Name)
	require.Equal(t, 1, running[0].Attempt)
	require.NotEmpty(t, running[0].Worker)
	require.Equal(t, workflows.QueuePipeline, running[0].Queue)
	require.Zero(t, running[0].EndedAt)
}

func TestHistoryOfAnUploadThatTemporalForgotIsItsTimeline(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	p := progress("choir", orak.StatusCompleted)
	p.Timeline = []orak.Mark{{At: p.UpdatedAt, Kind: orak.MarkReprocessed, Stage: orak.StageConvert, By: "ada", Reason: "mended"}}
	text, err := json.Marshal(p)
	require.NoError(t, err)
	b.put(orak.OutcomeKey("choir", p.Upload.ID), text, "application/json")
	h := into[resource.UploadHistory](t, b.get("/v1/uploads/"+string(p.Upload.ID)+"/history", tenant("choir")), http.StatusOK)
	require.Empty(t, h.Runs)
	require.Nil(t, h.Options)
	require.Len(t, h.Entries, 1)
	require.Equal(t, "ada", h.Entries[0].By)
	require.Equal(t, orak.StatusCompleted, h.Status)
	problem(t, b.get("/v1/uploads/"+string(freshID())+"/history", tenant("choir")), http.StatusNotFound, "not-found")
	problem(t, b.get("/v1/uploads/"+string(p.Upload.ID)+"/history?x=1", tenant("choir")), http.StatusBadRequest, "invalid-request")
}

func TestHistoryThatIsTooLongLacksItsOldestEntriesAndNotTheAttemptThatRuns(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	p := progress("choir", orak.StatusConverting)
	b.begin(p)
	t.Cleanup(func() { close(b.release) })
	require.NoError(t, b.client.TerminateWorkflow(t.Context(), workflows.UploadWorkflowID(p.Upload.ID), "", "restarted"))
	b.beginOf(p, events.Origin{Topic: events.TopicUploads, Offset: 7})
	for range 5 {
		b.show(p)
	}
	path := "/v1/uploads/" + string(p.Upload.ID) + "/history"
	var h resource.UploadHistory
	b.eventually(func() bool {
		h = into[resource.UploadHistory](t, b.get(path), http.StatusOK)
		attempts := found(h, resource.HistoryAttempt)
		return len(h.Runs) == 2 && len(attempts) == 2 && attempts[1].Outcome == "running" && len(found(h, resource.HistorySignal)) == 5
	}, "both runs are read")
	require.False(t, h.Truncated)
	oldest, newest := h.Runs[0], h.Runs[1]
	require.Equal(t, []string{"terminated", "running"}, []string{oldest.Status, newest.Status})

	// One event fewer than the newest run has. Temporal's pages count batches of events, of
	// which it has far fewer.
	api.BoundHistories(b.Server, int(newest.Events)-1)
	cut := into[resource.UploadHistory](t, b.get(path), http.StatusOK)
	require.True(t, cut.Truncated)
	require.Equal(t, []string{oldest.RunID, newest.RunID}, []string{cut.Runs[0].RunID, cut.Runs[1].RunID}, "the oldest first")
	require.Equal(t, h.Options, cut.Options)
	require.NotEmpty(t, found(cut, resource.HistorySignal), "its last events")
	require.Empty(t, found(cut, resource.HistoryStarted))
	for _, e := range cut.Entries {
		require.Equal(t, newest.RunID, e.RunID)
	}
	running := found(cut, resource.HistoryAttempt)
	require.Len(t, running, 1)
	require.Equal(t, []string{"step", "running"}, []string{running[0].Name, running[0].Outcome})
	require.NotEmpty(t, running[0].Worker)
	require.False(t, running[0].At.IsZero())

	api.BoundHistories(b.Server, 100) // enough for both, whatever the newest run has meanwhile
	part := into[resource.UploadHistory](t, b.get(path), http.StatusOK)
	require.Len(t, found(part, resource.HistoryStarted), 2, "%+v", part.Entries)
}
