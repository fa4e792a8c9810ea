package direct_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/events"
	"orak/internal/direct"
	"orak/internal/objectstore"
	"orak/internal/outbox"
	"orak/test/leaks"
	"orak/test/stack"
)

func TestMain(m *testing.M) { leaks.Main(m) }

const tenant orak.Tenant = "choir"

// world is a store with its direct uploads, over any number of processes.
type world struct {
	t     *testing.T
	store *objectstore.Store
	cfg   direct.Config

	mu        sync.Mutex
	announced map[orak.UploadID]int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := objectstore.New(server(t))
	require.NoError(t, err)
	require.NoError(t, store.EnsureBucket(t.Context()))
	t.Cleanup(store.Close)
	return &world{t: t, store: store, announced: map[orak.UploadID]int{}, cfg: direct.Config{
		TTL: time.Hour, URLTTL: time.Hour, MaxTenantUploads: 100, Completions: 4, SweepInterval: time.Hour,
	}}
}

// server is the S3 server of ORAK_TEST_S3, or else that of the standalone stack.
func server(t *testing.T) objectstore.Config {
	t.Helper()
	if given := os.Getenv("ORAK_TEST_S3"); given != "" {
		return objectstore.Config{
			Endpoint: given, AccessKey: os.Getenv("ORAK_TEST_S3_ACCESS_KEY"), SecretKey: os.Getenv("ORAK_TEST_S3_SECRET_KEY"),
			Bucket: "test-" + strings.ToLower(rand.Text()[:16]),
		}
	}
	servers := stack.Start(t)
	return objectstore.Config{Endpoint: servers.S3, AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey, Bucket: servers.Bucket(t)}
}

// PublishEvent implements outbox.Publisher.
func (w *world) PublishEvent(_ context.Context, _ string, e events.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.announced[e.Subject]++
	return nil
}

// process is one process on store.
func (w *world) process(store direct.Store) *direct.Uploads {
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	box := outbox.New(store, w, time.Hour, log)
	return direct.New(w.cfg, direct.Deps{
		Store: store, Outbox: box, Log: log, Metrics: prometheus.NewRegistry(),
		Announce: func(ctx context.Context, m outbox.Marker) error {
			e, err := m.Event()
			if err != nil {
				return err
			}
			if err := w.PublishEvent(ctx, "", e); err != nil {
				return err
			}
			return box.Remove(ctx, m)
		},
		Sniff: func(head []byte) (string, bool) { return "audio/wav", bytes.HasPrefix(head, []byte("RIFF")) }, SniffLen: 64,
	})
}

// relay publishes the markers that are left, as each API process does.
func (w *world) relay() {
	w.t.Helper()
	_, err := outbox.New(w.store, w, time.Hour, slog.New(slog.DiscardHandler)).Sweep(w.t.Context(), "", 1000, 0)
	require.NoError(w.t, err)
}

func recording(n int) []byte {
	b := bytes.Repeat([]byte("0123456789"), n/10)
	copy(b, "RIFF")
	return b
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// create begins an upload of content, in parts if partSize is not 0.
func (w *world) create(content []byte, partSize int64) direct.Upload {
	w.t.Helper()
	d, created, err := w.process(w.store).Create(w.t.Context(), direct.Upload{
		Upload: orak.Upload{ID: orak.UploadID(uuid.Must(uuid.NewV7()).String()), Tenant: tenant, Size: int64(len(content)), Owner: "kim"}, PartSize: partSize,
	})
	require.NoError(w.t, err)
	require.True(w.t, created)
	return d
}

// send sends the recording of d.
func (w *world) send(d direct.Upload, content []byte) {
	w.t.Helper()
	u := w.process(w.store)
	if d.PartSize == 0 {
		p, err := u.PresignPut(w.t.Context(), d)
		require.NoError(w.t, err)
		w.put(p, content)
		return
	}
	for n := 1; n <= d.Parts(); n++ {
		p, err := u.PresignPart(w.t.Context(), d, n)
		require.NoError(w.t, err)
		from := int64(n-1) * d.PartSize
		w.put(p, content[from:from+d.PartLength(n)])
	}
}

func (w *world) put(p objectstore.Presigned, body []byte) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), p.Method, p.URL, bytes.NewReader(body))
	require.NoError(w.t, err)
	req.Header = p.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusOK, resp.StatusCode)
}

// keys returns the keys in the bucket.
func (w *world) keys() (keys []string) {
	w.t.Helper()
	for info, err := range w.store.List(w.t.Context(), "") {
		require.NoError(w.t, err)
		keys = append(keys, info.Key)
	}
	for m, err := range w.store.Multiparts(w.t.Context(), "") {
		require.NoError(w.t, err)
		keys = append(keys, "parts of "+m.Key)
	}
	return keys
}

// accepted requires that d is an upload with content and nothing else, and announced.
func (w *world) accepted(d direct.Upload, content []byte, what string) {
	w.t.Helper()
	key := orak.OriginalKey(d.Tenant, d.ID)
	require.Equal(w.t, []string{key}, w.keys(), what)
	body, info, err := w.store.Get(w.t.Context(), key)
	require.NoError(w.t, err, what)
	defer body.Close()
	stored, err := io.ReadAll(body)
	require.NoError(w.t, err, what)
	require.True(w.t, bytes.Equal(content, stored), what)
	require.Equal(w.t, "audio/wav", info.ContentType, what)
	require.Equal(w.t, hexSum(content), orak.RecordedSHA256(info.Metadata), what)
	w.mu.Lock()
	defer w.mu.Unlock()
	require.NotZero(w.t, w.announced[d.ID], what)
}

func (w *world) clear() {
	w.t.Helper()
	for info, err := range w.store.List(w.t.Context(), "") {
		require.NoError(w.t, err)
		require.NoError(w.t, w.store.Delete(w.t.Context(), info.Key))
	}
}

var errKilled = errors.New("the process is dead")

// mortal is the store of a process that dies at one of its writes: before it, or after
// it and before its answer.
type mortal struct {
	direct.Store
	mu     sync.Mutex
	left   int // writes until death
	before bool
	dead   bool
	// then runs at death.
	then func()
}

// write carries out a write, unless the process is dead.
func (m *mortal) write(do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errKilled
	}
	m.left--
	if m.left > 0 {
		return do()
	}
	m.dead = true
	if !m.before {
		_ = do() // its answer is lost
	}
	if m.then != nil {
		m.then()
	}
	return errKilled
}

func (m *mortal) Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (info objectstore.Info, err error) {
	err = m.write(func() error { info, err = m.Store.Put(ctx, key, body, opts); return err })
	return info, err
}

func (m *mortal) Delete(ctx context.Context, key string) error {
	return m.write(func() error { return m.Store.Delete(ctx, key) })
}

func (m *mortal) Copy(ctx context.Context, from, to string, opts objectstore.CopyOptions) error {
	return m.write(func() error { return m.Store.Copy(ctx, from, to, opts) })
}

func (m *mortal) CompleteMultipart(ctx context.Context, p objectstore.Multipart, parts []objectstore.Part, ifAbsent bool) (info objectstore.Info, err error) {
	err = m.write(func() error { info, err = m.Store.CompleteMultipart(ctx, p, parts, ifAbsent); return err })
	return info, err
}

func (m *mortal) AbortMultipart(ctx context.Context, p objectstore.Multipart) error {
	return m.write(func() error { return m.Store.AbortMultipart(ctx, p) })
}
