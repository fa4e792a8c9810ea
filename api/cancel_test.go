package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/internal/kafka"
)

func TestCancellationIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	p := progress(orak.DefaultTenant, orak.StatusAnalyzing)
	b.begin(p)
	problem(t, b.post(self(p)+"/cancel", "", tenant("band")), http.StatusNotFound, "not-found")
	for range 2 {
		u := into[resource.Upload](t, b.post(self(p)+"/cancel?reason=wrong+take", ""), http.StatusAccepted)
		require.Equal(t, orak.StatusAnalyzing, u.Status)
	}
	e := b.announced(1)[0]
	c, err := e.Cancellation()
	require.NoError(t, err)
	require.Equal(t, events.Cancellation{ID: p.Upload.ID, Tenant: orak.DefaultTenant, By: "anonymous", Reason: "wrong take"}, c)

	problem(t, b.post(self(p)+"/cancel?reason=a%0Ab", ""), http.StatusBadRequest, "invalid-request")
	for status, want := range map[orak.Status]int{
		orak.StatusCanceled: http.StatusOK, orak.StatusCompleted: http.StatusConflict, orak.StatusDiscarded: http.StatusConflict, orak.StatusExpired: http.StatusConflict,
	} {
		ended := progress(orak.DefaultTenant, status)
		b.outcome(ended)
		require.Equal(t, want, b.post(self(ended)+"/cancel", "").status, status)
	}
	problem(t, b.post("/v1/uploads/"+string(freshID())+"/cancel", ""), http.StatusNotFound, "not-found")
}

// The bridge drops a cancellation of an upload that it has not started. So the upload's
// own event comes first, even if it is still in the outbox.
func TestCancellationComesBehindTheAnnouncement(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) { b.cfg.AckWait = 10 * time.Millisecond })
	b.kafkaDown.Store(true)
	a := into[resource.Accepted](t, b.upload(wav(500)), http.StatusAccepted)
	hurried, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	failed := make(chan reply, 1)
	go func() { failed <- b.do(b.request(http.MethodPost, a.Links.Cancel, nil).WithContext(hurried)) }()
	problem(t, <-failed, http.StatusServiceUnavailable, "unavailable")

	b.kafkaDown.Store(false)
	var r reply
	b.eventually(func() bool { r = b.post(a.Links.Cancel, ""); return r.status == http.StatusAccepted }, "Kafka is back")
	got := b.announced(2)
	require.Equal(t, events.ReceivedID(a.ID), got[0].ID)
	require.Equal(t, events.CancellationID(a.ID), got[1].ID)
}

// markers are the keys of the outbox.
func (b *bundle) markers() []string {
	return slices.DeleteFunc(b.keys(), func(key string) bool { return !strings.HasPrefix(key, orak.PendingPrefix) })
}

// records returns the ids of the first n events on the topic of uploads, with repeats.
func (b *bundle) records(n int) (ids []string) { return b.recordsOn(b.broker, n) }

