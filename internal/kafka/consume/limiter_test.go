package consume

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testLimiter(max int) (*limiter, *float64) {
	seen := new(float64)
	return newLimiter(max, time.Second, func(limit float64) { *seen = limit }), seen
}

func TestLimitFallsAtOverloadOnceForEachRound(t *testing.T) {
	t.Parallel()
	l, seen := testLimiter(10)
	var round []permit
	for range 10 {
		p, ok := l.acquire(nil, nil)
		require.True(t, ok)
		round = append(round, p)
	}
	l.release(round[0], 0, verdictNone)
	require.EqualValues(t, 10, *seen, "an outage is not overload")
	l.release(round[1], 2*time.Second, verdictFine)
	require.InDelta(t, 7, *seen, 0.01, "a slow start is a sign")
	for _, p := range round[2:] {
		l.release(p, 0, verdictOverload)
	}
	require.InDelta(t, 7, *seen, 0.01, "the others began before")
	p, _ := l.acquire(nil, nil)
	l.release(p, 0, verdictOverload)
	require.InDelta(t, 4.9, *seen, 0.01)
	for range 20 {
		p, _ := l.acquire(nil, nil)
		l.release(p, 0, verdictOverload)
	}
	require.EqualValues(t, 1, *seen, "never less than one")
}

func TestUnusedLimitDoesNotGrow(t *testing.T) {
	t.Parallel()
	l, seen := testLimiter(10)
	p, _ := l.acquire(nil, nil)
	l.release(p, 0, verdictOverload)
	for range 100 {
		p, _ := l.acquire(nil, nil)
		l.release(p, 0, verdictFine)
	}
	require.InDelta(t, 7, *seen, 0.01)
}

func TestPermitsAreGivenInTheOrderOfAsking(t *testing.T) {
	t.Parallel()
	l, _ := testLimiter(1)
	held, _ := l.acquire(nil, nil)
	stop, got := make(chan struct{}), make(chan int, 3)
	waiting := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.waiting)
	}
	for i := range 3 {
		var quit chan struct{}
		if i == 1 {
			quit = stop
		}
		go func() {
			p, ok := l.acquire(quit, nil)
			if !ok {
				got <- -1
				return
			}
			got <- i
			l.release(p, 0, verdictFine)
		}()
		require.Eventually(t, func() bool { return waiting() == i+1 }, time.Minute, time.Millisecond)
	}
	close(stop)
	require.Equal(t, -1, <-got)
	l.release(held, 0, verdictFine)
	require.Equal(t, []int{0, 2}, []int{<-got, <-got})
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Zero(t, l.held)
}

// Against a server of any capacity the tries stay near it: rarely refused, and
// never far below.
func TestLimiterFindsTheCapacity(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		capacity := 1 + rnd.IntN(60)
		l, seen := testLimiter(64)
		var underway []permit
		refused, taken, low := 0, 0, 64.0
		for i := range 20_000 {
			for len(underway) < int(*seen) {
				p, ok := l.acquire(nil, nil)
				require.True(t, ok)
				underway = append(underway, p)
			}
			require.LessOrEqual(t, len(underway), 64)
			n := rnd.IntN(len(underway))
			v := verdictFine
			if len(underway) > capacity {
				v = verdictOverload
			}
			l.release(underway[n], 0, v)
			underway = append(underway[:n], underway[n+1:]...)
			if i < 10_000 {
				continue
			}
			taken++
			if v == verdictOverload {
				refused++
			}
			low = min(low, *seen)
		}
		require.GreaterOrEqual(t, low, max(1, backoffFactor*float64(capacity)*0.95), "capacity %d", capacity)
		c := float64(capacity)
		require.LessOrEqual(t, float64(refused)/float64(taken), 4/(c*c)+0.01, "capacity %d: one for each climb", capacity)
	}
}

func TestLimiterFollowsItsSizeUnlessOverloaded(t *testing.T) {
	t.Parallel()
	var limit float64
	l := newLimiter(4, 0, func(n float64) { limit = n })
	l.resize(8)
	require.InDelta(t, 8, limit, 0)
	l.resize(6)
	require.InDelta(t, 6, limit, 0)
	p, ok := l.acquire(nil, nil)
	require.True(t, ok)
	l.release(p, 0, verdictOverload)
	lowered := limit
	l.resize(10)
	require.InDelta(t, lowered, limit, 0, "what overload has found out stays")
	l.resize(2)
	require.InDelta(t, 2, limit, 0)
}
