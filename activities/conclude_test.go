package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/events"
)

func final(u orak.Upload, s orak.Status, cycle int) orak.Progress {
	p := orak.Progress{Upload: u, Status: s, Cycle: cycle, UpdatedAt: noon}
	if s != orak.StatusCompleted {
		p.Stage, p.Failure = orak.StagePublish, &orak.Failure{Stage: orak.StagePublish, Class: orak.ClassInternal, Message: "No."}
	}
	return p
}

func (s *shelf) outcome(t *testing.T, u orak.Upload) (p orak.Progress) {
	t.Helper()
	require.NoError(t, json.Unmarshal(s.objects[orak.OutcomeKey(u.Tenant, u.ID)], &p))
	return p
}

func TestConcludeKeepsTheFirstOutcomeOfACycle(t *testing.T) {
	t.Parallel()
	ends := []orak.Status{orak.StatusCompleted, orak.StatusDiscarded, orak.StatusExpired, orak.StatusCanceled}
	for _, first := range ends {
		for _, later := range ends {
			a, s, k := stages(t)
			u := accepted()
			require.NoError(t, a.StoreAnalysis(t.Context(), StoreAnalysisInput{Upload: u, Analysis: orak.Analysis{Engine: orak.Engine{Name: "test"}}}))
			for _, status := range []orak.Status{first, later} {
				p, err := a.Conclude(t.Context(), ConcludeInput{Progress: final(u, status, 1)})
				require.NoError(t, err)
				require.Equal(t, first, p.Status)
			}
			require.Equal(t, first, s.outcome(t, u).Status)
			require.Len(t, k.events, 2)
			require.Equal(t, k.events[0], k.events[1], "a repeat, byte for byte")
			require.Equal(t, events.EndID(u.ID, 1), k.events[0].ID)
			l, err := k.events[0].Lifecycle()
			require.NoError(t, err)
			require.Equal(t, first, l.Status)
			require.Equal(t, first == orak.StatusCompleted, l.Analysis != nil)
			require.Equal(t, first == orak.StatusCompleted, l.AnalysisKey != "")
			require.NotEmpty(t, l.PitchKey)
		}
	}
}

// The upload was analyzed again on request.
func TestConcludeStoresOneOutcomePerCycle(t *testing.T) {
	t.Parallel()
	a, s, k := stages(t)
	u := accepted()
	for cycle := range 2 {
		p, err := a.Conclude(t.Context(), ConcludeInput{Progress: final(u, orak.StatusCompleted, cycle)})
		require.NoError(t, err)
		require.Equal(t, cycle, p.Cycle)
	}
	require.Equal(t, 1, s.outcome(t, u).Cycle)
	require.Equal(t, []string{events.EndID(u.ID, 0), events.EndID(u.ID, 1)}, []string{k.events[0].ID, k.events[1].ID})
}

func TestConcludeReplacesADamagedOutcome(t *testing.T) {
	t.Parallel()
	a, s, k := stages(t)
	u := accepted()
	s.objects[orak.OutcomeKey(u.Tenant, u.ID)] = []byte("{")
	_, err := a.Conclude(t.Context(), ConcludeInput{Progress: final(u, orak.StatusCanceled, 0)})
	require.NoError(t, err)
	require.Equal(t, orak.StatusCanceled, s.outcome(t, u).Status)
	require.Len(t, k.events, 1)
}

// overtaken is a store in which another run stores its outcome first.
type overtaken struct {
	*shelf
	by []byte
}

func (o overtaken) PutNew(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error {
	if err := o.Put(ctx, key, bytes.NewReader(o.by), int64(len(o.by)), mediaType); err != nil {
		return err
	}
	return o.shelf.PutNew(ctx, key, body, size, mediaType)
}

func TestConcludeKeepsAnOutcomeStoredMeanwhile(t *testing.T) {
	t.Parallel()
	a, s, k := stages(t)
	u := accepted()
	by, err := json.Marshal(final(u, orak.StatusDiscarded, 0))
	require.NoError(t, err)
	a.deps.Store = overtaken{s, by}
	p, err := a.Conclude(t.Context(), ConcludeInput{Progress: final(u, orak.StatusCanceled, 0)})
	require.NoError(t, err)
	require.Equal(t, orak.StatusDiscarded, p.Status)
	require.Equal(t, events.Discarded, k.events[0].Type)
}

func TestConcludeReturnsOnlyAnotherEndIfBrief(t *testing.T) {
	t.Parallel()
	a, _, _ := stages(t)
	u := accepted()
	p, err := a.Conclude(t.Context(), ConcludeInput{Progress: final(u, orak.StatusCanceled, 0), Brief: true})
	require.NoError(t, err)
	require.Nil(t, p.Progress)
	p, err = a.Conclude(t.Context(), ConcludeInput{Progress: final(u, orak.StatusExpired, 0), Brief: true})
	require.NoError(t, err)
	require.Equal(t, orak.StatusCanceled, p.Status)
}

func TestConcludePublishesTheEventOfAStoredOutcome(t *testing.T) {
	t.Parallel()
	a, s, k := stages(t)
	u := accepted()
	a.deps.Publisher = mute{}
	_, err := a.Conclude(t.Context(), ConcludeInput{Progress: final(u, orak.StatusExpired, 0)})
	require.Error(t, err)
	require.Equal(t, orak.StatusExpired, s.outcome(t, u).Status)
	a.deps.Publisher = k
	later := final(u, orak.StatusExpired, 0)
	later.UpdatedAt = noon.Add(time.Hour)
	p, err := a.Conclude(t.Context(), ConcludeInput{Progress: later})
	require.NoError(t, err)
	require.Equal(t, noon, p.UpdatedAt, "the decided one")
	require.Equal(t, noon, k.events[0].Time)
}

// mute is a Publisher whose Kafka is unavailable.
type mute struct{}

func (mute) PublishEvent(context.Context, string, events.Event) error {
	return errors.New("unavailable")
}

func (mute) PublishDeadLetter(context.Context, events.DeadLetter) error {
	return errors.New("unavailable")
}
