package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/internal/config"
	"orak/workflows"
)

const day = 24 * time.Hour

func TestUploadAboutToExpireRaisesAnAlert(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 99, orak.ClassInput)
	w.after(6*day-time.Minute, func() { require.Len(t, w.alerts, 1) })
	w.after(6*day+time.Minute, func() {
		require.Len(t, w.alerts, 2)
		require.Equal(t, orak.StatusDeadLettered, w.status().Status)
	})
	p, err := w.process()
	require.Error(t, err)
	require.Equal(t, orak.StatusExpired, p.Status)
	require.Equal(t, noon.Add(7*day), p.UpdatedAt)
	require.Len(t, w.alerts, 2)
	dead, late := w.alerts[0], w.alerts[1]
	require.Equal(t, messages.AlertExpiring, late.Kind)
	require.NotEqual(t, dead.ID, late.ID)
	require.Equal(t, noon.Add(6*day), late.At)
	require.Equal(t, noon.Add(7*day), late.ExpiresAt)
	late.Kind, late.ID, late.At, late.ExpiresAt = dead.Kind, dead.ID, dead.At, dead.ExpiresAt
	require.Equal(t, dead, late)
}

func TestExpiryWarningCanBeDisabled(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*workflows.Settings){
		"not wanted":      func(s *workflows.Settings) { s.ExpiryWarning = 0 },
		"no time for one": func(s *workflows.Settings) { s.ParkFor = s.ExpiryWarning },
		"a short time":    func(s *workflows.Settings) { s.ParkFor = time.Hour },
	} {
		s := config.MustDefaults[workflows.Settings]()
		set(&s)
		require.NoError(t, s.Validate())
		w := newWorldOf(t, s)
		w.fail = failing(activities.TypeConvert, 99, orak.ClassInput)
		p, err := w.process()
		require.Error(t, err)
		require.Equal(t, orak.StatusExpired, p.Status, name)
		require.Len(t, w.alerts, 1, name)
	}
	s := config.MustDefaults[workflows.Settings]()
	s.ExpiryWarning = -time.Second
	require.Error(t, s.Validate())
}

func TestExpiryWarningIsRaisedForEachParking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 2, orak.ClassInput)
	w.after(6*day+time.Hour, func() { w.SignalWorkflow(workflows.SignalReprocess, nil) })
	w.after(12*day+2*time.Hour, func() { w.SignalWorkflow(workflows.SignalReprocess, nil) })
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, 2, p.Cycle)
	ids := map[string]bool{}
	for _, a := range w.alerts {
		ids[a.ID] = true
	}
	require.Len(t, ids, 4)
}

func TestContinuedRunDoesNotWarnAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 99, orak.ClassInput)
	w.after(6*day+time.Hour, func() {
		w.SetContinueAsNewSuggested(true)
		w.SignalWorkflow(workflows.SignalReprocess, workflows.Reprocess{From: "polish"})
	})
	w.ExecuteWorkflow(workflows.TypeProcessUpload, input())
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.GetWorkflowError(), &again)
	require.Len(t, w.alerts, 2)

	next := newWorld(t)
	next.SetStartTime(noon.Add(6*day + time.Hour))
	next.ExecuteWorkflow(workflows.TypeProcessUpload, resumed(t, again))
	require.Error(t, next.GetWorkflowError())
	require.Equal(t, noon.Add(7*day), next.status().UpdatedAt)
	require.Empty(t, next.alerts)
}

func TestDigestIsSignaledWhenAnUploadIsUnparked(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world){
		"reprocessed": func(w *world) { w.SignalWorkflow(workflows.SignalReprocess, nil) },
		"discarded":   func(w *world) { w.SignalWorkflow(workflows.SignalDiscard, nil) },
		"canceled":    func(w *world) { w.CancelWorkflow() },
		"expired":     func(*world) {},
		"reprocessed, and canceled at once": func(w *world) {
			w.SignalWorkflow(workflows.SignalReprocess, nil)
			w.CancelWorkflow()
		},
	} {
		for _, deaf := range []error{nil, errors.New("no such workflow")} {
			w := newWorld(t)
			w.deaf = deaf
			w.fail = failing(activities.TypeAnalyze, 1, orak.ClassInput)
			w.after(time.Hour, func() {
				require.Empty(t, w.unparked)
				end(w)
			})
			p, err := w.process()
			require.Equal(t, []string{"alerts-analyze-input"}, w.unparked, name)
			var app *temporal.ApplicationError
			switch p.Status {
			case orak.StatusCompleted, orak.StatusDiscarded:
				require.NoError(t, err, name)
			case orak.StatusExpired:
				require.ErrorAs(t, err, &app, name)
				require.Equal(t, string(orak.ClassInput), app.Type(), name)
			default:
				require.Equal(t, orak.StatusCanceled, p.Status, name)
				require.True(t, temporal.IsCanceledError(err), name)
			}
		}
	}
}

func TestNoDigestIsSignaledForAnUploadThatWasNotParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 1000, orak.ClassDependency)
	w.after(time.Minute, w.CancelWorkflow)
	_, err := w.process()
	require.True(t, temporal.IsCanceledError(err))
	require.Empty(t, w.unparked)
}
