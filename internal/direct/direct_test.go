package direct_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/direct"
	"orak/internal/objectstore"
)

// sent are the two ways of sending a recording.
func sent() map[string]struct {
	content  []byte
	partSize int64
} {
	return map[string]struct {
		content  []byte
		partSize int64
	}{"one PUT": {recording(1000), 0}, "parts": {recording(6_000_000), 5 << 20}}
}

// atEveryDeath runs act in a process that dies before or after each of its writes, in
// turn, until it survives; and then after.
func atEveryDeath(t *testing.T, store direct.Store, before func(), act func(direct.Store) error, after func(what string)) {
	t.Helper()
	for _, first := range []bool{true, false} {
		for n := 1; ; n++ {
			before()
			m := &mortal{Store: store, left: n, before: first}
			err := act(m)
			after(fmt.Sprintf("killed at write %d (before it: %t)", n, first))
			if !m.dead {
				require.NoError(t, err)
				require.Greater(t, n, 3)
				break
			}
		}
	}
}

func TestCompletionSurvivesAKillBetweenAnyTwoWrites(t *testing.T) {
	t.Parallel()
	for name, s := range sent() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var d direct.Upload
			atEveryDeath(t, w.store, func() {
				w.clear()
				d = w.create(s.content, s.partSize)
				w.send(d, s.content)
			}, func(store direct.Store) error {
				_, _, err := w.process(store).Complete(t.Context(), tenant, d.ID)
				return err
			}, func(what string) {
				require.NoError(t, w.process(w.store).Sweep(t.Context()), what)
				w.relay()
				w.accepted(d, s.content, what)
				_, repeated, err := w.process(w.store).Complete(t.Context(), tenant, d.ID)
				require.NoError(t, err, what)
				require.True(t, repeated, what)
			})
		})
	}
}

func TestAbortSurvivesAKillBetweenAnyTwoWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := sent()["parts"]
	var d direct.Upload
	atEveryDeath(t, w.store, func() {
		w.clear()
		d = w.create(s.content, s.partSize)
	}, func(store direct.Store) error {
		return w.process(store).Abort(t.Context(), d)
	}, func(what string) {
		later, err := w.process(w.store).Get(t.Context(), tenant, d.ID)
		if err == nil { // it died before it began
			require.NoError(t, w.process(w.store).Abort(t.Context(), later), what)
		}
		require.NoError(t, w.process(w.store).Sweep(t.Context()), what)
		require.Empty(t, w.keys(), what)
	})
}

// An erasure at any moment of a completion leaves nothing but its tombstone.
func TestErasureAtAnyMomentOfACompletionLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := sent()["one PUT"]
	for n := 1; ; n++ {
		w.clear()
		d := w.create(s.content, 0)
		w.send(d, s.content)
		interrupted := false
		store := &interrupting{Store: w.store, left: n, at: func() {
			interrupted = true
			stone := orak.Tombstone{ID: d.ID, RequestedAt: time.Now()}
			require.NoError(t, objectstore.PutJSON(t.Context(), w.store, orak.ErasedKey(tenant, d.ID), stone, true))
			for _, prefix := range []string{orak.UploadPrefix(tenant, d.ID), orak.PendingKey(tenant, d.ID), orak.IncomingKey(tenant, d.ID), orak.DirectKey(tenant, d.ID)} {
				for info, err := range w.store.List(t.Context(), prefix) {
					require.NoError(t, err)
					require.NoError(t, w.store.Delete(t.Context(), info.Key))
				}
			}
		}}
		_, _, err := w.process(store).Complete(t.Context(), tenant, d.ID)
		if !interrupted {
			require.NoError(t, err)
			require.Greater(t, n, 4)
			return
		}
		require.NoError(t, w.process(w.store).Sweep(t.Context()))
		w.relay()
		require.Equal(t, []string{orak.ErasedKey(tenant, d.ID)}, w.keys(), "erased before write %d: %v", n, err)
	}
}

