package resumable_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/objectstore"
	"orak/internal/outbox"
	"orak/internal/resumable"
	"orak/test/leaks"
	"orak/test/stack"
)

func TestMain(m *testing.M) { leaks.Main(m) }

var errKilled = errors.New("the process was killed")

// mortal is a store that a process uses until it is killed: at its write number left,
// before or after the write took effect.
type mortal struct {
	*objectstore.Store
	mu    sync.Mutex
	left  int
	after bool
	dead  bool
	// reached, if not nil, is closed before that write, at which the process lives on then.
	reached chan struct{}
}

func (m *mortal) write(do func() error) error {
	m.mu.Lock()
	m.left--
	if m.left == 0 && m.reached != nil {
		close(m.reached)
	}
	dies := m.left == 0 && m.reached == nil
	if m.dead || dies && !m.after {
		m.dead = true
		m.mu.Unlock()
		return errKilled
	}
	m.mu.Unlock()
	err := do()
	if dies {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.dead = true
		return errKilled
	}
	return err
}

func (m *mortal) Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (info objectstore.Info, err error) {
	err = m.write(func() error { info, err = m.Store.Put(ctx, key, body, opts); return err })
	return info, err
}

func (m *mortal) Delete(ctx context.Context, key string) error {
	return m.write(func() error { return m.Store.Delete(ctx, key) })
}

func (m *mortal) CreateMultipart(ctx context.Context, key string, opts objectstore.PutOptions) (u objectstore.Multipart, err error) {
	err = m.write(func() error { u, err = m.Store.CreateMultipart(ctx, key, opts); return err })
	return u, err
}

func (m *mortal) PutPart(ctx context.Context, u objectstore.Multipart, number int, content []byte) (p objectstore.Part, err error) {
	err = m.write(func() error { p, err = m.Store.PutPart(ctx, u, number, content); return err })
	return p, err
}

func (m *mortal) CompleteMultipart(ctx context.Context, u objectstore.Multipart, parts []objectstore.Part, ifAbsent bool) (info objectstore.Info, err error) {
	err = m.write(func() error { info, err = m.Store.CompleteMultipart(ctx, u, parts, ifAbsent); return err })
	return info, err
}

func (m *mortal) AbortMultipart(ctx context.Context, u objectstore.Multipart) error {
	return m.write(func() error { return m.Store.AbortMultipart(ctx, u) })
}

// sent are the events of all processes.
type sent struct {
	mu  sync.Mutex
	all []orak.Upload
}

