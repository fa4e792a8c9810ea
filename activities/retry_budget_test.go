package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/config"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// fail runs one attempt that fails at the given time.
func fail(b Budget, before Heartbeat, f *orak.Fault, at time.Time) (Heartbeat, verdict) {
	return b.judge(before.begin(at), f, at.Add(time.Second))
}

func TestBudgetRetriesCountedClassesUntilItIsSpent(t *testing.T) {
	t.Parallel()
	for _, class := range []orak.Class{orak.ClassTransient, orak.ClassModel} {
		b, f := config.MustDefaults[Budget](), &orak.Fault{Class: class}
		h, v := fail(b, Heartbeat{}, f, noon)
		require.Equal(t, verdict{retry: true, delay: time.Second}, v)
		h, v = fail(b, h, f, noon.Add(time.Minute))
		require.Equal(t, verdict{retry: true, delay: 2 * time.Second}, v)
		require.False(t, b.spent(h))
		h, v = fail(b, h, f, noon.Add(2*time.Minute))
		require.False(t, v.retry)
		require.True(t, b.spent(h))
		require.Equal(t, 3, h.Attempts)
		require.Equal(t, noon.Add(time.Second), h.FirstAt)
	}
}

func TestBudgetDoublesTheDelayOfCountedRetries(t *testing.T) {
	t.Parallel()
	b := config.MustDefaults[Budget]()
	b.Attempts = 9
	var got []time.Duration
	var h Heartbeat
	for range 8 {
		var v verdict
		h, v = fail(b, h, &orak.Fault{Class: orak.ClassTransient}, noon)
		got = append(got, v.delay)
	}
	s := time.Second
	require.Equal(t, []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s, 30 * s}, got)
}

func TestBudgetNeverRetriesInputAndInternalFailures(t *testing.T) {
	t.Parallel()
	for _, class := range []orak.Class{orak.ClassInput, orak.ClassInternal} {
		h, v := fail(config.MustDefaults[Budget](), Heartbeat{}, &orak.Fault{Class: class}, noon)
		require.False(t, v.retry)
		require.Equal(t, 1, h.Attempts)
	}
}

func TestBudgetRetriesAnOutageUncountedForADay(t *testing.T) {
	t.Parallel()
	b, f := config.MustDefaults[Budget](), &orak.Fault{Class: orak.ClassDependency}
	var h Heartbeat
	at, waits := noon, 0
	for {
		var v verdict
		h, v = fail(b, h, f, at)
		require.Zero(t, h.Attempts)
		if !v.retry {
			break
		}
		waits++
		require.LessOrEqual(t, v.delay, b.MaxDelay)
		require.Positive(t, v.delay)
		at = at.Add(v.delay + time.Second)
	}
	require.Greater(t, waits, 24*120)
	require.WithinDuration(t, noon.Add(24*time.Hour), at, time.Minute)
}

func TestBudgetDelaysOverloadByRetryAfter(t *testing.T) {
	t.Parallel()
	b := config.MustDefaults[Budget]()
	h, v := fail(b, Heartbeat{}, &orak.Fault{Class: orak.ClassOverload, RetryAfter: 90 * time.Second}, noon)
	require.Equal(t, verdict{retry: true, delay: 90 * time.Second}, v)
	require.Zero(t, h.Attempts)
	_, v = fail(b, h, &orak.Fault{Class: orak.ClassOverload, RetryAfter: 1e6 * time.Hour}, noon)
	require.Equal(t, maxRetryAfter, v.delay, "one answer must not delay an upload for years")
}

func TestBudgetEndsTheWaitAtACountedFailure(t *testing.T) {
	t.Parallel()
	b := config.MustDefaults[Budget]()
	h, _ := fail(b, Heartbeat{}, &orak.Fault{Class: orak.ClassDependency}, noon)
	require.False(t, h.WaitingSince.IsZero())
	h, _ = fail(b, h, &orak.Fault{Class: orak.ClassTransient}, noon.Add(20*time.Hour))
	h, v := fail(b, h, &orak.Fault{Class: orak.ClassDependency}, noon.Add(30*time.Hour))
	require.True(t, v.retry, "another outage has its own day")
	require.Equal(t, 1, h.Attempts)
}

func TestCrashCountsAsAnAttempt(t *testing.T) {
	t.Parallel()
	b := config.MustDefaults[Budget]()
	var h Heartbeat
	for i := range 3 {
		require.False(t, b.spent(h))
		now := noon.Add(time.Duration(i) * time.Minute)
		h = h.found(orak.StageConvert, now).begin(now)
	}
	require.True(t, b.spent(h))
	require.Equal(t, noon, h.FirstAt, "the first attempt failed, at some time after it began")
	require.Len(t, h.Failed, 2, "the third may still run")
	for i, m := range h.Failed {
		require.Equal(t, i+1, m.Attempt)
		require.Equal(t, orak.ClassTransient, m.Class)
		require.Equal(t, orak.StageConvert, m.Stage)
	}
}

func TestEndedAttemptHasNotCrashed(t *testing.T) {
	t.Parallel()
	h, _ := fail(config.MustDefaults[Budget](), Heartbeat{}, &orak.Fault{Class: orak.ClassModel}, noon)
	require.Equal(t, h, h.found(orak.StageAnalyze, noon))
	h = Heartbeat{}.begin(noon).refund()
	require.Equal(t, h, h.found(orak.StageAnalyze, noon))
}

func TestHeartbeatRemembersAnOutageOnce(t *testing.T) {
	t.Parallel()
	down := orak.Mark{Class: orak.ClassDependency, Message: "The store is unavailable."}
	other := orak.Mark{Class: orak.ClassDependency, Message: "Kafka is unavailable."}
	counted := orak.Mark{Class: orak.ClassTransient, Message: "No.", Attempt: 1}
	var h Heartbeat
	for _, m := range []orak.Mark{down, down, down, other, counted, down, down} {
		h = h.remember(m)
	}
	require.Equal(t, []orak.Mark{down, other, counted, down}, h.Failed)
}

func TestHeartbeatRemembersTheFirstAndTheLatestFailures(t *testing.T) {
	t.Parallel()
	var h Heartbeat
	for n := range 20 {
		h = h.remember(orak.Mark{Class: orak.ClassTransient, Message: "No.", Attempt: n + 1})
	}
	var attempts []int
	for _, m := range h.Failed {
		attempts = append(attempts, m.Attempt)
	}
	require.Equal(t, []int{1, 14, 15, 16, 17, 18, 19, 20}, attempts)
}

func TestBudgetValidateRefusesInvalidSettings(t *testing.T) {
	t.Parallel()
	require.NoError(t, config.MustDefaults[Budget]().Validate())
	for _, change := range []func(*Budget){
		func(b *Budget) { b.Attempts = 0 },
		func(b *Budget) { b.Delay = 0 },
		func(b *Budget) { b.MaxDelay = b.Delay / 2 },
		func(b *Budget) { b.Patience = -1 },
	} {
		b := config.MustDefaults[Budget]()
		change(&b)
		require.Error(t, b.Validate())
	}
}
