package api_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak/activities"
	"orak/api"
	"orak/api/resource"
	"orak/control"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/standardwebhooks"
	"orak/workflows"
)

// webhookBundle is a server with webhooks, and a worker of their queue whose sending is
// scripted.
type webhookBundle struct {
	*bundle
	view *control.View
	// refuse makes attempts fail for good.
	refuse *atomic.Bool
	sent   *atomic.Int32
}

func setupWebhooks(t *testing.T) *webhookBundle {
	t.Helper()
	b := prepare(t)
	cfg := kafka.Config{Brokers: b.broker.ListenAddrs(), ClientID: "test", ReplicationFactor: 1}
	quiet := slog.New(slog.DiscardHandler)
	cl, err := kafka.NewClient(cfg, quiet)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, []events.Topic{{Name: events.TopicControl, Partitions: 1, Compacted: true}}, 1))
	view := control.NewView(control.Config{MaxDocuments: 100, MaxBytes: 1 << 20, LoadWait: time.Second}, control.Deps{Kafka: cfg, Log: quiet})
	require.NoError(t, view.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, view.Stop(context.Background())) })
	require.NoError(t, view.AwaitLoaded(t.Context()))
	b.deps.Webhooks = struct {
		*control.View
		*control.Writer
	}{view, control.NewWriter(cfg, view, quiet)}
	b.deps.Sending = standardwebhooks.Config{
		Keys: []string{"a=" + base64.StdEncoding.EncodeToString(make([]byte, 32))}, Ports: []string{"443"}, Timeout: time.Second,
	}
	b.deps.GiveUpAfter = time.Minute
	b.cfg.MaxTenantWebhooks = 3
	temporalClient := b.servers.Client(t, b.servers.Namespace(t))
	b.deps.Workflows = temporalClient

	wb := &webhookBundle{bundle: b, view: view, refuse: &atomic.Bool{}, sent: &atomic.Int32{}}
	w := worker.New(temporalClient, workflows.QueueWebhooks, worker.Options{})
	w.RegisterWorkflowWithOptions(workflows.DeliverWebhook, workflow.RegisterOptions{Name: workflows.TypeDeliverWebhook})
	w.RegisterActivityWithOptions(func(context.Context, activities.WebhookDelivery) (activities.WebhookReceipt, error) {
		wb.sent.Add(1)
		tries := activities.WebhookTries{Made: 2, Status: 204, At: time.Now()}
		if wb.refuse.Load() {
			tries.Status = 410
			return activities.WebhookReceipt{}, temporal.NewNonRetryableApplicationError("The receiver answered 410 Gone.", activities.WebhookGone, nil, tries)
		}
		return activities.WebhookReceipt{WebhookTries: tries, Milliseconds: 3}, nil
	}, activity.RegisterOptions{Name: activities.TypeSendWebhook})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	b.start()
	return wb
}

var _ api.Webhooks = struct {
	*control.View
	*control.Writer
}{}

func (b *webhookBundle) add(body string, headers ...header) resource.Webhook {
	b.t.Helper()
	return into[resource.Webhook](b.t, b.post("/v1/webhooks", body, headers...), http.StatusCreated)
}

func (b *webhookBundle) send(method, path, body string, headers ...header) reply {
	b.t.Helper()
	headers = append([]header{{"Content-Type", "application/json"}}, headers...)
	return b.do(b.request(method, path, strings.NewReader(body), headers...))
}