// Whenever another request completes or refuses an upload between two steps of a
// completion, this one ends as the other did: it never says that a recording is not
// there which was sent.
func TestCompletionsEndAlikeWhereverTheyMeet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for what, kind := range map[string]struct {
		content []byte
		same    func(error)
	}{
		"accepted": {recording(5000), func(err error) { require.NoError(t, err) }},
		"refused": {bytes.Repeat([]byte("text "), 1000), func(err error) {
			var refused *direct.Refusal
			require.ErrorAs(t, err, &refused)
			require.Equal(t, direct.WrongMedia, refused.Why)
		}},
	} {
		for n := 1; ; n++ {
			w.clear()
			d := w.create(kind.content, 0)
			w.send(d, kind.content)
			interrupted := false
			store := &interrupting{Store: w.store, left: n, at: func() {
				interrupted = true
				_, _, err := w.process(w.store).Complete(t.Context(), tenant, d.ID)
				kind.same(err)
			}}
			_, _, err := w.process(store).Complete(t.Context(), tenant, d.ID)
			t.Logf("%s by another before step %d: %v", what, n, err)
			kind.same(err)
			if !interrupted {
				require.Greater(t, n, 4)
				break
			}
		}
	}
}

// interrupting calls at before one of the writes of a completion.
type interrupting struct {
	direct.Store
	mu   sync.Mutex
	left int
	at   func()
}

func (i *interrupting) step() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.left--; i.left == 0 {
		i.at()
	}
}

func (i *interrupting) Stat(ctx context.Context, key string) (objectstore.Info, error) {
	i.step()
	return i.Store.Stat(ctx, key)
}

func (i *interrupting) Copy(ctx context.Context, from, to string, opts objectstore.CopyOptions) error {
	i.step()
	return i.Store.Copy(ctx, from, to, opts)
}

func (i *interrupting) Delete(ctx context.Context, key string) error {
	i.step()
	return i.Store.Delete(ctx, key)
}

// Of an abort and completions at the same time one wins, and each is told so.
func TestAbortAndCompletionsAtOnceHaveOneWinner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := sent()["one PUT"]
	for range 15 {
		w.clear()
		d := w.create(s.content, 0)
		w.send(d, s.content)
		var (
			wg        sync.WaitGroup
			aborted   error
			completed [3]error
		)
		wg.Go(func() { aborted = w.process(w.store).Abort(t.Context(), d) })
		for i := range completed {
			wg.Go(func() { _, _, completed[i] = w.process(w.store).Complete(t.Context(), tenant, d.ID) })
		}
		wg.Wait()
		require.NoError(t, w.process(w.store).Sweep(t.Context()))
		w.relay()
		if aborted == nil {
			for _, err := range completed {
				require.Error(t, err)
			}
			require.Empty(t, w.keys())
			continue
		}
		require.True(t, errors.Is(aborted, direct.ErrAccepted) || errors.Is(aborted, direct.ErrUnknown), "%v", aborted)
		for _, err := range completed {
			require.NoError(t, err)
		}
		w.accepted(d, s.content, "")
	}
}

func TestSweepCompletesWhatWasSentAndExpiresTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.TTL = -time.Hour // each is late at once
	content := recording(6_000_000)
	whole := w.create(content, 0)
	w.sendLate(whole, content)
	unsent, unfinished := w.create(content, 0), w.create(content, 5<<20)
	_, err := w.process(w.store).PresignPut(t.Context(), unsent)
	require.ErrorIs(t, err, direct.ErrExpired)
	_, err = w.process(w.store).PresignPart(t.Context(), unfinished, 1)
	require.ErrorIs(t, err, direct.ErrExpired)
	require.NoError(t, w.process(w.store).Sweep(t.Context()))
	w.accepted(whole, content, "what was sent is never dropped")
	for _, d := range []direct.Upload{unsent, unfinished} {
		_, _, err := w.process(w.store).Complete(t.Context(), tenant, d.ID)
		require.ErrorIs(t, err, direct.ErrUnknown)
	}
}

// Damaged descriptions sort before a whole upload, and are many more than end a sweep of
// a store that is away.
func TestDamagedDescriptionsDoNotKeepOthersFromBeingCompleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 50 {
		key := orak.DirectKey(tenant, orak.UploadID(fmt.Sprintf("00000000-0000-7000-8000-%012x", i)))
		_, err := w.store.Put(t.Context(), key, strings.NewReader("{"), objectstore.PutOptions{Size: 1})
		require.NoError(t, err)
	}
	content := recording(1000)
	d := w.create(content, 0)
	w.send(d, content)
	require.NoError(t, w.process(w.store).Sweep(t.Context()))
	require.Equal(t, map[orak.UploadID]int{d.ID: 1}, w.announced)
}

