package rebuild_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/events"
	"orak/sinks/index"
	"orak/sinks/index/indextest"
	"orak/sinks/index/rebuild"
	"orak/sinks/index/sqlite"
)

const tenant orak.Tenant = "acme"

// objects are those in a store, by their keys.
type objects map[string]any

// Keys implements rebuild.Objects.
func (o objects) Keys(_ context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(o)) {
			if strings.HasPrefix(key, prefix) && key > after && !yield(key, nil) {
				return
			}
		}
	}
}

func find[T any](o objects, key string) (*T, error) {
	if v, ok := o[key].(T); ok {
		return &v, nil
	}
	return nil, nil
}

// Recording implements rebuild.Objects.
func (o objects) Recording(_ context.Context, t orak.Tenant, id orak.UploadID) (*orak.Upload, error) {
	return find[orak.Upload](o, orak.OriginalKey(t, id))
}

// Outcome implements rebuild.Objects.
func (o objects) Outcome(_ context.Context, t orak.Tenant, id orak.UploadID) (*orak.Progress, error) {
	return find[orak.Progress](o, orak.OutcomeKey(t, id))
}

// Analysis implements rebuild.Objects.
func (o objects) Analysis(_ context.Context, t orak.Tenant, id orak.UploadID) (*orak.Analysis, error) {
	return find[orak.Analysis](o, orak.AnalysisKey(t, id))
}

// Tombstone implements rebuild.Objects.
func (o objects) Tombstone(_ context.Context, t orak.Tenant, id orak.UploadID) (*orak.Tombstone, error) {
	return find[orak.Tombstone](o, orak.ErasedKey(t, id))
}

// history is what happened to uploads: as the store has it, and as the topic's rows.
func history(t *testing.T, n int) (objects, []index.Upload) {
	t.Helper()
	stored, rows := objects{"uploads/odd": 1, "uploads/acme/not-an-id/original": 1, "erased/acme/x": 1}, []index.Upload{}
	lifecycle := func(id string, kind events.Type, at time.Time, l events.Lifecycle) {
		e, err := events.NewLifecycle(id, kind, at, l)
		require.NoError(t, err)
		u, _, err := index.FromLifecycle(e)
		require.NoError(t, err)
		rows = append(rows, u)
	}
	for i := range n {
		u := indextest.Recording(tenant, i)
		p := orak.Progress{Upload: u, Status: orak.StatusCompleted, Cycle: i % 3, UpdatedAt: u.ReceivedAt.Add(time.Hour)}
		rows = append(rows, index.Queued(u))
		stored[orak.OriginalKey(tenant, u.ID)] = u
		switch i % 5 {
		case 0: // not ended
			continue
		case 1:
			p.Status, p.Stage = orak.StatusDiscarded, orak.StageAnalyze
			p.Failure = &orak.Failure{Stage: orak.StageAnalyze, Class: orak.ClassModel, Message: "It failed.", Attempts: 3}
			p.Timeline = []orak.Mark{{Kind: orak.MarkDiscarded, By: "ada"}}
		case 2:
			p.Status = orak.StatusCanceled
		case 3: // erased
			stone := orak.Tombstone{ID: u.ID, RequestedAt: u.ReceivedAt, ErasedAt: u.ReceivedAt.Add(2 * time.Hour)}
			delete(stored, orak.OriginalKey(tenant, u.ID))
			stored[orak.ErasedKey(tenant, u.ID)] = stone
			lifecycle("e", events.Erased, stone.ErasedAt, events.Lifecycle{Upload: orak.BareUpload(tenant, u.ID), Status: orak.StatusErased})
			continue
		}
		id, kind, l, err := events.End(p)
		require.NoError(t, err)
		if p.Status == orak.StatusCompleted {
			l.Analysis = &orak.Analysis{Audio: orak.Audio{DurationS: float64(i)}, Embedding: orak.Embedding{Name: "mfcc", Version: "1", Values: []float32{1, float32(i)}}}
			stored[orak.AnalysisKey(tenant, u.ID)] = *l.Analysis
		}
		stored[orak.OutcomeKey(tenant, u.ID)] = p
		lifecycle(id, kind, p.UpdatedAt, l)
	}
	return stored, rows
}

func open(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Config{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func ignore(int64)        {}
func ignoreOf(_, _ int64) {}
func ids(n int) []orak.UploadID {
	list := make([]orak.UploadID, n)
	for i := range list {
		list[i] = indextest.ID(i)
	}
	return list
}

// requireSame requires that both indexes have the same rows.
func requireSame(t *testing.T, n int, want, got index.Store) {
	t.Helper()
	for _, id := range ids(n) {
		a, aErr := want.Get(t.Context(), tenant, id)
		b, bErr := got.Get(t.Context(), tenant, id)
		require.Equal(t, aErr, bErr, id)
		require.Equal(t, a, b)
	}
}

func TestRebuiltRowsAreThoseOfTheTopic(t *testing.T) {
	t.Parallel()
	const n = 1300
	stored, rows := history(t, n)
	fromTopic, fromStore := open(t), open(t)
	_, _, err := fromTopic.Apply(t.Context(), indextest.BatchOf(0, rows...))
	require.NoError(t, err)
	var found, done, total int64
	result, err := rebuild.Run(t.Context(), stored, fromStore, func(f int64) { found = f }, func(d, of int64) { done, total = d, of })
	require.NoError(t, err)
	require.EqualValues(t, n, result.Examined)
	require.EqualValues(t, n, result.Written)
	require.Equal(t, []int64{n, n, n}, []int64{found, done, total})
	require.False(t, result.Resumed)
	requireSame(t, n, fromTopic, fromStore)

	// What the topic says first or afterwards is the same.
	_, _, err = fromStore.Apply(t.Context(), indextest.BatchOf(0, rows...))
	require.NoError(t, err)
	requireSame(t, n, fromTopic, fromStore)
	_, err = rebuild.Run(t.Context(), stored, fromTopic, ignore, ignoreOf)
	require.NoError(t, err)
	requireSame(t, n, fromTopic, fromStore)
}

func TestInterruptedRebuildGoesOn(t *testing.T) {
	t.Parallel()
	const n = 2600
	stored, rows := history(t, n)
	fromTopic, fromStore := open(t), open(t)
	_, _, err := fromTopic.Apply(t.Context(), indextest.BatchOf(0, rows...))
	require.NoError(t, err)
	var examined int64
	for range 20 {
		ctx, interrupt := context.WithCancel(t.Context())
		result, err := rebuild.Run(ctx, stored, fromStore, ignore, func(int64, int64) { interrupt() })
		interrupt()
		examined += result.Examined
		if err == nil {
			break
		}
		require.ErrorIs(t, err, context.Canceled)
	}
	require.EqualValues(t, n, examined, "each upload was read once")
	cursor, err := fromStore.RestoreCursor(t.Context())
	require.NoError(t, err)
	require.Empty(t, cursor)
	requireSame(t, n, fromTopic, fromStore)
}