// process is one process on a store.
func process(store resumable.Store, box *outbox.Outbox, events *sent, expiry time.Duration) *resumable.Uploads {
	return resumable.New(resumable.Config{Expiry: expiry, Memory: 10 << 20, MaxRequests: 10, MaxTenantUploads: 1000, SweepInterval: time.Hour}, resumable.Deps{
		Store:  store,
		Mark:   func(ctx context.Context, m outbox.Marker) error { return box.Write(ctx, m) },
		Unmark: func(ctx context.Context, m outbox.Marker) error { return box.Remove(ctx, m) },
		Announce: func(ctx context.Context, m outbox.Marker) error {
			if err := box.Remove(ctx, m); err != nil { // as if Kafka had acknowledged
				return err
			}
			events.mu.Lock()
			defer events.mu.Unlock()
			events.all = append(events.all, m.Upload)
			return nil
		},
		Erased: func(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
			_, err := store.Stat(ctx, orak.ErasedKey(t, id))
			if errors.Is(err, fs.ErrNotExist) {
				return false, nil
			}
			return err == nil, err
		},
		Sniff: func(head []byte) (string, error) { return "audio/wav", nil }, SniffLen: 8192,
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
}

func openStore(t *testing.T) *objectstore.Store {
	t.Helper()
	servers := stack.Start(t)
	store, err := objectstore.New(objectstore.Config{Endpoint: servers.S3, AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey, Bucket: servers.Bucket(t)})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return store
}

func keysOf(t *testing.T, store interface {
	List(ctx context.Context, prefix string) iter.Seq2[objectstore.Info, error]
}) (keys []string) {
	t.Helper()
	for info, err := range store.List(t.Context(), "") {
		require.NoError(t, err)
		keys = append(keys, info.Key)
	}
	return keys
}

func content(n int) []byte {
	b := make([]byte, n)
	x := uint32(n) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// slowly returns a few bytes at each read, and then fails or ends.
type slowly struct {
	from  *bytes.Reader
	fails bool
}

func (s *slowly) Read(p []byte) (int, error) {
	n, err := s.from.Read(p[:min(len(p), 300_000)])
	if err == io.EOF && s.fails {
		return n, errKilled
	}
	return n, err
}

func body(b []byte, cut bool) resumable.Body {
	return resumable.Body{Reader: &slowly{bytes.NewReader(b), cut}, Interrupt: func() {}}
}

// TestUploadsSurviveKillBetweenAnyTwoWrites kills a process before and after each of
// its writes, lets its sender go on at another one, and requires that the recording
// arrives whole, is announced with its digest, and leaves nothing.
func TestUploadsSurviveKillBetweenAnyTwoWrites(t *testing.T) {
	store := openStore(t)
	for name, requests := range map[string][]int{
		"small":      {150_000, 150_000},
		"with parts": {5<<20 + 300_000, 200_000, 6 << 20},
	} {
		total := 0
		for _, n := range requests {
			total += n
		}
		whole := content(total)
		sum := sha256.Sum256(whole)
		for _, after := range []bool{false, true} {
			for n := 1; ; n++ {
				label := fmt.Sprintf("%s, write %d, after it: %t", name, n, after)
				id := orak.UploadID(fmt.Sprintf("01993e6e-1f0b-7c3a-9a55-%06x%05d%d", len(name), n, btoi(after)))
				events := &sent{}
				first := &mortal{Store: store, left: n, after: after}
				died := killed(t, first, events, id, whole, requests)
				second := process(store, outbox.New(store, nil, time.Hour, slog.New(slog.DiscardHandler)), events, time.Hour)
				resume(t, label, second, id, whole)

				require.NotEmpty(t, events.all, label)
				for _, u := range events.all {
					require.Equal(t, hex.EncodeToString(sum[:]), u.SHA256, label)
					require.NoError(t, u.Validate(), label)
				}
				stored, _, err := store.Get(t.Context(), orak.OriginalKey("acme", id))
				require.NoError(t, err, label)
				got, err := io.ReadAll(stored)
				require.NoError(t, err, label)
				require.NoError(t, stored.Close())
				require.True(t, bytes.Equal(whole, got), label)
				require.NoError(t, store.Delete(t.Context(), orak.OriginalKey("acme", id)))
				require.Empty(t, keysOf(t, store), label)
				if !died {
					break
				}
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// killed sends requests until the process is killed; died is false if it survived.
func killed(t *testing.T, store *mortal, events *sent, id orak.UploadID, whole []byte, requests []int) (died bool) {
	t.Helper()
	u := process(store, outbox.New(store, nil, time.Hour, slog.New(slog.DiscardHandler)), events, time.Hour)
	_, err := u.Create(t.Context(), resumable.Creation{Upload: orak.Upload{ID: id, Tenant: "acme", Size: int64(len(whole)), Owner: "user-17"}})
	for offset, i := 0, 0; err == nil && i < len(requests); i++ {
		_, err = u.Append(t.Context(), resumable.Name{Tenant: "acme", ID: id}, int64(offset), body(whole[offset:offset+requests[i]], false))
		offset += requests[i]
	}
	if store.dead {
		return true
	}
	require.NoError(t, err)
	return false
}

// resume does what a client does: it asks for the offset and goes on, or begins anew.
func resume(t *testing.T, label string, u *resumable.Uploads, id orak.UploadID, whole []byte) {
	t.Helper()
	name := resumable.Name{Tenant: "acme", ID: id}
	for range 10 {
		st, err := u.Look(t.Context(), name)
		if errors.Is(err, fs.ErrNotExist) {
			_, err = u.Create(t.Context(), resumable.Creation{Upload: orak.Upload{ID: id, Tenant: "acme", Size: int64(len(whole))}})
			require.NoError(t, err, label)
			continue
		}
		require.NoError(t, err, label)
		if st.Complete() {
			return
		}
		_, err = u.Append(t.Context(), name, st.Offset, body(whole[st.Offset:], false))
		require.NoError(t, err, label)
	}
	t.Fatal(label, ": the upload does not end")
}

func TestUploadsExpireWithAllThatArrived(t *testing.T) {
	store := openStore(t)
	box := outbox.New(store, nil, time.Hour, slog.New(slog.DiscardHandler))
	events := &sent{}
	const id = orak.UploadID("01993e6e-1f0b-7c3a-9a55-000000000001")
	name := resumable.Name{Tenant: "acme", ID: id}
	whole := content(7 << 20)
	u := process(store, box, events, time.Second)
	_, err := u.Create(t.Context(), resumable.Creation{Upload: orak.Upload{ID: id, Tenant: "acme", Size: int64(len(whole)), Owner: "user-17"}, Given: "owner dXNlci0xNw=="})
	require.NoError(t, err)
	_, err = u.Append(t.Context(), name, 0, body(whole[:6<<20], true))
	require.ErrorIs(t, err, errKilled)
	require.NotEmpty(t, keysOf(t, store))

	require.Eventually(t, func() bool { _, err := u.Look(t.Context(), name); return errors.Is(err, resumable.ErrGone) }, 10*time.Second, 100*time.Millisecond)
	// The first sweep ends it, and the next one removes its state.
	require.Eventually(t, func() bool { return u.Sweep(t.Context()) == nil && len(keysOf(t, store)) == 0 }, 20*time.Second, 200*time.Millisecond)
	for range store.Multiparts(t.Context(), "") {
		t.Error("a multipart upload is left")
	}
	_, err = u.Look(t.Context(), name)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Empty(t, events.all)
}

func TestUploadsOfAnotherOwnerAreUnknown(t *testing.T) {
	store := openStore(t)
	u := process(store, outbox.New(store, nil, time.Hour, slog.New(slog.DiscardHandler)), &sent{}, time.Hour)
	const id = orak.UploadID("01993e6e-1f0b-7c3a-9a55-000000000002")
	other := resumable.Name{Tenant: "acme", ID: id, Owner: "user-18"}
	_, err := u.Create(t.Context(), resumable.Creation{Upload: orak.Upload{ID: id, Tenant: "acme", Size: 10, Owner: "user-17"}})
	require.NoError(t, err)
	for range 2 { // unfinished, and then complete
		_, err = u.Look(t.Context(), other)
		require.ErrorIs(t, err, fs.ErrNotExist)
		_, err = u.Append(t.Context(), other, 0, body(content(10), false))
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorIs(t, u.Terminate(t.Context(), other), fs.ErrNotExist)
		_, err = u.Append(t.Context(), resumable.Name{Tenant: "acme", ID: id, Owner: "user-17"}, 0, body(content(10), false))
		if err != nil {
			require.ErrorIs(t, err, resumable.ErrOffset)
		}
	}
}

// joining is a store whose joining of parts waits for goOn.
type joining struct {
	resumable.Store
	begun, goOn chan struct{}
}

func (j joining) CompleteMultipart(ctx context.Context, u objectstore.Multipart, parts []objectstore.Part, ifAbsent bool) (objectstore.Info, error) {
	close(j.begun)
	<-j.goOn
	return j.Store.CompleteMultipart(ctx, u, parts, ifAbsent)
}

// joined is a store that joins the parts for another request, of which it shows no object
// yet, and answers as versitygw (nil) or others do.
type joined struct {
	resumable.Store
	answer error
}

func (j joined) CompleteMultipart(context.Context, objectstore.Multipart, []objectstore.Part, bool) (objectstore.Info, error) {
	return objectstore.Info{}, j.answer
}

func TestCompletionIsNotLostWhileAnotherRequestCompletes(t *testing.T) {
	store := openStore(t)
	box := outbox.New(store, nil, time.Hour, slog.New(slog.DiscardHandler))
	for n, answer := range []error{nil, objectstore.ErrNoMultipart} {
		events := &sent{}
		slow := joining{store, make(chan struct{}), make(chan struct{})}
		here, there := process(slow, box, events, time.Hour), process(joined{store, answer}, box, events, time.Hour)
		id := orak.UploadID(fmt.Sprintf("01993e6e-1f0b-7c3a-9a55-3%011d", n))
		name := resumable.Name{Tenant: "acme", ID: id}
		whole := content(6 << 20)
		_, err := here.Create(t.Context(), resumable.Creation{Upload: orak.Upload{ID: id, Tenant: "acme", Size: int64(len(whole))}})
		require.NoError(t, err)
		appended := make(chan error, 1)
		go func() {
			_, err := here.Append(t.Context(), name, 0, body(whole, false))
			appended <- err
		}()
		<-slow.begun
		_, err = there.Look(t.Context(), name)
		require.ErrorIs(t, err, resumable.ErrLocked)
		close(slow.goOn)
		require.NoError(t, <-appended)
		_, err = store.Stat(t.Context(), orak.OriginalKey("acme", id))
		require.NoError(t, err)
		require.Len(t, events.all, 1)
	}
}

// A piece that the store has lost ends the upload; it is not an upload that nobody knows.
func TestMissingPieceEndsTheUpload(t *testing.T) {
	store := openStore(t)
	box := outbox.New(store, nil, time.Hour, slog.New(slog.DiscardHandler))
	u := process(store, box, &sent{}, time.Hour)
	const id = orak.UploadID("01993e6e-1f0b-7c3a-9a55-400000000001")
	name := resumable.Name{Tenant: "acme", ID: id}
	_, err := u.Create(t.Context(), resumable.Creation{Upload: orak.Upload{ID: id, Tenant: "acme", Size: 2000}})
	require.NoError(t, err)
	_, err = u.Append(t.Context(), name, 0, body(content(1000), false))
	require.NoError(t, err)
	for _, key := range keysOf(t, store) {
		if strings.HasPrefix(key, orak.TusPrefix("acme", id)) {
			require.NoError(t, store.Delete(t.Context(), key))
		}
	}
	for range 2 {
		_, err = u.Append(t.Context(), name, 1000, body(content(1000), false))
		require.ErrorIs(t, err, resumable.ErrGone)
		require.NotErrorIs(t, err, fs.ErrNotExist)
	}
}

// TestTerminationRacesCompletion requires one outcome: the recording is announced, or
// nothing of the upload is left.
func TestTerminationRacesCompletion(t *testing.T) {
	store := openStore(t)
	box := outbox.New(store, nil, time.Hour, slog.New(slog.DiscardHandler))
	for n, size := range []int{1000, 1000, 1000, 6 << 20, 6 << 20, 1000, 1000} {
		events := &sent{}
		completing := &mortal{Store: store, left: n + 1, reached: make(chan struct{})}
		here, there := process(completing, box, events, time.Hour), process(store, box, events, time.Hour)
		id := orak.UploadID(fmt.Sprintf("01993e6e-1f0b-7c3a-9a55-1%011d", n))
		name := resumable.Name{Tenant: "acme", ID: id}
		_, err := there.Create(t.Context(), resumable.Creation{Upload: orak.Upload{ID: id, Tenant: "acme", Size: int64(size)}})
		require.NoError(t, err)
		var (
			wg                   sync.WaitGroup
			appended, terminated error
		)
		ended := make(chan struct{})
		wg.Go(func() {
			defer close(ended)
			_, appended = here.Append(t.Context(), name, 0, body(content(size), false))
		})
		wg.Go(func() {
			select { // at another write of the completion each time
			case <-completing.reached:
			case <-ended:
			}
			terminated = there.Terminate(t.Context(), name)
		})
		wg.Wait()
		_, err = store.Stat(t.Context(), orak.OriginalKey("acme", id))
		if appended == nil || errors.Is(terminated, resumable.ErrComplete) {
			require.NoError(t, err, "an accepted recording stays")
			require.Error(t, terminated)
			if appended != nil {
				require.ErrorIs(t, appended, resumable.ErrLocked, "the termination has found and finished it; the app looks again")
			}
			require.NotEmpty(t, events.all)
			continue
		}
		require.NoError(t, terminated, "appending failed: %v", appended)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.Empty(t, events.all)
		for _, key := range keysOf(t, store) {
			require.False(t, strings.HasPrefix(key, orak.TusPrefix("acme", id)), key)
		}
	}
}
