package startstop_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/startstop"
	"orak/test/lifecycle"
)

func TestTaskKeepsTheContract(t *testing.T) {
	lifecycle.Starts(t, func(*testing.T) lifecycle.Part {
		var task startstop.Task
		asks := make(chan struct{})
		return lifecycle.Part{
			Start: func(ctx context.Context) error {
				return task.Start(ctx, func(ctx context.Context) {
					for {
						select {
						case <-asks:
						case <-ctx.Done():
							return
						}
					}
				})
			},
			Stop: task.Stop,
			Serves: func(ctx context.Context) error {
				select {
				case asks <- struct{}{}:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			},
		}
	})
}

func TestTaskOutlivesTheContextOfItsStart(t *testing.T) {
	t.Parallel()
	var task startstop.Task
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	require.NoError(t, task.Start(ctx, func(ctx context.Context) { <-ctx.Done(); close(ended) }))
	cancel()
	select {
	case <-ended:
		t.Fatal("it ended with the context of its start")
	case <-time.After(20 * time.Millisecond):
	}
	require.NoError(t, task.Stop(t.Context()))
	<-ended
}

func TestSlowTaskOutlivesTheContextOfItsStop(t *testing.T) {
	lifecycle.Stops(t, func(t *testing.T) lifecycle.Part {
		var task startstop.Task
		require.NoError(t, task.Start(t.Context(), func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(1500 * time.Millisecond) // longer than an ended context is waited for
		}))
		return lifecycle.Part{Stop: task.Stop}
	})
}
