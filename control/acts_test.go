package control_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/control"
	"orak/events"
	"orak/internal/kafka"
)

// acts reads the committed records of n acts.
func (b *bundle) acts(n int) (list []events.Act) {
	b.t.Helper()
	cl, err := kafka.NewClient(b.kafka, quiet(), kgo.ConsumeTopics(events.TopicAudit), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	require.NoError(b.t, err)
	defer cl.Close()
	for len(list) < n {
		fetches := cl.PollFetches(b.ctx)
		require.NoError(b.t, b.ctx.Err(), "only %d of %d acts", len(list), n)
		fetches.EachRecord(func(r *kgo.Record) {
			a, err := events.ActFrom(r)
			require.NoError(b.t, err)
			list = append(list, a)
		})
	}
	return list
}

func TestEachChangeIsRecorded(t *testing.T) {
	b := setup(t)
	v := b.loaded()
	w := b.writer(v)
	b.set(v, control.Change{Setting: "gpu-slots", Value: "3", By: "kafka/ops (ann)"})
	b.set(v, control.Change{Setting: "tier", Tenant: "choir", Value: control.TierBackfill})
	_, err := w.Apply(b.ctx, control.Change{Setting: "gpu-slots", Value: "4", By: "bob", Seen: 99})
	require.Error(t, err, "a conflict")
	b.set(v, control.Change{Setting: "gpu-slots", Unset: true})

	secret := control.Secret{SHA256: make([]byte, 32), TokenKey: make([]byte, 32)}
	key, err := w.PutKey(b.ctx, control.Key{ID: "aaaa", Name: "app", Tenant: "choir", Scopes: []string{"read"}, CreatedAt: time.Now(), Secret: secret, Stamp: control.Stamp{By: "ann"}})
	require.NoError(t, err)
	key.Secret.SHA256 = []byte("01234567890123456789012345678901")
	key, err = w.PutKey(b.ctx, key)
	require.NoError(t, err)
	require.NoError(t, w.RemoveKey(b.ctx, key.ID, key.Version, "bob"))

	h, err := w.PutWebhook(b.ctx, control.Webhook{
		Tenant: "choir", ID: "wh0123456789", URL: "https://app.example.org/token", Description: "app", CreatedAt: time.Now(),
		Secret: control.WebhookSecret{Key: "a", Salt: make([]byte, 16)}, Stamp: control.Stamp{By: "ann"},
	})
	require.NoError(t, err)
	change := func(change func(*control.Webhook)) {
		t.Helper()
		change(&h)
		h, err = w.PutWebhook(b.ctx, h)
		require.NoError(t, err)
	}
	change(func(h *control.Webhook) { h.Description = "the app" })
	change(func(h *control.Webhook) { h.Secret.Salt = []byte("0123456789abcdef") })
	change(func(h *control.Webhook) {
		h.Paused = &control.WebhookPause{At: time.Now(), By: "ann", Reason: "it is moved"}
	})
	change(func(h *control.Webhook) { h.Paused = nil })
	require.NoError(t, w.RemoveWebhook(b.ctx, h, "bob"))

	const choir orak.Tenant = "choir"
	want := []events.Act{
		{Act: control.ActSet, By: "kafka/ops (ann)", Tenant: events.EveryTenant, Subject: "gpu-slots", Detail: "3"},
		{Act: control.ActSet, By: "ann", Tenant: choir, Subject: "tier", Detail: control.TierBackfill},
		{Act: control.ActUnset, By: "ann", Tenant: events.EveryTenant, Subject: "gpu-slots"},
		{Act: control.ActCreateKey, By: "ann", Tenant: choir, Subject: "aaaa", Detail: "app"},
		{Act: control.ActRotateKey, By: "ann", Tenant: choir, Subject: "aaaa", Detail: "app"},
		{Act: control.ActRevokeKey, By: "bob", Tenant: choir, Subject: "aaaa", Detail: "app"},
		{Act: control.ActCreateWebhook, By: "ann", Tenant: choir, Subject: h.ID, Detail: "app"},
		{Act: control.ActChangeWebhook, By: "ann", Tenant: choir, Subject: h.ID, Detail: "the app"},
		{Act: control.ActRotateWebhook, By: "ann", Tenant: choir, Subject: h.ID, Detail: "the app"},
		{Act: control.ActPauseWebhook, By: "ann", Tenant: choir, Subject: h.ID, Detail: "it is moved"},
		{Act: control.ActResumeWebhook, By: "ann", Tenant: choir, Subject: h.ID, Detail: "the app"},
		{Act: control.ActRemoveWebhook, By: "bob", Tenant: choir, Subject: h.ID, Detail: "the app"},
	}
	got, ids := b.acts(len(want)), map[string]bool{}
	for i := range got {
		require.WithinDuration(t, time.Now(), got[i].At, within)
		ids[got[i].ID] = true
		got[i].ID, got[i].At = "", time.Time{}
	}
	require.Equal(t, want, got)
	require.Len(t, ids, len(want))
}

// The change and its record are one transaction: neither is there without the other.
func TestChangeIsNotMadeWithoutItsRecord(t *testing.T) {
	b := embedded(t)
	_, err := b.admin.DeleteTopic(b.ctx, events.TopicAudit)
	require.NoError(t, err)
	v := b.loaded()
	_, err = b.writer(v).Apply(b.ctx, control.Change{Setting: "gpu-slots", Value: "3", By: "ann"})
	require.Error(t, err)
	require.Equal(t, orak.ClassDependency, orak.AsFault(err).Class)
	b.makeTopic()
	b.set(v, control.Change{Setting: "convert-slots", Value: "2"})
	_, set := v.Document(control.SettingKey("gpu-slots"))
	require.False(t, set)
	require.Equal(t, "convert-slots", b.acts(1)[0].Subject)
}
