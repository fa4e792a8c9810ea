package worker

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// enter acquires in the background; the channel is closed once it holds.
func enter(t *testing.T, p *places, alone bool) <-chan struct{} {
	t.Helper()
	held := make(chan struct{})
	go func() {
		if p.acquire(t.Context(), alone) == nil {
			close(held)
		}
	}()
	synctest.Wait()
	return held
}

func holds(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestPlacesFollowTheirSize(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(1)
		first, second, third := enter(t, p, false), enter(t, p, false), enter(t, p, false)
		require.True(t, holds(first))
		require.False(t, holds(second))
		p.resize(2)
		synctest.Wait()
		require.True(t, holds(second), "a larger size admits at once")
		require.False(t, holds(third))
		p.resize(1)
		p.release()
		synctest.Wait()
		require.False(t, holds(third), "one is inside, as many as there may be")
		p.release()
		synctest.Wait()
		require.True(t, holds(third))
	})
}

func TestAllPlacesAreHeldAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(2)
		first, alone, next := enter(t, p, false), enter(t, p, true), enter(t, p, false)
		require.True(t, holds(first))
		require.False(t, holds(alone))
		require.False(t, holds(next), "first come, first served")
		p.release()
		synctest.Wait()
		require.True(t, holds(alone))
		p.resize(8)
		synctest.Wait()
		require.False(t, holds(next), "alone, whatever the size")
		p.release()
		synctest.Wait()
		require.True(t, holds(next))
	})
}

func TestPlaceThatIsGivenUpLetsOthersIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(2)
		require.NoError(t, p.acquire(t.Context(), false))
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- p.acquire(ctx, true) }()
		synctest.Wait()
		next := enter(t, p, false)
		require.False(t, holds(next))
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		synctest.Wait()
		require.True(t, holds(next))
		_, held := p.count()
		require.Equal(t, 2, held)
	})
}
