package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/activities"
	"orak/workflows"
)

func TestReprocessOptionsHoldForOneCycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = func(name string, n int) error {
		if name == activities.TypeAnalyze && n <= 2 {
			return &orak.Fault{Class: orak.ClassInput, Message: "No."}
		}
		return nil
	}
	w.after(time.Hour, func() {
		w.update(workflows.SignalReprocess, workflows.Reprocess{From: orak.StageConvert, By: "ada", Options: map[string]string{
			workflows.OptionTimeout: "90m", workflows.OptionMaxDuration: "24h", workflows.OptionEngine: "builtin",
		}}, "")
	})
	w.after(2*time.Hour, func() {
		w.update(workflows.SignalReprocess, workflows.Reprocess{From: orak.StageConvert, By: "ada"}, "")
	})
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	var limits []orak.Limits
	for _, in := range w.converts {
		limits = append(limits, in.Limits)
	}
	require.Equal(t, []orak.Limits{{}, {Timeout: 90 * time.Minute, MaxDuration: 24 * time.Hour}, {}}, limits)
	var engines []string
	for _, in := range w.analyzes {
		engines = append(engines, in.Engine)
	}
	require.Equal(t, []string{"", "builtin", ""}, engines)
}

func TestReprocessRefusesInvalidOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeStoreAnalysis, 1, orak.ClassInternal)
	ask := func(from orak.Stage, name, value, refused string) {
		w.update(workflows.SignalReprocess, workflows.Reprocess{From: from, By: "ada", Options: map[string]string{name: value}}, refused)
	}
	w.after(time.Hour, func() {
		ask(orak.StageConvert, "speed", "11", `unknown option "speed", want timeout, max_duration or engine`)
		ask(orak.StageConvert, workflows.OptionTimeout, "", "timeout: want a duration from 1s to 24h")
		ask(orak.StageConvert, workflows.OptionTimeout, "soon", "timeout: want a duration")
		ask(orak.StageConvert, workflows.OptionTimeout, "-1h", "timeout: want a duration")
		ask(orak.StageConvert, workflows.OptionTimeout, "999ms", "timeout: want a duration")
		ask(orak.StageConvert, workflows.OptionTimeout, "24h1s", "timeout: want a duration")
		ask(orak.StageConvert, workflows.OptionMaxDuration, "25h", "max_duration: want a duration")
		ask(orak.StageConvert, workflows.OptionEngine, "whisper", `engine: unknown engine "whisper", want one of builtin, http, oip`)
		ask(orak.StageAnalyze, workflows.OptionMaxDuration, "3h", "max_duration is for convert, and this run begins after it, with analyze")
		ask(orak.StagePublish, workflows.OptionTimeout, "3h", "timeout is for analyze, and this run begins after it, with publish")
		ask("", workflows.OptionEngine, "builtin", "begins after it, with publish") // the stage that failed

		w.SignalWorkflow(workflows.SignalReprocess, workflows.Reprocess{Options: map[string]string{"speed": "11"}})
	})
	w.after(2*time.Hour, func() {
		require.Equal(t, orak.StatusDeadLettered, w.status().Status, "the signal was dropped")
		ask(orak.StageAnalyze, workflows.OptionTimeout, "1s", "")
	})
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
}