func (b *bundle) recordsOn(cluster *kfake.Cluster, n int) (ids []string) {
	b.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics(events.TopicUploads), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(b.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	for len(ids) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(b.t, ctx.Err(), "waiting for %d events, have %d", n, len(ids))
		for _, r := range fetches.Records() {
			e, err := events.FromRecord(r)
			require.NoError(b.t, err)
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// After a switch of clusters, the announcement may wait on the one that was active before:
// a cancellation on the other would be read first, and dropped.
func TestCancellationOfAnUploadThatIsNotStartedAnnouncesItOnceMore(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	b.younger()
	a := into[resource.Accepted](t, b.upload(wav(500)), http.StatusAccepted)
	b.eventually(func() bool { return len(b.markers()) == 0 }, "its marker is removed")
	require.Equal(t, http.StatusAccepted, b.post(a.Links.Cancel, "").status)
	require.Equal(t, []string{events.ReceivedID(a.ID), events.ReceivedID(a.ID), events.CancellationID(a.ID)}, b.records(3))
	require.Empty(t, b.markers())

	p := progress(orak.DefaultTenant, orak.StatusAnalyzing)
	b.begin(p)
	require.Equal(t, http.StatusAccepted, b.post(self(p)+"/cancel", "").status)
	all := b.records(4)
	require.Contains(t, all, events.CancellationID(p.Upload.ID))
	require.NotContains(t, all, events.ReceivedID(p.Upload.ID), "the bridge has read its announcement")
}

// A switch falls between the announcement of the upload and its cancellation.
func TestCancellationDuringASwitchComesBehindTheAnnouncement(t *testing.T) {
	t.Parallel()
	standby, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, events.TopicUploads))
	require.NoError(t, err)
	t.Cleanup(standby.Close)
	cl, err := kafka.NewClient(kafka.Config{Brokers: standby.ListenAddrs(), ClientID: "test"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	b := setupTemporal(t, func(b *bundle) {
		main := b.producer()
		router := kafka.NewRouter(main, map[kafka.Place]*kafka.Producer{kafka.Primary: main, kafka.Standby: kafka.NewProducer(cl)})
		b.deps.Events, b.deps.ActiveCluster = router, func() string { return string(router.Active()) }
		audit := b.broker.TopicInfo(events.TopicAudit).TopicID
		b.broker.ControlKey(int16(kmsg.Produce), func(k kmsg.Request) (kmsg.Response, error, bool) {
			b.broker.KeepControl()
			for _, topic := range k.(*kmsg.ProduceRequest).Topics {
				if topic.TopicID == audit { // the cancellation is recorded, and not announced yet
					router.Activate(kafka.Standby)
				}
			}
			return nil, nil, false
		})
	})
	b.younger()
	a := into[resource.Accepted](t, b.upload(wav(500)), http.StatusAccepted)
	b.eventually(func() bool { return len(b.markers()) == 0 }, "its marker is removed")
	require.Equal(t, http.StatusAccepted, b.post(a.Links.Cancel, "").status)
	require.Equal(t, []string{events.CancellationID(a.ID), events.ReceivedID(a.ID), events.CancellationID(a.ID)}, b.recordsOn(standby, 3))
	require.Empty(t, b.markers())
}

func TestRepeatedDecisionIsAnsweredLikeTheFirst(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	p := progress("choir", orak.StatusDeadLettered)
	b.begin(p)
	path, key := "/v1/dead-letters/"+string(p.Upload.ID), header{"Idempotency-Key", "one"}
	first := b.post(path+"/reprocess", decision, key)
	require.Equal(t, http.StatusAccepted, first.status, "%s", first.body)
	again := b.post(path+"/reprocess", decision, key)
	require.Equal(t, http.StatusAccepted, again.status)
	require.JSONEq(t, string(first.body), string(again.body))
	problem(t, b.post(path+"/discard", decision, key), http.StatusConflict, "not-parked")
	problem(t, b.post(path+"/reprocess", decision, header{"Idempotency-Key", "two"}), http.StatusConflict, "not-parked")
}

// An outcome is stored before Temporal shows it. A status that was answered from the
// store during an outage must not go back.
func TestStatusDoesNotGoBackFromItsOutcome(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	p := progress(orak.DefaultTenant, orak.StatusPublishing)
	p.Stage, p.Cycle = orak.StagePublish, 1
	b.begin(p)
	earlier := p
	earlier.Status, earlier.Cycle = orak.StatusDiscarded, 0
	b.outcome(earlier)
	require.Equal(t, orak.StatusPublishing, into[resource.Upload](t, b.get(self(p)), http.StatusOK).Status, "of another cycle")
	ended := p
	ended.Status, ended.Stage = orak.StatusCompleted, ""
	b.outcome(ended)
	require.Equal(t, orak.StatusCompleted, into[resource.Upload](t, b.get(self(p)), http.StatusOK).Status)
}
