package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/internal/config"
	"orak/workflows"
)

// restarted is an upload that was parked in a stage when its workflow was lost: the
// results of its stages are lost with it.
func restarted(stage orak.Stage) workflows.ProcessUploadInput {
	in := input()
	in.Restarts = 1
	in.Resume = &workflows.Resume{ParkedAt: noon, Progress: orak.Progress{
		Upload: in.Upload, Status: orak.StatusDeadLettered, Stage: stage, Restarts: 1,
		Failure: &orak.Failure{Stage: stage, Class: orak.ClassModel, Message: "No.", FirstAt: noon, LastAt: noon},
	}}
	return in
}

func TestReprocessOfARestartedUploadBeginsWithAnyStage(t *testing.T) {
	t.Parallel()
	for _, stage := range orak.Stages() {
		for _, from := range []orak.Stage{"", orak.StageConvert, orak.StageAnalyze, orak.StagePublish} {
			t.Run(fmt.Sprintf("parked in %s, from %q", stage, from), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				refused := ""
				switch {
				case stage == orak.StageConvert && from == orak.StageAnalyze:
					refused = "begin with convert"
				case stage != orak.StagePublish && from == orak.StagePublish:
					refused = "needs an analysis"
				}
				w.after(time.Minute, func() {
					w.update(workflows.SignalReprocess, workflows.Reprocess{From: from, By: "ada", Options: map[string]string{
						workflows.OptionTimeout: "2h", workflows.OptionMaxDuration: "12h", // of a stage that is run again, too
					}}, refused)
				})
				if refused != "" {
					w.after(2*time.Minute, func() { w.SignalWorkflow(workflows.SignalReprocess, nil) })
				}
				w.ExecuteWorkflow(workflows.TypeProcessUpload, restarted(stage))
				require.NoError(t, w.GetWorkflowError())
				require.Equal(t, orak.StatusCompleted, w.status().Status)
				require.Equal(t, []string{"reprocessed", "converted", "analyzed", "completed"}, w.eventTypes())
				require.Equal(t, orak.StageConvert, w.events[0].Lifecycle.Stage, "missing results are made again")
				require.Equal(t, events.EndID(w.status().Upload.ID, 1), w.events[3].ID)
			})
		}
	}
}

// shown returns the statuses of the memo, in order.
func (w *world) shown() *[]orak.Status {
	var all []orak.Status
	w.OnUpsertMemo(mock.Anything).Run(func(args mock.Arguments) {
		all = append(all, args.Get(0).(map[string]any)[workflows.MemoProgress].(orak.Progress).Status)
	}).Return(nil)
	return &all
}

// slow makes an activity fail in its first attempts, as an outage does.
func slow(name string, n int, inner func(string, int) error) func(string, int) error {
	return func(activityType string, attempt int) error {
		if activityType == name && attempt <= n {
			return &orak.Fault{Class: orak.ClassDependency}
		}
		return inner(activityType, attempt)
	}
}

