package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/events"
	"orak/internal/auth"
	"orak/internal/direct"
	"orak/internal/kafka"
	"orak/internal/media"
	"orak/internal/media/mediatest"
	"orak/internal/objectstore"
	"orak/internal/resumable"
	"orak/test/stack"
	"orak/web"
)

// bundle is an API server on real dependencies for one test.
type bundle struct {
	*api.Server
	t       testing.TB
	servers *stack.Servers
	cfg     api.Config
	deps    api.Deps
	store   *objectstore.Store
	broker  *kfake.Cluster
	// as is the tenant of requests that name none.
	as orak.Tenant
	// kafkaDown makes the broker close producing connections.
	kafkaDown *atomic.Bool
	log       *logBuffer
	metrics   *prometheus.Registry
}

func config() api.Config {
	return api.Config{
		Addr: "127.0.0.1:0", MaxUploadBytes: 100_000_000, MaxUploads: 100, MaxTenantUploads: 100, MinUploadRate: 16384, AckWait: 2 * time.Second,
		BodyTimeout: 10 * time.Second, HeaderTimeout: 10 * time.Second, KeepAlive: 30 * time.Second,
		RequestTimeout: 30 * time.Second, StoreTimeout: 30 * time.Second, StatusTimeout: 10 * time.Second, UpdateTimeout: 10 * time.Second,
		WatchInterval: 20 * time.Millisecond, Heartbeat: 15 * time.Second, MaxWatchers: 10, MaxTenantWatchers: 10, WatchRate: 1000, MaxDownloads: 100, MaxTenantDownloads: 100, MaxWaveforms: 10, MaxTenantWaveforms: 10, MaxCounts: 10, MaxTenantCounts: 10, MaxFeedRecords: 100, MaxFeedResumes: 2, MaxTenantResumes: 2, MaxSongImports: 2, MaxRankedSongs: 1000,
		Tus:     resumable.Config{Expiry: time.Hour, Memory: 128 << 20, MaxRequests: 100, MaxTenantUploads: 100, SweepInterval: time.Hour},
		Console: true, SessionLife: time.Hour,
		OutboxInterval: time.Hour, OutboxMinAge: time.Hour, OutboxGrace: 24 * time.Hour, OutboxWorkers: 2,
		Direct: direct.Config{TTL: time.Hour, URLTTL: time.Hour, MaxTenantUploads: 10, Completions: 4, CompleteAfter: time.Hour, SweepInterval: time.Hour},
	}
}

// operating sends the requests of a test for every tenant.
func operating(b *bundle) { b.cfg.AllTenants, b.as = true, resource.EveryTenant }

// setup starts a server; change adapts it before that.
func setup(t testing.TB, change ...func(b *bundle)) *bundle {
	t.Helper()
	b := prepare(t)
	for _, c := range change {
		c(b)
	}
	b.start()
	return b
}

func prepare(t testing.TB) *bundle {
	t.Helper()
	servers := stack.Start(t)
	b := &bundle{t: t, servers: servers, cfg: config(), kafkaDown: &atomic.Bool{}, log: &logBuffer{}, metrics: prometheus.NewRegistry()}
	var err error
	b.store, err = objectstore.New(objectstore.Config{
		Endpoint: servers.S3, AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey, Bucket: servers.Bucket(t),
	})
	require.NoError(t, err)
	t.Cleanup(b.store.Close)
	b.broker, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, events.TopicUploads), kfake.SeedTopics(1, events.TopicAudit))
	require.NoError(t, err)
	t.Cleanup(b.broker.Close)
	b.broker.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.broker.KeepControl()
		if b.kafkaDown.Load() {
			return nil, io.ErrClosedPipe, true
		}
		return nil, nil, false
	})
	pages, err := web.Embedded()
	require.NoError(t, err)
	b.deps = api.Deps{
		Console: pages,
		Store:   b.store, Events: b.producer(),
		// A namespace that does not exist: uploads do not need Temporal.
		Workflows: servers.Client(t, "no-such-namespace"),
		Media:     sniffer(),
		Callers:   auth.Open{},
		Live:      http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") }),
		Ready:     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }),
		Log:       slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics:   b.metrics,
		Tracing:   sdktrace.NewTracerProvider(),
	}
	return b
}

func sniffer() api.Sniffer {
	return api.Sniffer{Len: media.SniffLen, Accepted: media.Accepted(), Sniff: func(head []byte) (string, bool) {
		f, ok := media.Sniff(head)
		return f.MediaType, ok
	}}
}

