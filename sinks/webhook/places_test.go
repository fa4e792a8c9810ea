package webhook

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
)

const tenant orak.Tenant = "choir"

func TestAttemptsWithoutAPlaceComeBackAtTheReceiversPace(t *testing.T) {
	p := newPlaces(Config{PerWebhook: 2, PerTenant: 3}, newMetrics(nil))
	now := time.Now()
	enter := func(webhook string) (time.Duration, bool) { return p.enter(tenant, webhook, now) }
	for range 2 {
		_, ok := enter("a")
		require.True(t, ok)
	}
	wait, ok := enter("a")
	require.False(t, ok)
	require.Equal(t, minPace, wait)
	_, ok = enter("b")
	require.True(t, ok, "another webhook has places of its own")
	_, ok = enter("b")
	require.False(t, ok, "the tenant has no further place")
	_, ok = p.enter("other", "c", now)
	require.True(t, ok)

	p.leave(tenant, "a", 8*time.Second, 0, false, now)
	_, ok = enter("a")
	require.True(t, ok)
	first, _ := enter("a")
	second, _ := enter("a")
	require.Equal(t, time.Second, second-first, "8 s were averaged to 2 s, for two places")
}

func TestFailingWebhookHasOnePlace(t *testing.T) {
	p := newPlaces(Config{PerWebhook: 10, PerTenant: 50}, newMetrics(nil))
	now := time.Now()
	for range maxFailures {
		_, ok := p.enter(tenant, "a", now)
		require.True(t, ok)
		p.leave(tenant, "a", time.Second, 0, true, now)
	}
	_, ok := p.enter(tenant, "a", now)
	require.True(t, ok)
	_, ok = p.enter(tenant, "a", now)
	require.False(t, ok)
	p.leave(tenant, "a", time.Second, 0, false, now)
	for range 10 {
		_, ok = p.enter(tenant, "a", now)
		require.True(t, ok, "it succeeded once")
	}
}

func TestReceiverThatAsksForSilenceIsLeftAlone(t *testing.T) {
	p := newPlaces(Config{PerWebhook: 10, PerTenant: 50}, newMetrics(nil))
	now := time.Now()
	_, ok := p.enter(tenant, "a", now)
	require.True(t, ok)
	p.leave(tenant, "a", time.Second, 48*time.Hour, true, now)
	wait, ok := p.enter(tenant, "a", now)
	require.False(t, ok)
	require.GreaterOrEqual(t, wait, maxAway)
	_, ok = p.enter(tenant, "a", now.Add(maxAway+time.Second))
	require.True(t, ok)
}

func TestRetriesAreLongerEachTime(t *testing.T) {
	c := &courier{cfg: Config{RetryFirst: 5 * time.Second, RetryMax: 12 * time.Hour}}
	total := time.Duration(0)
	for made, want := range []time.Duration{5 * time.Second, 20 * time.Second, 80 * time.Second, 320 * time.Second, 1280 * time.Second, 5120 * time.Second, 20480 * time.Second, 12 * time.Hour, 12 * time.Hour} {
		got := c.retryDelay(made+1, 0)
		require.GreaterOrEqual(t, got, want)
		require.LessOrEqual(t, got, want*6/5)
		total += want
	}
	require.Greater(t, total, 24*time.Hour)
	require.GreaterOrEqual(t, c.retryDelay(1, time.Hour), time.Hour)
	require.LessOrEqual(t, c.retryDelay(1, 1000*time.Hour), maxRetryAfter*6/5)
	require.LessOrEqual(t, c.retryDelay(1_000_000, 0), 12*time.Hour*6/5)
}