// However a discard and a cancellation interleave, and whatever is unavailable
// meanwhile, the upload has one end, and shows it once the outcome and the event are
// durable.
func TestDiscardAndCancellationMakeOneEnd(t *testing.T) {
	t.Parallel()
	discard := func(w *world) {
		w.SignalWorkflow(workflows.SignalDiscard, workflows.Discard{By: "ada", Reason: "spam"})
	}
	update := func(w *world) {
		w.update(workflows.SignalDiscard, workflows.Discard{By: "ada", Reason: "spam"}, "")
	}
	cancel := func(w *world) { w.CancelWorkflow() }
	for _, down := range []string{"", activities.TypeDeadLetter, activities.TypeAnnounce, activities.TypeConclude, activities.TypeRaiseAlert} {
		for name, c := range map[string]struct {
			do   []func(*world)
			want orak.Status
		}{
			"discard":                     {[]func(*world){discard}, orak.StatusDiscarded},
			"discard, then cancel":        {[]func(*world){discard, cancel}, orak.StatusDiscarded},
			"discard update, then cancel": {[]func(*world){update, cancel}, orak.StatusDiscarded},
			"cancel":                      {[]func(*world){cancel}, orak.StatusCanceled},
			"cancel, then discard":        {[]func(*world){cancel, discard}, orak.StatusCanceled},
		} {
			t.Run(name+" while "+down+" fails", func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.fail = slow(down, 6, failing(activities.TypeConvert, 99, orak.ClassInput))
				shown := w.shown()
				for i, do := range c.do {
					w.after(time.Duration(i+3)*time.Second, func() {
						require.False(t, w.status().Status.Final(), "only a durable end is shown")
						do(w)
					})
				}
				p, err := w.process()
				require.Equal(t, c.want == orak.StatusCanceled, temporal.IsCanceledError(err), err)
				require.Equal(t, c.want, p.Status)
				require.Equal(t, []string{"dead_lettered", string(c.want)}, w.eventTypes())
				require.Equal(t, events.EndID(p.Upload.ID, 0), w.events[1].ID)
				require.Len(t, w.letters, 1)
				require.Len(t, w.outcomes, 1)
				require.Equal(t, c.want, w.outcomes[0].Status)
				require.Equal(t, []orak.Status{orak.StatusConverting, orak.StatusDeadLettered, c.want}, *shown)
				require.Len(t, w.unparked, 1)
				if c.want == orak.StatusDiscarded {
					require.Equal(t, "spam", w.events[1].Lifecycle.Reason)
				}
			})
		}
	}
}

// A cancellation while the results are published is too late: the analysis is stored
// and announced.
func TestCompletionIsNotCanceledOnceItBegan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = slow(activities.TypeConclude, 5, func(string, int) error { return nil })
	w.after(3*time.Second, func() {
		require.Equal(t, orak.StatusPublishing, w.status().Status)
		w.CancelWorkflow()
	})
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, []string{"converted", "analyzed", "completed"}, w.eventTypes())
}

// An event that is being published arrives before the last event.
func TestCancellationWaitsForEarlierEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = withoutKafka(5)
	w.after(3*time.Second, w.CancelWorkflow)
	p, err := w.process()
	require.True(t, temporal.IsCanceledError(err))
	require.Equal(t, orak.StatusCanceled, p.Status)
	require.Equal(t, []string{"converted", "canceled"}, w.eventTypes())
	require.Zero(t, w.runs[activities.TypeAnalyze])
}

// The previous run was interrupted while it ended the upload.
func TestInterruptedEndIsFinished(t *testing.T) {
	t.Parallel()
	failure := &orak.Failure{Stage: orak.StageAnalyze, Class: orak.ClassModel, Message: "No."}
	for _, status := range []orak.Status{orak.StatusCompleted, orak.StatusDiscarded, orak.StatusExpired, orak.StatusCanceled} {
		w := newWorld(t)
		in := input()
		in.End = &orak.Progress{Upload: in.Upload, Status: status, Cycle: 2, UpdatedAt: noon.Add(-time.Hour)}
		if status != orak.StatusCompleted {
			in.End.Stage, in.End.Failure = orak.StageAnalyze, failure
		}
		shown := w.shown()
		w.ExecuteWorkflow(workflows.TypeProcessUpload, in)
		require.Equal(t, status == orak.StatusExpired || status == orak.StatusCanceled, w.GetWorkflowError() != nil)
		require.Equal(t, []string{string(status)}, w.eventTypes())
		require.Equal(t, events.EndID(in.Upload.ID, 2), w.events[0].ID)
		require.Equal(t, []orak.Progress{*in.End}, w.outcomes, "the decided one")
		require.Equal(t, []orak.Status{status}, *shown)
		require.Zero(t, w.runs[activities.TypeConvert])
	}
}