// sendLate sends the recording of an upload that has expired.
func (w *world) sendLate(d direct.Upload, content []byte) {
	w.t.Helper()
	p, err := w.store.PresignPut(w.t.Context(), orak.IncomingKey(d.Tenant, d.ID), d.Size, "", time.Minute)
	require.NoError(w.t, err)
	w.put(p, content)
}

func TestSweepLeavesWhatItsClientMayStillComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.CompleteAfter = time.Hour
	content := recording(1000)
	d := w.create(content, 0)
	w.send(d, content)
	require.NoError(t, w.process(w.store).Sweep(t.Context()))
	require.Equal(t, []string{orak.DirectKey(tenant, d.ID), orak.IncomingKey(tenant, d.ID)}, w.keys())
}

func TestRunFollowsHintsUntilItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.CompleteAfter = time.Hour // the sweep leaves it
	content := recording(1000)
	d := w.create(content, 0)
	w.send(d, content)
	u := w.process(w.store)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); u.Run(ctx) }()
	u.Hint(tenant, d.ID)
	u.Hint("nobody", d.ID)
	require.Eventually(t, func() bool { return len(w.keys()) == 1 }, 20*time.Second, 20*time.Millisecond)
	cancel()
	<-done
	w.accepted(d, content, "")
}

// Nothing of a recording stays in memory: all that a completion allocates, garbage
// included, is little beside it.
func TestCompletionTakesNoMemoryForALargeRecording(t *testing.T) {
	w := newWorld(t)
	content := recording(100_000_000)
	for name, partSize := range map[string]int64{"one PUT": 0, "parts": 10 << 20} {
		d := w.create(content, partSize)
		w.send(d, content)
		u := w.process(w.store)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := u.Complete(t.Context(), tenant, d.ID)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		allocated := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes allocated", name, allocated)
		require.Less(t, allocated, uint64(2<<20), name)
	}
}

// racing stores another recording of the same key while the direct one is verified.
type racing struct {
	direct.Store
	once  sync.Once
	other func()
}

func (r *racing) Get(ctx context.Context, key string) (io.ReadCloser, objectstore.Info, error) {
	if strings.HasPrefix(key, orak.IncomingPrefix) {
		r.once.Do(r.other)
	}
	return r.Store.Get(ctx, key)
}

func TestCompletionLeavesARecordingThatIsStoredMeanwhile(t *testing.T) {
	w := newWorld(t)
	content, other := recording(5000), recording(6000)
	d := w.create(content, 0)
	w.send(d, content)
	store := &racing{Store: w.store, other: func() {
		_, err := w.store.Put(t.Context(), d.Key, bytes.NewReader(other), objectstore.PutOptions{Size: int64(len(other))})
		require.NoError(t, err)
	}}
	_, _, err := w.process(store).Complete(t.Context(), d.Tenant, d.ID)
	var refused *direct.Refusal
	require.ErrorAs(t, err, &refused)
	require.Equal(t, direct.OtherRecording, refused.Why)
	sum, err := objectstore.Hash(t.Context(), w.store, d.Key)
	require.NoError(t, err)
	require.Equal(t, hexSum(other), sum)
}

// forgetful loses the answer to the first description, so that its repeat is refused.
type forgetful struct{ direct.Store }

func (f forgetful) Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error) {
	info, err := f.Store.Put(ctx, key, body, opts)
	if err == nil && opts.IfAbsent {
		err = fs.ErrExist
	}
	return info, err
}

func TestCreationWhoseAnswerIsLostKeepsItsParts(t *testing.T) {
	w := newWorld(t)
	content := recording(6 << 20)
	d, created, err := w.process(forgetful{w.store}).Create(t.Context(), direct.Upload{
		Upload: orak.Upload{ID: orak.UploadID(uuid.Must(uuid.NewV7()).String()), Tenant: tenant, Size: int64(len(content))}, PartSize: 5 << 20,
	})
	require.NoError(t, err)
	require.True(t, created)
	w.send(d, content)
	_, _, err = w.process(w.store).Complete(t.Context(), d.Tenant, d.ID)
	require.NoError(t, err)
	w.accepted(d, content, "sent in parts")
}
