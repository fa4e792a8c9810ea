package webhook_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/control"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	sending "orak/internal/standardwebhooks"
	"orak/sinks/webhook"
	"orak/test/stack"
	"orak/workflows"
)

// within bounds the waits of tests. It is no expectation of speed.
const within = 60 * time.Second

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// bundle is a broker, a Temporal namespace and the control documents.
type bundle struct {
	t         *testing.T
	ctx       context.Context
	kafka     kafka.Config
	cl        *kgo.Client
	temporal  client.Client
	namespace string
	view      *control.View
	writer    *control.Writer
	cfg       webhook.Config
	keys      sending.Keys
	log       *buffer
	posts     *posts
	metrics   *prometheus.Registry
}

// key is one of webhooks-keys.
func key(id string) string {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	return id + "=" + base64.StdEncoding.EncodeToString(random)
}

func config() webhook.Config {
	return webhook.Config{
		Config: consume.Config{
			Inflight: 16, CommitInterval: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond,
			DrainTimeout: time.Second, SessionTimeout: 6 * time.Second,
		},
		Sending:      sending.Config{Keys: []string{key("a")}, Ports: []string{"443"}, AllowInsecure: true, Timeout: 2 * time.Second, PublicURL: "https://orak.example.org"},
		StartTimeout: 10 * time.Second, Slots: 100, PerWebhook: 10, PerTenant: 50,
		RetryFirst: 50 * time.Millisecond, RetryMax: time.Second, GiveUpAfter: time.Hour, StopTimeout: 5 * time.Second,
	}
}

func setup(t *testing.T) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*within)
	t.Cleanup(cancel)
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	b := &bundle{
		t: t, ctx: ctx, kafka: kafka.Config{Brokers: fake.ListenAddrs(), ClientID: "test", ReplicationFactor: 1}, cfg: config(),
		log: &buffer{}, posts: &posts{}, metrics: prometheus.NewRegistry(),
	}
	b.keys, err = sending.ParseKeys(b.cfg.Sending.Keys)
	require.NoError(t, err)
	b.cl, err = kafka.NewClient(b.kafka, quiet(), kgo.MetadataMinAge(50*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(b.cl.Close)
	require.NoError(t, kafka.EnsureTopics(ctx, b.cl, events.Topics(), 1))
	servers := stack.Start(t)
	b.namespace = servers.Namespace(t)
	b.temporal = servers.Client(t, b.namespace)
	b.view, b.writer = b.controls()
	return b
}

// controls are another process's view and writer of the control documents.
func (b *bundle) controls() (*control.View, *control.Writer) {
	v := control.NewView(control.Config{MaxDocuments: 1000, MaxBytes: 1 << 20, LoadWait: time.Second}, control.Deps{Kafka: b.kafka, Log: quiet()})
	require.NoError(b.t, v.Start(b.ctx))
	b.t.Cleanup(func() { require.NoError(b.t, v.Stop(context.Background())) })
	require.NoError(b.t, v.AwaitLoaded(b.ctx))
	return v, control.NewWriter(b.kafka, v, quiet())
}

// start starts a member of the group, with a view of its own.
func (b *bundle) start() *webhook.Sink {
	b.t.Helper()
	v, w := b.controls()
	s, err := webhook.New(b.cfg, webhook.Deps{
		Kafka: b.kafka, KafkaOpts: []kgo.Opt{kgo.HeartbeatInterval(200 * time.Millisecond)}, Temporal: b.temporal, Namespace: b.namespace,
		Documents: v, Writer: w, Publisher: kafka.NewProducer(b.cl), Notifier: b.posts,
		Log: slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Metrics: b.metrics,
	})
	require.NoError(b.t, err)
	require.NoError(b.t, s.Start(b.ctx))
	b.t.Cleanup(func() { require.NoError(b.t, s.Stop(context.Background())) })
	return s
}

const choir orak.Tenant = "choir"

// add adds a webhook for events of some types; none means all.
func (b *bundle) add(url string, types ...events.Type) control.Webhook {
	b.t.Helper()
	h := control.Webhook{
		Tenant: choir, ID: "wh" + strings.ToLower(rand.Text())[:20], URL: url, CreatedAt: time.Now().UTC(), CreatedBy: "test",
		Secret: control.WebhookSecret{Key: "a", Salt: []byte(rand.Text())},
	}
	for _, t := range types {
		h.Events = append(h.Events, string(t))
	}
	h.By = "test"
	h, err := b.writer.PutWebhook(b.ctx, h)
	require.NoError(b.t, err)
	return h
}

// secret is what the receiver of h configures.
func (b *bundle) secret(h control.Webhook) string {
	s, err := b.keys.Secret(h.Secret.Key, h.Secret.Salt, h.ID)
	require.NoError(b.t, err)
	return s.Reveal()
}

// completed is the event of an upload's end.
func completed(t orak.Tenant) events.Event {
	id := orak.UploadID(uuid.Must(uuid.NewV7()).String())
	u := orak.Upload{
		ID: id, Tenant: t, Key: orak.OriginalKey(t, id), Size: 1, SHA256: strings.Repeat("0a", 32), ReceivedAt: time.Now().UTC(),
		Filename: "secret-name.wav", Owner: "ann", Metadata: `{"take":3}`,
	}
	e, err := events.NewLifecycle(events.EndID(id, 1), events.Completed, time.Now(), events.Lifecycle{Upload: u, Status: orak.StatusCompleted, Cycle: 1})
	if err != nil {
		panic(err)
	}
	return e
}

func (b *bundle) publish(all ...events.Event) {
	b.t.Helper()
	var records []*kgo.Record
	for _, e := range all {
		records = append(records, e.Record(events.TopicLifecycle))
	}
	require.NoError(b.t, b.cl.ProduceSync(b.ctx, records...).FirstErr())
}

// received is a request that a receiver got.
type received struct {
	Header http.Header
	Body   []byte
	At     time.Time
}

// receiver is a customer's server.
type receiver struct {
	*httptest.Server

	mu  sync.Mutex
	got []received
}

// newReceiver answers the request number n, from 1, as answer says; nil means 204.
func newReceiver(t *testing.T, answer func(w http.ResponseWriter, n int)) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.got = append(r.got, received{req.Header.Clone(), body, time.Now()})
		n := len(r.got)
		r.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, n)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) requests() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

