package webhooks_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/control"
	"orak/events"
	"orak/internal/config"
	"orak/internal/kafka"
	"orak/internal/standardwebhooks"
	"orak/sinks/webhook"
	"orak/test/stack"
	"orak/workflows"
)

var (
	deliveries = flag.Int("deliveries", 10_000, "deliveries, over all receivers")
	rate       = flag.Int("rate", 25, "events a second; with their retries, 60 are more than Temporal on SQLite handles on two cores")
)

// within bounds the wait for the end of all deliveries.
const within = 12 * time.Minute

// receiver is a customer's server.
type receiver struct {
	name   string
	honest bool
	answer http.HandlerFunc
}

// receivers are honest ones, and everything that receivers do. Each is another tenant's.
func receivers() []receiver {
	var asked sync.Map // the ids that were refused once
	var answered, turn atomic.Int64
	ok := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	return []receiver{
		{"honest-1", true, ok}, {"honest-2", true, ok},
		{"slow", false, func(w http.ResponseWriter, r *http.Request) { stay(r, 1500*time.Millisecond); ok(w, r) }},
		{"failing", false, status(http.StatusInternalServerError)},
		// It turns away every fourth event once. A Retry-After holds the whole webhook: one that
		// turned away each would take less than is sent to it.
		{"busy", false, func(w http.ResponseWriter, r *http.Request) {
			if _, again := asked.LoadOrStore(r.Header.Get(standardwebhooks.HeaderID), true); again || turn.Add(1)%4 != 0 {
				ok(w, r)
				return
			}
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}},
		{"resetting", false, func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}},
		{"silent", false, func(_ http.ResponseWriter, r *http.Request) { stay(r, time.Minute) }},
		{"gone-later", false, func(w http.ResponseWriter, r *http.Request) {
			if answered.Add(1) > 300 {
				w.WriteHeader(http.StatusGone)
				return
			}
			ok(w, r)
		}},
	}
}

// stay waits, unless the sender goes away.
func stay(r *http.Request, d time.Duration) {
	_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the sender is gone
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// storm is a Kafka, a Temporal and two processes of the role.
type storm struct {
	t         *testing.T
	ctx       context.Context
	kafka     kafka.Config
	cl        *kgo.Client
	temporal  client.Client
	namespace string
	writer    *control.Writer
	metrics   *prometheus.Registry

	mu sync.Mutex
	// sent and took are when an event was published, and how long it took to its first
	// request, by event id.
	sent map[string]time.Time
	took map[string][]time.Duration // by receiver
	got  map[string]map[string]bool // by receiver, the events
}

// Ten thousand deliveries to receivers of which most are slow or broken: each is delivered,
// or ends as it should, and honest receivers do not wait for the others.
func TestHonestReceiversAreNotDelayed(t *testing.T) {
	s := newStorm(t)
	all := receivers()
	hooks := map[string]control.Webhook{}
	for _, r := range all {
		hooks[r.name] = s.add(r)
	}
	alone := s.publish(all[:2], 500)
	t.Logf("honest receivers alone: %v", alone)
	for name := range s.took {
		s.took[name] = nil
	}
	beside := s.publish(all, *deliveries)
	t.Logf("honest receivers beside %d others: %v", len(all)-2, beside)

	waiting := func(query string) int64 {
		n, err := s.temporal.CountWorkflow(s.ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: s.namespace, Query: query})
		if err != nil {
			return -1
		}
		return n.GetCount()
	}
	began := time.Now()
	require.Eventually(t, func() bool { return waiting("WorkflowType = 'DeliverWebhook' AND ExecutionStatus = 'Running'") == 0 }, within, time.Second)
	t.Logf("all ended %.0f s after the last event", time.Since(began).Seconds())
	total := int64(0)
	for _, r := range all {
		query := workflows.DeliveryQuery(tenantOf(r), hooks[r.name].ID, time.Time{}, time.Time{})
		delivered, failed := waiting(query+" AND ExecutionStatus = 'Completed'"), waiting(query+" AND ExecutionStatus = 'Failed'")
		total += delivered + failed
		t.Logf("%-10s delivered %d, failed %d, different events received %d", r.name, delivered, failed, len(s.got[r.name]))
		switch r.name {
		case "failing", "resetting", "silent":
			require.Zero(t, delivered, r.name)
		case "gone-later":
		default:
			require.Zero(t, failed, r.name)
		}
		if r.name != "silent" && delivered > 0 {
			require.GreaterOrEqual(t, len(s.got[r.name]), int(delivered))
		}
	}
	require.Equal(t, int64(*deliveries/len(all)*len(all)+500), total)
	require.Less(t, beside.p99, max(3*alone.p99, 3*time.Second), "honest receivers waited")
}

// figures are of the time from an event to its request.
type figures struct{ p50, p99, max time.Duration }

func figuresOf(all []time.Duration) figures {
	if len(all) == 0 {
		return figures{}
	}
	slices.SortFunc(all, cmp.Compare[time.Duration])
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))].Round(time.Millisecond) }
	return figures{at(.5), at(.99), at(1)}
}

