package outbox_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

func (b *bundle) walk(after string) []outbox.Found {
	b.t.Helper()
	var all []outbox.Found
	for f, err := range b.Walk(b.t.Context(), after) {
		require.NoError(b.t, err)
		all = append(all, f)
	}
	return all
}

func TestWalkListsMarkersOfBothKindsInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.mark(3)
	b.put(orak.PendingErasureKey("choir", ids[1]), "{}")
	b.put(orak.PendingKey("alto", ids[2]), "{}")
	for _, foreign := range []string{"pending/x", "pending/choir/readme.txt", "pending/choir/" + string(ids[0]), "pendings/choir/" + string(ids[0]) + ".json"} {
		b.put(foreign, "{}")
	}
	var keys []string
	for _, f := range b.walk("") {
		keys = append(keys, f.ObjectKey())
		require.WithinDuration(t, time.Now(), f.At, time.Minute)
	}
	want := []string{
		orak.PendingKey("alto", ids[2]), orak.PendingKey("choir", ids[0]),
		orak.PendingErasureKey("choir", ids[1]), orak.PendingKey("choir", ids[1]), orak.PendingKey("choir", ids[2]),
	}
	require.Equal(t, want, keys)
	rest := b.walk(want[2])
	require.Len(t, rest, 2)
	require.Equal(t, outbox.Found{Tenant: "choir", ID: ids[1], At: rest[0].At}, rest[0])

	for f, err := range b.Walk(t.Context(), "") {
		require.NoError(t, err)
		require.Equal(t, want[0], f.ObjectKey())
		break // a walk that is left early ends
	}
}

func TestWalkEndsAfterAnError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mark(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errs := 0
	for _, err := range b.Walk(ctx, "") {
		require.Error(t, err)
		errs++
	}
	require.Equal(t, 1, errs)
}

func TestRemoveDeletesAMarkerAndNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.mark(2)
	erasure := outbox.Found{Tenant: "choir", ID: ids[0], Erasure: true}
	b.put(erasure.ObjectKey(), "{}")
	require.NoError(t, b.Remove(t.Context(), outbox.Found{Tenant: "choir", ID: ids[0]}))
	require.Equal(t, []orak.UploadID{ids[0], ids[1]}, []orak.UploadID{b.walk("")[0].ID, b.walk("")[1].ID})
	require.True(t, b.walk("")[0].Erasure)
	require.NoError(t, b.Remove(t.Context(), erasure))
	require.NoError(t, b.Remove(t.Context(), erasure), "an absent marker is not an error")
	require.Len(t, b.walk(""), 1)
	_, err := b.store.Stat(t.Context(), orak.OriginalKey("choir", ids[0]))
	require.NoError(t, err)
	require.NoError(t, b.Remove(t.Context(), outbox.Marker{Upload: orak.Upload{Tenant: "choir", ID: ids[1]}}))
	require.Empty(t, b.walk(""))
}

func TestRemoveFailsWhereTheContextEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.mark(1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, b.Remove(ctx, outbox.Found{Tenant: "choir", ID: id}))
	require.Len(t, b.walk(""), 1)
}

// A marker larger than what is read of one is damaged: its upload is announced
// by what the store knows.
func TestReadTakesAnOversizedMarkerForDamaged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := orak.UploadID(uuid.NewString())
	b.put(orak.PendingKey("choir", id), `{"tenant":"choir","id":"`+string(id)+`","filename":"a.wav"}`+strings.Repeat(" ", objectstore.MaxJSON))
	m, err := b.Read(t.Context(), "choir", id)
	require.NoError(t, err)
	require.Empty(t, m.Filename)
	require.Equal(t, id, m.ID)
	require.Equal(t, orak.OriginalKey("choir", id), m.Key)
}

// slowStore counts concurrent deletions and holds them until release is closed.
type slowStore struct {
	outbox.Store
	running, most atomic.Int64
	release       chan struct{}
}

func (s *slowStore) Delete(context.Context, string) error {
	n := s.running.Add(1)
	defer s.running.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
	}
	<-s.release
	return nil
}

func TestRemoveBoundsConcurrentDeletions(t *testing.T) {
	t.Parallel()
	s := &slowStore{release: make(chan struct{})}
	box := outbox.New(s, nil, time.Hour, slog.New(slog.DiscardHandler))
	var group errgroup.Group
	for range 100 {
		group.Go(func() error { return box.Remove(t.Context(), outbox.Found{Tenant: "choir", ID: "x"}) })
	}
	require.Eventually(t, func() bool { return s.running.Load() == 32 }, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, box.Remove(ctx, outbox.Found{}), context.DeadlineExceeded, "the wait for a place ends with the context")
	close(s.release)
	require.NoError(t, group.Wait())
	require.EqualValues(t, 32, s.most.Load())
}
