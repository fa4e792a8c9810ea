package api

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"orak"
	"orak/events"
)

// outbox sees to it that every stored upload is announced. Its markers are in
// the store; what it keeps in memory only saves work.
type outbox struct {
	cfg     Config
	store   Store
	events  Publisher
	log     *slog.Logger
	metrics *metrics
	// deletes bounds the markers that are being deleted at once.
	deletes *semaphore.Weighted
	tasks   sync.WaitGroup
	// quit ends the waiting for late acknowledgements.
	quit     chan struct{}
	quitOnce sync.Once
	wake     chan struct{}

	mu sync.Mutex
	// inFlight are the uploads whose event the producer has: the relay
	// leaves them alone. The count is of events.
	inFlight map[orak.UploadID]int
	// due are the uploads that the producer gave up: the relay takes them
	// whatever their age.
	due map[orak.UploadID]bool
}

// maxDeletes is plenty: a delete takes milliseconds.
const (
	maxDeletes    = 32
	deleteTimeout = 30 * time.Second
)

func newOutbox(cfg Config, deps Deps, m *metrics) *outbox {
	return &outbox{
		cfg: cfg, store: deps.Store, events: deps.Events, log: deps.Log, metrics: m,
		deletes:  semaphore.NewWeighted(maxDeletes),
		quit:     make(chan struct{}),
		wake:     make(chan struct{}, 1),
		inFlight: map[orak.UploadID]int{}, due: map[orak.UploadID]bool{},
	}
}

// announce sends the event of an upload that is stored and marked, and
// returns when Kafka has it, or after Config.AckWait: the marker then stays
// until the acknowledgement comes or the relay has done better. An error means
// that the event can never be sent.
func (o *outbox) announce(ctx context.Context, m marker) error {
	e, err := m.event()
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // the upload is stored: its event follows
	o.begin(m.ID)
	acked := make(chan error, 1)
	o.events.PublishEventAsync(ctx, events.TopicUploads, e, func(err error) { acked <- err })

	timer := time.NewTimer(o.cfg.AckWait)
	defer timer.Stop()
	select {
	case err := <-acked:
		if err == nil {
			o.tasks.Go(func() { o.settle(ctx, m, nil) })
			return nil
		}
		o.late(ctx, m)
		o.settle(ctx, m, err)
	case <-timer.C:
		// The first marker holds until then, so the answer need not wait.
		o.tasks.Go(func() {
			o.late(ctx, m)
			select {
			case err := <-acked:
				o.settle(ctx, m, err)
			case <-o.quit:
			}
		})
	}
	return nil
}

// late completes the marker, which now stands for the event: a relay that
// finds size and digest in it need not read the recording.
func (o *outbox) late(ctx context.Context, m marker) {
	o.metrics.late.Inc()
	if err := o.write(ctx, m); err != nil {
		o.log.Warn("an outbox marker could not be completed; the first one still holds",
			slog.String("upload_id", string(m.ID)), slog.Any("error", err))
	}
}

// settle ends the producer's part: an acknowledged event's marker is removed,
// another one's is the relay's.
func (o *outbox) settle(ctx context.Context, m marker, err error) {
	o.end(m.ID, err != nil)
	if err != nil {
		o.metrics.relayFail.Inc()
		o.log.Warn("an upload's event was not acknowledged; the outbox has it",
			slog.String("upload_id", string(m.ID)), slog.String("tenant", string(m.Tenant)), slog.Any("error", err))
		o.hurry()
		return
	}
	if err := o.remove(ctx, m); err != nil {
		o.log.Warn("an outbox marker could not be removed; its event will be sent again",
			slog.String("upload_id", string(m.ID)), slog.Any("error", err))
	}
}

func (o *outbox) remove(ctx context.Context, m marker) error {
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	if err := o.deletes.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("waiting to delete the marker: %w", err)
	}
	defer o.deletes.Release(1)
	return o.store.Delete(ctx, orak.PendingKey(m.Tenant, m.ID))
}

func (o *outbox) begin(id orak.UploadID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inFlight[id]++
}

func (o *outbox) end(id orak.UploadID, failed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.inFlight[id]--; o.inFlight[id] <= 0 {
		delete(o.inFlight, id)
	}
	if failed {
		o.due[id] = true
	}
}

// hurry wakes the relay.
func (o *outbox) hurry() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// stop ends the waiting, and returns when nothing is being done any more or
// ctx ends. Nothing is lost by it: the markers stay.
func (o *outbox) stop(ctx context.Context) error {
	o.quitOnce.Do(func() { close(o.quit) })
	done := make(chan struct{})
	go func() { o.tasks.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