func TestWebhookIsMadeChangedAndRemoved(t *testing.T) {
	t.Parallel()
	b := setupWebhooks(t)
	h := b.add(`{"url":"https://app.example.org/hook"}`)
	require.True(t, strings.HasPrefix(h.Secret, "whsec_"))
	require.Contains(t, h.Events, string(events.Completed))
	require.NotContains(t, h.Events, string(events.Converted))
	path := "/v1/webhooks/" + h.ID

	shown := into[resource.Webhook](t, b.get(path), http.StatusOK)
	require.Empty(t, shown.Secret)
	require.Equal(t, resource.WebhookActive, shown.Status)
	changed := into[resource.Webhook](t, b.send(http.MethodPatch, path, `{"events":["*"],"description":"mine"}`), http.StatusOK)
	require.Equal(t, []string{"*"}, changed.Events)
	require.Equal(t, h.URL, changed.URL)
	require.Greater(t, changed.Version, h.Version)

	rotated := into[resource.Webhook](t, b.post(path+"/rotate", `{"overlap_seconds":60}`), http.StatusOK)
	require.NotEqual(t, h.Secret, rotated.Secret)
	require.False(t, rotated.PreviousUntil.IsZero())
	problem(t, b.post(path+"/rotate", `{}`), http.StatusConflict, "webhook-rotating")
	forced := into[resource.Webhook](t, b.post(path+"/rotate", `{"force":true,"overlap_seconds":0}`), http.StatusOK)
	require.True(t, forced.PreviousUntil.IsZero())

	paused := into[resource.Webhook](t, b.post(path+"/pause", `{"reason":"moving"}`), http.StatusOK)
	require.Equal(t, "moving", paused.Paused.Reason)
	problem(t, b.post(path+"/redeliver", `{"from":"2026-11-01T00:00:00Z"}`), http.StatusConflict, "webhook-paused")
	require.Nil(t, into[resource.Webhook](t, b.post(path+"/resume", `{}`), http.StatusOK).Paused)

	require.Len(t, into[resource.Webhooks](t, b.get("/v1/webhooks"), http.StatusOK).Webhooks, 1)
	require.Equal(t, http.StatusNoContent, b.do(b.request(http.MethodDelete, path, nil)).status)
	problem(t, b.get(path), http.StatusNotFound, "not-found")
	for _, secret := range []string{h.Secret, rotated.Secret, forced.Secret, "app.example.org"} {
		require.NotContains(t, b.log.String(), secret)
	}
	for _, key := range b.view.Keys("") {
		d, _ := b.view.Document(key)
		require.NotContains(t, string(d.Value), "whsec_")
	}
}

func TestBadWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	b := setupWebhooks(t)
	for body, code := range map[string]string{
		`{}`: "invalid-request", `{"url":5}`: "invalid-request", `{"url":"https://a.example","owner":"x"}`: "invalid-request",
		`{"url":"https://a.example","events":[]}`: "invalid-request", `{"url":"https://a.example","events":["orak.upload.received"]}`: "invalid-request",
		`{"url":"https://a.example","description":"\u0000"}`: "invalid-request",
	} {
		problem(t, b.post("/v1/webhooks", body), http.StatusBadRequest, code)
	}
	for _, url := range []string{"http://a.example", "https://127.0.0.1", "https://10.0.0.1", "https://u:p@a.example", "https://a.example/" + strings.Repeat("x", 2048)} {
		problem(t, b.post("/v1/webhooks", `{"url":`+strconv.Quote(url)+`}`), http.StatusUnprocessableEntity, "invalid-webhook-url")
	}
	for range b.cfg.MaxTenantWebhooks {
		b.add(`{"url":"https://a.example"}`)
	}
	problem(t, b.post("/v1/webhooks", `{"url":"https://a.example"}`), http.StatusConflict, "too-many-webhooks")
	b.add(`{"url":"https://a.example"}`, tenant("other"))
}

// Every route of a webhook answers another tenant as if there were none.
func TestWebhooksOfAnotherTenantAreNotFound(t *testing.T) {
	t.Parallel()
	b := setupWebhooks(t)
	h := b.add(`{"url":"https://a.example"}`, tenant("choir"))
	pinged := into[resource.PingedWebhook](t, b.post("/v1/webhooks/"+h.ID+"/ping", `{}`, tenant("choir")), http.StatusAccepted)
	tested := 0
	for _, route := range b.Routes() {
		method, path, _ := strings.Cut(route, " ")
		if !strings.Contains(path, "/webhooks/:id") || method == http.MethodHead {
			continue
		}
		tested++
		path = strings.NewReplacer(":id", h.ID, ":delivery", pinged.Delivery).Replace(path)
		problem(t, b.send(method, path, `{}`, tenant("thief")), http.StatusNotFound, "not-found")
		problem(t, b.send(method, path, `{}`, tenant("*")), http.StatusBadRequest, "invalid-tenant")
	}
	require.GreaterOrEqual(t, tested, 10)
	require.Empty(t, into[resource.Webhooks](t, b.get("/v1/webhooks", tenant("thief")), http.StatusOK).Webhooks)
	require.Equal(t, http.StatusOK, b.get("/v1/webhooks/"+h.ID, tenant("choir")).status)
	// The delivery of one webhook is not that of another.
	other := b.add(`{"url":"https://a.example"}`, tenant("choir"))
	problem(t, b.get("/v1/webhooks/"+other.ID+"/deliveries/"+pinged.Delivery, tenant("choir")), http.StatusNotFound, "not-found")
}

