package webhook_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/activities"
	"orak/control"
	"orak/events"
)

// An event is sent once to each webhook that wants it, however often it is read, and the
// library of Standard Webhooks accepts it.
func TestEventsAreSentOnceAndVerify(t *testing.T) {
	b := setup(t)
	all, some := newReceiver(t, nil), newReceiver(t, nil)
	everything := b.add(all.URL + "/hook?token=hidden-in-the-url")
	b.add(some.URL, events.Canceled)
	b.start()
	e, foreign := completed(choir), completed("other")
	b.publish(e, foreign, e)
	last := completed(choir)
	b.publish(last)

	history := b.ended(everything, e.ID)
	b.ended(everything, last.ID)
	got := all.requests() // in any order
	require.Len(t, got, 2)
	if got[0].Header.Get("Webhook-Id") == last.ID {
		slices.Reverse(got)
	}
	require.Empty(t, some.requests())
	require.Len(t, history, 11)
	b.record("webhook_delivered", history)

	body := verify(t, b.secret(everything), got[0])
	require.Equal(t, e.ID, got[0].Header.Get("Webhook-Id"))
	require.Equal(t, string(events.Completed), body["type"])
	data := body["data"].(map[string]any)
	require.Equal(t, string(e.Subject), data["upload_id"])
	require.Equal(t, "ann", data["owner"])
	require.Equal(t, map[string]any{"take": 3.}, data["metadata"])
	require.Equal(t, "https://orak.example.org/v1/uploads/"+string(e.Subject), data["links"].(map[string]any)["upload"])
	for _, secret := range []string{"whsec_", "hidden-in-the-url", "secret-name", `"ann"`} {
		require.NotContains(t, b.log.String(), secret)
	}
}

// A receiver that refuses gets the same id and body again, signed anew, and no sooner than
// it asked for; the history does not grow.
func TestRefusedDeliveryIsTriedAgain(t *testing.T) {
	b := setup(t)
	r := newReceiver(t, func(w http.ResponseWriter, n int) {
		switch n {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
		case 3:
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusFound)
		}
	})
	h := b.add(r.URL)
	b.start()
	e := completed(choir)
	b.publish(e)
	history := b.ended(h, e.ID)
	require.Len(t, history, 11)
	got := r.requests()
	require.Len(t, got, 4)
	require.GreaterOrEqual(t, got[2].At.Sub(got[1].At), 2*time.Second)
	for _, request := range got {
		verify(t, b.secret(h), request)
		require.Equal(t, got[0].Body, request.Body)
		require.Equal(t, e.ID, request.Header.Get("Webhook-Id"))
	}
	require.NotEqual(t, got[0].Header.Get("Webhook-Timestamp"), got[3].Header.Get("Webhook-Timestamp"))
}

// Both secrets sign while one is rotated.
func TestRotatedSecretsBothVerify(t *testing.T) {
	b := setup(t)
	r := newReceiver(t, nil)
	h := b.add(r.URL)
	former := b.secret(h)
	old := h.Secret
	h.Previous, h.PreviousUntil, h.Secret.Salt = &old, time.Now().Add(time.Hour), []byte("another salt of 16 bytes")
	h, err := b.writer.PutWebhook(b.ctx, h)
	require.NoError(t, err)
	b.start()
	b.publish(completed(choir))
	got := r.await(t, 1)[0]
	require.NotEqual(t, former, b.secret(h))
	verify(t, former, got)
	verify(t, b.secret(h), got)
}

// A receiver that is gone is paused, and people and the tenant's other webhooks are told.
func TestGoneReceiverIsPaused(t *testing.T) {
	b := setup(t)
	r, other := newReceiver(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusGone) }), newReceiver(t, nil)
	h, watching := b.add(r.URL, events.Completed), b.add(other.URL, control.WebhookStopped)
	b.start()
	e := completed(choir)
	b.publish(e)
	history := b.ended(h, e.ID)
	require.Equal(t, activities.WebhookGone, failure(history))
	require.Len(t, history, 11)
	b.record("webhook_gone", history)
	require.NoError(t, b.view.Sync(b.ctx))
	paused, ok := b.view.Webhook(choir, h.ID)
	require.True(t, ok)
	require.NotNil(t, paused.Paused)
	require.Equal(t, "orak", paused.Paused.By)
	require.Len(t, b.posts.list(), 1)
	require.Contains(t, b.posts.list()[0], h.ID)
	body := verify(t, b.secret(watching), other.await(t, 1)[0])
	require.Equal(t, string(control.WebhookStopped), body["type"])
	require.Equal(t, h.ID, body["data"].(map[string]any)["webhook_id"])

	later := completed(choir)
	b.publish(later)
	require.Equal(t, activities.WebhookPaused, failure(b.ended(h, later.ID)))
	require.Len(t, r.requests(), 1, "a paused webhook was sent something")
}

// A delivery that fails to the end of its time pauses the webhook, unless another one
// succeeded meanwhile.
func TestFailingReceiverIsPausedAtTheEnd(t *testing.T) {
	b := setup(t)
	b.cfg.GiveUpAfter = 2 * time.Second
	r := newReceiver(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusBadGateway) })
	h := b.add(r.URL)
	b.start()
	e := completed(choir)
	b.publish(e)
	history := b.ended(h, e.ID)
	require.Equal(t, activities.WebhookRefused, failure(history))
	require.LessOrEqual(t, len(history), 17)
	b.record("webhook_exhausted", history)
	require.NoError(t, b.view.Sync(b.ctx))
	paused, _ := b.view.Webhook(choir, h.ID)
	require.NotNil(t, paused.Paused)
	require.Contains(t, paused.Paused.Reason, "502")
}

// A webhook that was removed ends its deliveries.
func TestRemovedWebhookEndsItsDeliveries(t *testing.T) {
	b := setup(t)
	r := newReceiver(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusBadGateway) })
	h := b.add(r.URL)
	b.start()
	e := completed(choir)
	b.publish(e)
	r.await(t, 1)
	require.NoError(t, b.writer.RemoveWebhook(b.ctx, h, "test"))
	require.Equal(t, activities.WebhookRemoved, failure(b.ended(h, e.ID)))
}