func (b *bundle) start() {
	b.t.Helper()
	b.Server = api.New(b.cfg, b.deps)
	require.NoError(b.t, b.Start(b.t.Context()))
	b.t.Cleanup(func() {
		if b.t.Failed() {
			b.t.Logf("the server's log:\n%.20000s", b.log)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Stop(ctx); err != nil {
			b.t.Errorf("stopping: %v", err)
		}
	})
}

// younger returns when a marker is younger than the servers that run: the relay takes
// one of the second in which they began for older, and sends its event, too.
func (b *bundle) younger() {
	b.t.Helper()
	began := time.Now().Unix()
	b.eventually(func() bool { return time.Now().Unix() > began }, "the second in which the process began is over")
}

// replica is another server on the same store and broker.
func (b *bundle) replica() *bundle {
	r := *b
	r.metrics = prometheus.NewRegistry()
	r.deps.Metrics = r.metrics
	r.start()
	return &r
}

func (b *bundle) producer() *kafka.Producer {
	cl, err := kafka.NewClient(kafka.Config{Brokers: b.broker.ListenAddrs(), ClientID: "test"}, slog.New(slog.DiscardHandler))
	require.NoError(b.t, err)
	b.t.Cleanup(cl.Close)
	return kafka.NewProducer(cl)
}

// announced waits for n events on orak.uploads and returns all. It drops repeats by
// id, as every consumer must: delivery is at-least-once, and on a slow machine the
// relay sends an event, too.
func (b *bundle) announced(n int) []events.Event {
	b.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.broker.ListenAddrs()...), kgo.ConsumeTopics(events.TopicUploads),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(b.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	var got []events.Event
	seen := map[string]bool{}
	for len(got) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(b.t, ctx.Err(), "waiting for %d events, have %d", n, len(got))
		fetches.EachRecord(func(r *kgo.Record) {
			e, err := events.FromRecord(r)
			require.NoError(b.t, err)
			require.Equal(b.t, string(e.Subject), string(r.Key))
			if !seen[e.ID] {
				seen[e.ID] = true
				got = append(got, e)
			}
		})
	}
	return got
}

func (b *bundle) url(path string) string { return "http://" + b.Addr() + path }

// keys returns the keys in the bucket.
func (b *bundle) keys() []string {
	b.t.Helper()
	keys := []string{}
	for info, err := range b.store.List(b.t.Context(), "") {
		require.NoError(b.t, err)
		keys = append(keys, info.Key)
	}
	return keys
}

func (b *bundle) put(key string, content []byte, contentType string) {
	b.t.Helper()
	_, err := b.store.Put(b.t.Context(), key, bytes.NewReader(content), objectstore.PutOptions{Size: int64(len(content)), ContentType: contentType})
	require.NoError(b.t, err)
}

func (b *bundle) eventually(condition func() bool, why string) {
	b.t.Helper()
	require.Eventually(b.t, condition, 20*time.Second, 10*time.Millisecond, why)
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   []byte
	// closes means that the connection ends after it.
	closes bool
}

// do sends a request, and holds its answer to the contract.
func (b *bundle) do(req *http.Request) reply {
	b.t.Helper()
	sent := sentBy(req)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	r := reply{resp.StatusCode, resp.Header, body, resp.Close}
	held(b.t, req, sent, r)
	return r
}

// header is a name and a value.
type header [2]string

func (b *bundle) request(method, path string, body io.Reader, headers ...header) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url(path), body)
	require.NoError(b.t, err)
	if b.as != "" {
		req.Header.Set("X-Orak-Tenant", string(b.as))
	}
	for _, h := range headers {
		req.Header.Set(h[0], h[1])
	}
	return req
}

func (b *bundle) get(path string, headers ...header) reply {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, path, nil, headers...))
}

// gathered returns the metrics in the text format.
func (b *bundle) gathered() string {
	b.t.Helper()
	page := httptest.NewRecorder()
	promhttp.HandlerFor(b.metrics, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(b.t, http.StatusOK, page.Code)
	return page.Body.String()
}

func (b *bundle) post(path, body string, headers ...header) reply {
	b.t.Helper()
	headers = append([]header{{"Content-Type", "application/json"}}, headers...)
	return b.do(b.request(http.MethodPost, path, strings.NewReader(body), headers...))
}

func (b *bundle) upload(content []byte, headers ...header) reply {
	b.t.Helper()
	return b.do(b.request(http.MethodPost, "/v1/uploads", bytes.NewReader(content), headers...))
}

func into[T any](t testing.TB, r reply, status int) T {
	t.Helper()
	require.Equal(t, status, r.status, "%s", r.body)
	var v T
	require.NoError(t, json.Unmarshal(r.body, &v), "%s", r.body)
	return v
}

// problem requires that r is a problem with the given code.
func problem(t testing.TB, r reply, status int, code string) resource.Problem {
	t.Helper()
	p := into[resource.Problem](t, r, status)
	require.Equal(t, "application/problem+json", r.header.Get("Content-Type"))
	require.Equal(t, "urn:orak:problem:"+code, p.Type, "%s", r.body)
	require.Equal(t, status, p.Status)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	require.NotEmpty(t, p.Instance)
	require.Equal(t, p.Instance, r.header.Get("X-Request-Id"))
	return p
}

// analysis is a stored analysis.
const analysis = `{"audio":{"duration_s":1,"codec":"opus","sample_rate_hz":48000,"channels":1,"damage":[]},` +
	`"pitch":{"median_hz":220,"min_hz":110,"max_hz":440,"low_note":"A2","high_note":"A4","tessitura_low_hz":165,"tessitura_high_hz":330,"voiced_ratio":0.8,"hop_s":0.01},` +
	`"key":{"tonic":"A","mode":"minor","confidence":0.5},"tempo":{"bpm":96,"confidence":0.5},"loudness":{"integrated_lufs":-20,"true_peak_dbtp":-3},` +
	`"timbre":{"mfcc_mean":[1],"mfcc_std":[1],"centroid_hz":1500},"embedding":{"name":"builtin","version":"1","values":[1]},"engine":{"name":"builtin","version":"1"}}`

// wav is a valid recording of n bytes.
func wav(n int) []byte {
	w := mediatest.WAV(16000, 1, make([]int16, n/2))[:n]
	for i := 64; i < n; i++ {
		w[i] = byte(i * i >> 3)
	}
	return w
}

func uploadOf(t testing.TB, e events.Event) orak.Upload {
	t.Helper()
	r, err := e.Received()
	require.NoError(t, err)
	return r.Upload
}

// logBuffer collects the log of the server.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
