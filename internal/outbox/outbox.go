package outbox

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"orak/events"
	"orak/internal/objectstore"
)

// Store keeps markers and recordings. An absent object is fs.ErrNotExist, except
// for Delete; with PutOptions.IfAbsent, an object that is there is fs.ErrExist.
type Store interface {
	Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error)
	Get(ctx context.Context, key string) (io.ReadCloser, objectstore.Info, error)
	Stat(ctx context.Context, key string) (objectstore.Info, error)
	Delete(ctx context.Context, key string) error
	// ListAfter lists objects in the order of their keys, from the first key
	// after the given one.
	ListAfter(ctx context.Context, prefix, after string) iter.Seq2[objectstore.Info, error]
}

// Publisher sends an event and returns once Kafka has acknowledged it.
type Publisher interface {
	PublishEvent(ctx context.Context, topic string, e events.Event) error
}

// Outbox writes, reads, publishes and removes markers. It is safe for
// concurrent use.
type Outbox struct {
	store    Store
	events   Publisher
	log      *slog.Logger
	grace    time.Duration
	removals *semaphore.Weighted
}

// New makes an Outbox. A marker whose recording never arrived is dropped when
// it is older than grace.
func New(store Store, events Publisher, grace time.Duration, log *slog.Logger) *Outbox {
	return &Outbox{store: store, events: events, log: log, grace: grace, removals: semaphore.NewWeighted(maxRemovals)}
}
