package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/workflows"
)

func TestReprocessFinishesAParkedUpload(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*world){
		"signal": func(w *world) {
			w.SignalWorkflow(workflows.SignalReprocess, workflows.Reprocess{By: "ada", Reason: "fixed"})
		},
		"signal without input": func(w *world) { w.SignalWorkflow(workflows.SignalReprocess, nil) },
		"update": func(w *world) {
			w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada", Reason: "fixed"}, "")
		},
	} {
		w := newWorld(t)
		w.fail = failing(activities.TypeAnalyze, 1, orak.ClassInput)
		w.after(time.Hour, func() { send(w) })
		p, err := w.process()
		require.NoError(t, err, name)
		require.Equal(t, orak.StatusCompleted, p.Status, name)
		require.Equal(t, 1, p.Cycle, name)
		require.Equal(t, 1, w.runs[activities.TypeConvert], "finished stages do not run again")
		require.Equal(t, []string{"converted", "dead_lettered", "reprocessed", "analyzed", "completed"}, w.eventTypes(), name)
		re := w.events[2].Lifecycle
		require.Equal(t, orak.StageAnalyze, re.Stage)
		require.Equal(t, 1, re.Cycle)
		if name == "signal without input" {
			require.Equal(t, "signal", re.By)
		} else {
			require.Equal(t, "ada", re.By)
			require.Equal(t, "fixed", re.Reason)
		}
	}
}

func TestReprocessBeginsWithTheRequestedStage(t *testing.T) {
	t.Parallel()
	for from, again := range map[orak.Stage]map[string]int{
		orak.StageConvert: {activities.TypeConvert: 2, activities.TypeAnalyze: 2},
		orak.StageAnalyze: {activities.TypeConvert: 1, activities.TypeAnalyze: 2},
		orak.StagePublish: {activities.TypeConvert: 1, activities.TypeAnalyze: 1},
	} {
		w := newWorld(t)
		w.earlierWorkers = true // that leave it to the workflow to store the analysis
		w.fail = failing(activities.TypeStoreAnalysis, 1, orak.ClassInternal)
		w.after(time.Hour, func() {
			w.update(workflows.SignalReprocess, workflows.Reprocess{From: from, By: "ada"}, "")
		})
		p, err := w.process()
		require.NoError(t, err)
		require.Equal(t, orak.StatusCompleted, p.Status)
		for name, n := range again {
			require.Equal(t, n, w.runs[name], "%s from %s", name, from)
		}
	}
}

func TestUpdatesRefuseInvalidCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 1, orak.ClassInput)
	w.after(0, func() {
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada"}, "already running")
		w.update(workflows.SignalDiscard, workflows.Discard{By: "ada"}, "already running")
	})
	w.after(time.Hour, func() {
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada", From: "polish"}, `unknown stage "polish"`)
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada", From: orak.StageReceive}, "unknown stage")
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada", From: orak.StageAnalyze}, "begin with convert")
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada", From: orak.StagePublish}, "needs an analysis")
		w.update(workflows.SignalReprocess, workflows.Reprocess{}, "by: missing")
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: strings.Repeat("x", 101)}, "by: 101 bytes")
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada", Reason: strings.Repeat("x", 501)}, "reason: 501 bytes")
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada", Options: map[string]string{"a": "b"}}, "options")
		w.update(workflows.SignalDiscard, workflows.Discard{}, "by: missing")
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada"}, "")
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "bob"}, "already running")
	})
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, 1, p.Cycle)
}

func TestInvalidSignalsAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 4, orak.ClassTransient)
	w.after(500*time.Millisecond, func() { w.SignalWorkflow(workflows.SignalReprocess, nil) }) // it runs
	w.after(time.Hour, func() {
		require.Equal(t, orak.StatusDeadLettered, w.status().Status, "an early signal is dropped")
		w.SignalWorkflow(workflows.SignalReprocess, workflows.Reprocess{From: "polish"})
		w.SignalWorkflow(workflows.SignalReprocess, "not an object")
		w.SignalWorkflow(workflows.SignalDiscard, []int{1})
	})
	w.after(2*time.Hour, func() {
		require.Equal(t, orak.StatusDeadLettered, w.status().Status)
		w.SignalWorkflow(workflows.SignalReprocess, nil)
	})
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, 1, p.Cycle)
}

