package bridge

import (
	"context"
	"time"

	"orak"
	"orak/internal/kafka/consume"
	"orak/internal/kafka/deadletter"
)

// deadLetter writes the record to the dead-letter topic, its bytes untouched, and
// raises the alert. It tries until both are done.
func (b *Bridge) deadLetter(ctx context.Context, d *consume.Delivery, f *orak.Fault) outcome {
	if !b.letters.Write(ctx, d, deadletter.Of(d.Record, f, time.Now().UTC())) {
		return outcomeAbandoned
	}
	return outcomeDeadLettered
}
