package flight

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

func cache(ttl time.Duration, maxKeys int, compute func(context.Context, string) (int64, error)) (*Cache[string, int64], *prometheus.Registry) {
	reg := prometheus.NewRegistry()
	return New(Config[string]{Name: "n", TTL: ttl, Timeout: time.Second, MaxKeys: maxKeys}, NewMetrics(reg, "t"), compute), reg
}

func TestCallersOfOneMomentShareOneComputation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		c, reg := cache(3*time.Second, 10, func(context.Context, string) (int64, error) {
			time.Sleep(100 * time.Millisecond)
			return n.Add(1), nil
		})
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				got, err := c.Get(t.Context(), "a")
				require.NoError(t, err)
				require.EqualValues(t, 1, got)
			})
		}
		group.Wait()
		other, err := c.Get(t.Context(), "b")
		require.NoError(t, err)
		require.EqualValues(t, 2, other, "another key")
		time.Sleep(2 * time.Second)
		got, err := c.Get(t.Context(), "a")
		require.NoError(t, err)
		require.EqualValues(t, 1, got)
		time.Sleep(2 * time.Second)
		got, err = c.Get(t.Context(), "a")
		require.NoError(t, err)
		require.EqualValues(t, 3, got, "the answer was too old")
		require.Equal(t, 2, testutil.CollectAndCount(reg, "t_answers_total"))
		require.InDelta(t, 3, testutil.ToFloat64(c.metrics.answers.WithLabelValues("n", "computed")), 0)
		require.InDelta(t, 50, testutil.ToFloat64(c.metrics.answers.WithLabelValues("n", "shared")), 0)
	})
}

func TestCallerThatLeavesDoesNotEndTheComputation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cache(time.Minute, 10, func(ctx context.Context, _ string) (int64, error) {
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-time.After(500 * time.Millisecond):
				return 7, nil
			}
		})
		leaving, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer leave()
		_, err := c.Get(leaving, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		got, err := c.Get(t.Context(), "a")
		require.NoError(t, err)
		require.EqualValues(t, 7, got)
	})
}

func TestSlowComputationEndsAndItsErrorIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		c, _ := cache(3*time.Second, 10, func(ctx context.Context, _ string) (int64, error) {
			n.Add(1)
			<-ctx.Done()
			return 0, errors.New("too slow")
		})
		began := time.Now()
		for range 3 {
			_, err := c.Get(t.Context(), "a")
			require.EqualError(t, err, "too slow")
		}
		require.Equal(t, time.Second, time.Since(began))
		require.EqualValues(t, 1, n.Load())
	})
}

func TestAnswersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cache(time.Hour, 3, func(context.Context, string) (int64, error) { return 1, nil })
		for _, key := range []string{"a", "b", "c", "d", "e"} {
			_, err := c.Get(t.Context(), key)
			require.NoError(t, err)
			time.Sleep(time.Millisecond)
		}
		require.Len(t, c.flights, 3)
		require.Contains(t, c.flights, "e")
	})
}

func TestPanicIsAnErrorOfItsCallers(t *testing.T) {
	c, _ := cache(time.Hour, 3, func(context.Context, string) (int64, error) { panic("no") })
	_, err := c.Get(t.Context(), "a")
	require.ErrorContains(t, err, "computing n: panic: no")
}

func TestComputationsThatAreNotAdmittedAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("full")
		free, computing := 1, make(chan struct{})
		c := New(Config[string]{Name: "n", TTL: time.Hour, Timeout: time.Hour, MaxKeys: 10, Admit: func(string) (func(), error) {
			if free == 0 {
				return nil, full
			}
			free--
			return func() { free++ }, nil
		}}, NewMetrics(nil, "t"), func(context.Context, string) (int64, error) { <-computing; return 1, nil })
		var group sync.WaitGroup
		ask := func() {
			got, err := c.Get(t.Context(), "a")
			require.NoError(t, err)
			require.EqualValues(t, 1, got)
		}
		group.Go(ask)
		synctest.Wait()
		_, err := c.Get(t.Context(), "b")
		require.ErrorIs(t, err, full)
		group.Go(ask) // the same question needs no place of its own
		synctest.Wait()
		close(computing)
		group.Wait()
		_, err = c.Get(t.Context(), "b")
		require.NoError(t, err, "the place is free, and the refusal was not kept")
		require.Equal(t, 1, free)
		require.InDelta(t, 1, testutil.ToFloat64(c.metrics.answers.WithLabelValues("n", "refused")), 0)
	})
}