// The first outcome of a cycle is final: the run takes it over.
func TestEndOfAnotherRunStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	there := orak.Progress{Upload: input().Upload, Status: orak.StatusCompleted, UpdatedAt: noon}
	w.OnActivity(activities.TypeConclude, mock.Anything, mock.Anything).Return(activities.Concluded{Progress: &there}, nil)
	w.fail = failing(activities.TypeConvert, 1000, orak.ClassDependency)
	w.after(time.Minute, w.CancelWorkflow)
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
}

// Temporal does not pass a cancellation to the next run.
func TestCancellationSurvivesContinueAsNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = slow(activities.TypeAnnounce, 5, failing(activities.TypeConvert, 1, orak.ClassInput))
	w.after(3*time.Second, func() {
		w.CancelWorkflow() // the dead letter is being announced
		w.SetContinueAsNewSuggested(true)
	})
	_, err := w.process()
	require.True(t, temporal.IsCanceledError(err), err)
	require.Equal(t, []string{"dead_lettered", "canceled"}, w.eventTypes())
}

// The first cycle of a restart or a replay is not a reprocessing.
func TestCycleCountContinuesAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := input()
	in.Cycle, in.Restarts = 2, workflows.MaxRestarts+1
	w.after(time.Hour, func() {
		require.Equal(t, orak.StatusDeadLettered, w.status().Status, "it is stuck")
		w.SignalWorkflow(workflows.SignalReprocess, nil)
	})
	w.ExecuteWorkflow(workflows.TypeProcessUpload, in)
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, 3, w.status().Cycle)
	require.Equal(t, events.EndID(in.Upload.ID, 3), w.events[len(w.events)-1].ID)
}

// An older build must not go on with what it does not know, or the newer one could not
// replay what it did.
func TestRunOfALaterLayoutIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, workflows.NewOfLaterLayout(config.MustDefaults[workflows.Settings]()))
	w.ExecuteWorkflow(workflows.TypeProcessUpload, input())
	err := w.GetWorkflowError()
	var panicked *temporal.PanicError
	require.ErrorAs(t, err, &panicked, "it fails the workflow task")
	require.ErrorContains(t, err, "layout 2 of a newer build")
	require.Empty(t, w.events)
}

// A run from before changeDurable has one end, too.
func TestRunOfTheEarlierVersionHasOneEnd(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, workflows.NewOfEarlierLayout(config.MustDefaults[workflows.Settings]()))
	w.OnGetVersion("durable", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	w.fail = slow(activities.TypeDeadLetter, 6, failing(activities.TypeConvert, 99, orak.ClassInput))
	w.after(3*time.Second, func() { w.SignalWorkflow(workflows.SignalDiscard, workflows.Discard{By: "ada"}) })
	w.after(4*time.Second, w.CancelWorkflow)
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusDiscarded, p.Status)
	require.Equal(t, []string{"dead_lettered", "discarded"}, w.eventTypes())
	require.Len(t, w.outcomes, 1)
	require.Zero(t, w.runs[activities.TypeConclude])
}

// A discard is answered once it is durable, and nobody can decide otherwise
// meanwhile.
func TestDiscardUpdateReturnsOnceTheEndIsDurable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = slow(activities.TypeConclude, 5, failing(activities.TypeConvert, 99, orak.ClassInput))
	var answer orak.Progress
	asked := &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) { require.NoError(t, err) },
		OnComplete: func(result any, err error) {
			require.NoError(t, err)
			answer = result.(orak.Progress)
		},
	}
	w.after(time.Minute, func() { w.UpdateWorkflow(workflows.SignalDiscard, "", asked, workflows.Discard{By: "ada"}) })
	w.after(time.Minute+3*time.Second, func() {
		require.Empty(t, answer.Status)
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "bob"}, "about to be discarded")
		w.update(workflows.SignalDiscard, workflows.Discard{By: "bob"}, "about to be discarded")
		w.SignalWorkflow(workflows.SignalReprocess, nil)
	})
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusDiscarded, p.Status)
	require.Equal(t, orak.StatusDiscarded, answer.Status)
	require.Equal(t, []string{"dead_lettered", "discarded"}, w.eventTypes())
}