func TestDiscardClosesAParkedUpload(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*world){
		"signal": func(w *world) {
			w.SignalWorkflow(workflows.SignalDiscard, workflows.Discard{By: "ada", Reason: "spam"})
		},
		"update": func(w *world) {
			w.update(workflows.SignalDiscard, workflows.Discard{By: "ada", Reason: "spam"}, "")
		},
	} {
		w := newWorld(t)
		w.fail = failing(activities.TypeConvert, 9, orak.ClassInput)
		w.after(time.Hour, func() { send(w) })
		p, err := w.process()
		require.NoError(t, err, name)
		require.Equal(t, orak.StatusDiscarded, p.Status)
		require.Equal(t, orak.ClassInput, p.Failure.Class)
		require.Equal(t, []string{"dead_lettered", "discarded"}, w.eventTypes())
		require.Equal(t, "spam", w.events[1].Lifecycle.Reason)
		require.Equal(t, orak.StatusDiscarded, w.outcomes[0].Status)
	}
}

func TestReprocessedUploadParksAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 2, orak.ClassInput)
	for h := 1; h <= 2; h++ {
		w.after(time.Duration(h)*time.Hour, func() { w.SignalWorkflow(workflows.SignalReprocess, nil) })
	}
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, 2, p.Cycle)
	require.Len(t, w.letters, 2)
	require.Equal(t, 1, w.letters[1].Cycle)
	seen := map[string]bool{}
	for _, e := range w.events {
		require.False(t, seen[e.ID], e.ID)
		seen[e.ID] = true
	}
}

// A command is accepted as soon as the upload is shown as parked, and carried out
// after the dead letter was announced.
func TestCommandWaitsForTheDeadLetterToBeAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inner := failing(activities.TypeConvert, 1, orak.ClassInput)
	w.fail = func(name string, n int) error {
		if name == activities.TypeDeadLetter && n <= 9 {
			return &orak.Fault{Class: orak.ClassDependency}
		}
		return inner(name, n)
	}
	w.after(time.Minute, func() {
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada"}, "")
	})
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Len(t, w.letters, 1)
	require.Equal(t, []string{"dead_lettered", "reprocessed", "converted", "analyzed", "completed"}, w.eventTypes())
}

func TestParkedUploadContinuesAsNewAtALongHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeAnalyze, 1, orak.ClassInput)
	w.after(time.Hour, func() {
		w.SetContinueAsNewSuggested(true)
		w.SignalWorkflow(workflows.SignalReprocess, workflows.Reprocess{From: "polish"})
	})
	w.ExecuteWorkflow(workflows.TypeProcessUpload, input())
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.GetWorkflowError(), &again)

	// The next run, with the state of the last one.
	next := newWorld(t)
	in := resumed(t, again)
	require.Equal(t, orak.StatusDeadLettered, in.Resume.Progress.Status)
	require.NotNil(t, in.Resume.Audio)
	next.SetStartTime(noon.Add(time.Hour))
	next.after(time.Hour, func() { next.SignalWorkflow(workflows.SignalReprocess, nil) })
	next.ExecuteWorkflow(workflows.TypeProcessUpload, in)
	require.NoError(t, next.GetWorkflowError())
	require.Zero(t, next.runs[activities.TypeConvert])
	require.Equal(t, []string{"reprocessed", "analyzed", "completed"}, next.eventTypes())
}

func TestContinuedRunKeepsItsExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := input()
	in.Resume = &workflows.Resume{ParkedAt: noon.Add(-7*24*time.Hour + time.Hour), Progress: orak.Progress{
		Upload: in.Upload, Status: orak.StatusDeadLettered, Stage: orak.StageConvert,
		Failure: &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassModel, Message: "No."},
	}}
	w.ExecuteWorkflow(workflows.TypeProcessUpload, in)
	var app *temporal.ApplicationError
	require.ErrorAs(t, w.GetWorkflowError(), &app)
	require.Equal(t, noon.Add(time.Hour), w.outcomes[0].UpdatedAt)
	require.Equal(t, events.Expired, w.events[0].Type)
}
