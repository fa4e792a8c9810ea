package bridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/sdk/client"
)

// Ready reports why the bridge cannot do its work now: it does not run, Kafka
// or Temporal does not answer within ctx, partitions stand still, or records
// wait to be tried again.
func (b *Bridge) Ready(ctx context.Context) error {
	b.life.Lock()
	state, consumer := b.state, b.consumer
	b.life.Unlock()
	if state != stateRunning {
		return errors.New("the bridge does not run")
	}
	if err := consumer.Ping(ctx); err != nil {
		return fmt.Errorf("reaching Kafka: %w", err)
	}
	if _, err := b.deps.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("reaching Temporal: %w", err)
	}
	if stall := b.stall.Load(); stall != nil {
		return errors.New(stall.String())
	}
	b.waitingMu.Lock()
	defer b.waitingMu.Unlock()
	for _, err := range b.waiting {
		return fmt.Errorf("%d records wait to be tried again: %w", len(b.waiting), err)
	}
	return nil
}

// setWaiting notes that r waits to be tried again because of err; a nil err
// ends that.
func (b *Bridge) setWaiting(r *kgo.Record, err error) {
	b.waitingMu.Lock()
	defer b.waitingMu.Unlock()
	if err == nil {
		delete(b.waiting, r)
	} else {
		b.waiting[r] = err
	}
	b.metrics.retrying.Set(float64(len(b.waiting)))
}
