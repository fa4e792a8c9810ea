package activities

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"orak"
	"orak/events"
)

// finish runs both stages of u as activities, and returns their results.
func finish(t *testing.T, a *Activities, u orak.Upload) (converted Converted, analyzed Analyzed) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(a.Convert, activity.RegisterOptions{Name: TypeConvert})
	env.RegisterActivityWithOptions(a.Analyze, activity.RegisterOptions{Name: TypeAnalyze})
	out, err := env.ExecuteActivity(TypeConvert, ConvertInput{Upload: u, Announce: &StageEvent{Cycle: 2}})
	require.NoError(t, err)
	require.NoError(t, out.Get(&converted))
	out, err = env.ExecuteActivity(TypeAnalyze, AnalyzeInput{Upload: u, Audio: converted.Audio, Announce: &StageEvent{Cycle: 2}})
	require.NoError(t, err)
	require.NoError(t, out.Get(&analyzed))
	return converted, analyzed
}

func TestStagesPublishTheirEventsAndStoreTheAnalysis(t *testing.T) {
	t.Parallel()
	a, s, k := stages(t)
	u := accepted()
	converted, analyzed := finish(t, a, u)
	require.Equal(t, Converted{Audio: orak.Audio{Codec: "pcm"}, Announced: true}, converted)
	require.Equal(t, Analyzed{Announced: true}, analyzed, "the analysis is stored, not returned")
	var stored orak.Analysis
	require.NoError(t, json.Unmarshal(s.objects[orak.AnalysisKey(u.Tenant, u.ID)], &stored))
	require.Equal(t, "pcm", stored.Audio.Codec)

	require.Len(t, k.events, 2)
	for i, want := range []struct {
		stage orak.Stage
		typ   events.Type
	}{{orak.StageConvert, events.Converted}, {orak.StageAnalyze, events.Analyzed}} {
		require.Equal(t, want.typ, k.events[i].Type)
		l, err := k.events[i].Lifecycle()
		require.NoError(t, err)
		require.Equal(t, want.stage.Running(), l.Status)
		require.Equal(t, 2, l.Cycle)
		require.NotEmpty(t, l.AudioKey)
		require.Equal(t, want.stage == orak.StageAnalyze, l.PitchKey != "")
		require.Contains(t, k.events[i].ID, "/"+string(want.typ)+"/2")
	}
}

// A conversion or an analysis is never repeated for its event.
func TestStageIsDoneWithoutItsEvent(t *testing.T) {
	t.Parallel()
	a, s, _ := stages(t)
	a.deps.Publisher = mute{}
	u := accepted()
	converted, analyzed := finish(t, a, u)
	require.Equal(t, "pcm", converted.Codec)
	require.False(t, converted.Announced)
	require.Equal(t, Analyzed{}, analyzed)
	require.Contains(t, s.objects, orak.AnalysisKey(u.Tenant, u.ID))
}

// patient notes how long it is given to publish an event.
type patient struct {
	mute
	given *time.Duration
}

func (p patient) PublishEvent(ctx context.Context, _ string, _ events.Event) error {
	if deadline, ok := ctx.Deadline(); ok {
		*p.given = time.Until(deadline)
	}
	return errors.New("unavailable")
}

func TestStageKeepsItsSlotForItsEventOnlyBriefly(t *testing.T) {
	t.Parallel()
	a, _, _ := stages(t)
	var given time.Duration
	a.deps.Publisher = patient{given: &given}
	finish(t, a, accepted())
	require.Positive(t, given)
	require.LessOrEqual(t, given, announceWithin)
}