func newStorm(t *testing.T) *storm {
	ctx, cancel := context.WithTimeout(context.Background(), 2*within)
	t.Cleanup(cancel)
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	servers := stack.Start(t)
	s := &storm{
		t: t, ctx: ctx, kafka: kafka.Config{Brokers: fake.ListenAddrs(), ClientID: "test", ReplicationFactor: 1}, metrics: prometheus.NewRegistry(),
		namespace: servers.Namespace(t), sent: map[string]time.Time{}, took: map[string][]time.Duration{}, got: map[string]map[string]bool{},
	}
	s.temporal = servers.Client(t, s.namespace)
	s.cl, err = kafka.NewClient(s.kafka, quiet())
	require.NoError(t, err)
	t.Cleanup(s.cl.Close)
	require.NoError(t, kafka.EnsureTopics(ctx, s.cl, events.Topics(), 1))
	cfg := config.MustDefaults[webhook.Config]()
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	cfg.Sending.Keys, cfg.Sending.AllowInsecure, cfg.Sending.Timeout = []string{"a=" + base64.StdEncoding.EncodeToString(random)}, true, 2*time.Second
	cfg.RetryFirst, cfg.RetryMax, cfg.GiveUpAfter = 2*time.Second, 30*time.Second, 2*time.Minute
	for range 2 {
		view, writer := s.controls()
		sink, err := webhook.New(cfg, webhook.Deps{
			Kafka: s.kafka, Temporal: servers.Client(t, s.namespace), Namespace: s.namespace, Documents: view, Writer: writer,
			Publisher: kafka.NewProducer(s.cl), Notifier: chat{}, Log: quiet(), Metrics: prometheus.NewRegistry(),
		})
		require.NoError(t, err)
		require.NoError(t, sink.Start(ctx))
		t.Cleanup(func() { require.NoError(t, sink.Stop(context.Background())) })
		s.writer = writer
	}
	return s
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

type chat struct{}

func (chat) Post(context.Context, string) error { return nil }

func (s *storm) controls() (*control.View, *control.Writer) {
	v := control.NewView(control.Config{MaxDocuments: 1000, MaxBytes: 1 << 20, LoadWait: time.Second}, control.Deps{Kafka: s.kafka, Log: quiet()})
	require.NoError(s.t, v.Start(s.ctx))
	s.t.Cleanup(func() { require.NoError(s.t, v.Stop(context.Background())) })
	require.NoError(s.t, v.AwaitLoaded(s.ctx))
	return v, control.NewWriter(s.kafka, v, quiet())
}

func tenantOf(r receiver) orak.Tenant { return orak.Tenant(r.name) }

// add starts a receiver and adds its webhook.
func (s *storm) add(r receiver) control.Webhook {
	s.got[r.name] = map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		id := req.Header.Get(standardwebhooks.HeaderID)
		s.mu.Lock()
		if !s.got[r.name][id] {
			s.got[r.name][id] = true
			s.took[r.name] = append(s.took[r.name], time.Since(s.sent[id]))
		}
		s.mu.Unlock()
		r.answer(w, req)
	}))
	s.t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	h := control.Webhook{
		Tenant: tenantOf(r), ID: "wh" + strings.ToLower(rand.Text())[:20], URL: server.URL, CreatedAt: time.Now().UTC(), CreatedBy: "test",
		Secret: control.WebhookSecret{Key: "a", Salt: []byte(rand.Text())},
	}
	h.By = "test"
	h, err := s.writer.PutWebhook(s.ctx, h)
	require.NoError(s.t, err)
	return h
}

// publish publishes events of the receivers in turn, and returns how long those of honest
// ones took.
func (s *storm) publish(to []receiver, n int) figures {
	n = n / len(to) * len(to)
	ticker := time.NewTicker(time.Second / time.Duration(*rate))
	defer ticker.Stop()
	for i := range n {
		<-ticker.C
		e := completed(tenantOf(to[i%len(to)]))
		s.mu.Lock()
		s.sent[e.ID] = time.Now()
		s.mu.Unlock()
		s.cl.Produce(s.ctx, e.Record(events.TopicLifecycle), func(_ *kgo.Record, err error) {
			if err != nil {
				s.t.Errorf("publishing: %v", err)
			}
		})
	}
	require.NoError(s.t, s.cl.Flush(s.ctx))
	of := func() (all []time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, r := range to {
			if r.honest {
				all = append(all, s.took[r.name]...)
			}
		}
		return all
	}
	arrived := time.Now()
	require.Eventually(s.t, func() bool { return len(of()) >= n/len(to)*2 || time.Since(arrived) > within/2 }, within, 50*time.Millisecond)
	require.Len(s.t, of(), n/len(to)*2, "events that arrived at honest receivers")
	return figuresOf(of())
}

// completed is the event of an upload's end.
func completed(t orak.Tenant) events.Event {
	id := orak.UploadID(uuid.Must(uuid.NewV7()).String())
	u := orak.Upload{ID: id, Tenant: t, Key: orak.OriginalKey(t, id), Size: 1, SHA256: strings.Repeat("0a", 32), ReceivedAt: time.Now().UTC()}
	e, err := events.NewLifecycle(events.EndID(id, 1), events.Completed, time.Now(), events.Lifecycle{Upload: u, Status: orak.StatusCompleted, Cycle: 1})
	if err != nil {
		panic(err)
	}
	return e
}
