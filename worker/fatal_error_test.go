package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// The SDK ends a queue only two minutes after Temporal has refused its worker, so
// this test calls what the SDK then calls.
func TestReadyNeverBlocksWhenSeveralQueuesFail(t *testing.T) {
	t.Parallel()
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			w := &Worker{log: slog.New(slog.DiscardHandler), fatal: newFatalError()}
			require.NoError(t, w.Ready(t.Context()))
			asked, stop := context.WithCancel(t.Context())
			var probes sync.WaitGroup
			for range 4 {
				probes.Go(func() {
					for asked.Err() == nil {
						_ = w.Ready(asked)
					}
				})
			}
			refused := errors.New("the namespace is gone")
			var queues sync.WaitGroup
			for _, queue := range knownQueues {
				queues.Go(func() { w.failed(queue, refused) })
			}
			queues.Wait()
			stop()
			probes.Wait() // a probe that blocks is a deadlock, which synctest reports
			fatal := <-w.Fatal()
			require.ErrorIs(t, fatal, refused)
			require.Equal(t, fatal, w.Ready(t.Context()))
			_, open := <-w.Fatal()
			require.False(t, open, "one error, then the end")
		})
	}
}