func TestDeliveriesAreListedAndSentAgain(t *testing.T) {
	t.Parallel()
	b := setupWebhooks(t)
	h := b.add(`{"url":"https://a.example"}`)
	path := "/v1/webhooks/" + h.ID
	in := activities.WebhookDelivery{
		Tenant: "default", Webhook: h.ID, EventID: "01a22518-53dd-7104-a2d4-0dd378414f56/end/1", Type: string(events.Completed), At: time.Now().UTC(),
		Body: []byte(`{}`), GiveUpAfter: time.Minute,
	}
	deliver := func() {
		_, err := b.deps.Workflows.ExecuteWorkflow(t.Context(), workflows.WebhookStartOptions(in, false), workflows.TypeDeliverWebhook, in)
		require.NoError(t, err)
	}
	b.refuse.Store(true)
	deliver()
	id, _ := workflows.DeliveryID(in.EventID)
	var d resource.WebhookDelivery
	b.eventually(func() bool {
		r := b.get(path + "/deliveries/" + id)
		if r.status == http.StatusOK {
			d = into[resource.WebhookDelivery](t, r, http.StatusOK)
		}
		return d.Status == resource.DeliveryFailed
	}, "it failed")
	require.Equal(t, in.EventID, d.EventID)
	require.Equal(t, 2, d.Attempts.Made)
	require.Equal(t, 410, d.Attempts.LastStatus)
	require.Equal(t, activities.WebhookGone, d.Attempts.Ended)
	b.eventually(func() bool {
		page := into[resource.WebhookDeliveryPage](t, b.get(path+"/deliveries?status=failed"), http.StatusOK)
		return len(page.Deliveries) == 1
	}, "visibility has it")

	b.refuse.Store(false)
	from := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	done := into[resource.Redelivered](t, b.post(path+"/redeliver", `{"from":"`+from+`"}`), http.StatusAccepted)
	require.Equal(t, resource.Redelivered{Started: 1}, done)
	b.eventually(func() bool {
		page := into[resource.WebhookDeliveryPage](t, b.get(path+"/deliveries?status=delivered"), http.StatusOK)
		return len(page.Deliveries) == 1 && page.Deliveries[0].Again
	}, "it was delivered")
	require.Equal(t, int32(2), b.sent.Load())

	// What failed was sent again already.
	done = into[resource.Redelivered](t, b.post(path+"/redeliver", `{"from":"`+from+`"}`), http.StatusAccepted)
	require.Equal(t, resource.Redelivered{Skipped: 1}, done)
	done = into[resource.Redelivered](t, b.post(path+"/redeliver", `{"delivery":"`+id+`"}`), http.StatusAccepted)
	require.Equal(t, 1, done.Started)

	for body, status := range map[string]int{
		`{}`: 400, `{"delivery":"` + id + `","from":"` + from + `"}`: 400, `{"from":"` + from + `","to":"2020-01-01T00:00:00Z"}`: 400,
		`{"from":"2020-01-01T00:00:00Z"}`: 400, `{"from":"` + from + `","page_token":"x"}`: 400, `{"delivery":"missing"}`: 404, `{"delivery":"a' OR 1=1"}`: 404,
	} {
		require.Equal(t, status, b.post(path+"/redeliver", body).status, body)
	}
	require.Equal(t, http.StatusBadRequest, b.get(path+"/deliveries?status=x").status)
	require.Equal(t, http.StatusBadRequest, b.get(path+"/deliveries?from=yesterday").status)
}

func TestWebhooksNeedAKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	problem(t, b.get("/v1/webhooks"), http.StatusServiceUnavailable, "unavailable")
	problem(t, b.post("/v1/webhooks", `{"url":"https://a.example"}`), http.StatusServiceUnavailable, "unavailable")
}
