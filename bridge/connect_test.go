package bridge

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"orak/internal/kafka/consume"

	"github.com/stretchr/testify/require"
)

// A drain cuts a record off by its context: it must not wait for the health
// check of a record that is not cut off.
func TestConnectWaitsForAnotherCheckNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	b := New(Config{Config: consume.Config{Inflight: 1}}, Deps{Log: slog.New(slog.DiscardHandler)})
	b.connecting <- struct{}{} // another record's check
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.connect(ctx) }()
	cancel()
	select {
	case err := <-done:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(time.Minute):
		t.Fatal("it waits for the other record")
	}
}