// await returns the first n requests.
func (r *receiver) await(t *testing.T, n int) []received {
	t.Helper()
	require.Eventually(t, func() bool { return len(r.requests()) >= n }, within, 10*time.Millisecond)
	return r.requests()
}

// verify checks a request with the library of Standard Webhooks, and returns its body.
func verify(t *testing.T, secret string, r received) map[string]any {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	require.NoError(t, wh.Verify(r.Body, r.Header))
	var body map[string]any
	require.NoError(t, json.Unmarshal(r.Body, &body))
	return body
}

// ended waits for the end of a delivery, and returns its history.
func (b *bundle) ended(h control.Webhook, eventID string) []*historypb.HistoryEvent {
	b.t.Helper()
	id := workflows.WebhookWorkflowID(h.ID, eventID)
	require.Eventually(b.t, func() bool {
		d, err := b.temporal.DescribeWorkflowExecution(b.ctx, id, "")
		return err == nil && d.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	}, within, 20*time.Millisecond)
	var all []*historypb.HistoryEvent
	for events := b.temporal.GetWorkflowHistory(b.ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		e, err := events.Next()
		require.NoError(b.t, err)
		all = append(all, e)
	}
	return all
}

// failure returns the type of the error with which a delivery ended.
func failure(all []*historypb.HistoryEvent) string {
	f := all[len(all)-1].GetWorkflowExecutionFailedEventAttributes().GetFailure()
	for f.GetApplicationFailureInfo() == nil && f.GetCause() != nil {
		f = f.GetCause()
	}
	return f.GetApplicationFailureInfo().GetType()
}

// buffer is a log that may be written to at any time.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// posts is the operators' chat.
type posts struct {
	mu  sync.Mutex
	all []string
}

func (p *posts) Post(_ context.Context, markdown string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, markdown)
	return nil
}

func (p *posts) list() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.all...)
}
