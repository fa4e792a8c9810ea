package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"orak/events"
	"orak/internal/outbox"
)

// announcer announces every stored upload and every accepted erasure. Its markers
// are in the store; its state in memory only avoids work.
type announcer struct {
	cfg     Config
	events  Publisher
	box     *outbox.Outbox
	log     *slog.Logger
	metrics *metrics
	outages OutageReporter
	tasks   sync.WaitGroup
	// quit ends the wait for late acknowledgements.
	quit     chan struct{}
	quitOnce sync.Once
	wake     chan struct{}

	mu sync.Mutex
	// inFlight counts the events that the producer has, by the keys of their
	// markers. The relay skips these markers.
	inFlight map[string]int
	// due holds the keys of the markers whose event the producer gave up. The
	// relay takes them at any age.
	due map[string]bool
}

func newAnnouncer(cfg Config, deps Deps, m *metrics) *announcer {
	return &announcer{
		cfg: cfg, events: deps.Events, log: deps.Log, metrics: m, outages: deps.Outages,
		box:      outbox.New(deps.Store, deps.Events, cfg.OutboxGrace, deps.Log),
		quit:     make(chan struct{}),
		wake:     make(chan struct{}, 1),
		inFlight: map[string]int{}, due: map[string]bool{},
	}
}

// announce sends the event of a stored marker, and does not wait for Kafka: the marker
// stays until the acknowledgement arrives or the relay has published the event. An
// error means that the event can never be sent.
func (a *announcer) announce(ctx context.Context, m outbox.Entry) error {
	e, err := m.Event()
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // the marker is stored, so the event must follow
	a.begin(m.ObjectKey())
	acked := make(chan error, 1)
	a.events.PublishEventAsync(ctx, events.TopicUploads, e, func(err error) { acked <- err })
	a.tasks.Go(func() { a.await(ctx, m, acked) })
	return nil
}

// await handles the acknowledgement of an event. One that fails, or takes longer than
// Config.AckWait, completes the marker first. It ends with the announcer, but not
// before Config.AckWait.
func (a *announcer) await(ctx context.Context, m outbox.Entry, acked <-chan error) {
	timer := time.NewTimer(a.cfg.AckWait)
	defer timer.Stop()
	select {
	case err := <-acked:
		if err != nil {
			a.late(ctx, m)
		}
		a.finish(ctx, m, err)
		return
	case <-timer.C:
		a.late(ctx, m)
	}
	select {
	case err := <-acked:
		a.finish(ctx, m, err)
	case <-a.quit:
	}
}

// late completes the marker of an event that is not acknowledged yet: a relay that
// finds size and digest in it need not read the recording. The marker of an
// erasure is complete from the beginning.
func (a *announcer) late(ctx context.Context, e outbox.Entry) {
	a.metrics.late.Inc()
	m, ok := e.(outbox.Marker)
	if !ok {
		return
	}
	if err := a.box.Write(ctx, m); err != nil {
		a.log.WarnContext(ctx, "an outbox marker could not be completed; the first one suffices", "upload_id", m.ID, "error", err)
	}
}

// finish handles the producer's result: the marker of an acknowledged event is
// removed, any other is left to the relay.
func (a *announcer) finish(ctx context.Context, m outbox.Entry, err error) {
	a.end(m.ObjectKey(), err != nil)
	if err != nil {
		a.outages.Report(err)
		a.metrics.relayFail.Inc()
		a.log.WarnContext(ctx, "an event was not acknowledged; its marker stays in the outbox", "marker", m.ObjectKey(), "error", err)
		a.hurry()
		return
	}
	if err := a.box.Remove(ctx, m); err != nil {
		a.log.WarnContext(ctx, "an outbox marker could not be removed; its event will be sent again", "marker", m.ObjectKey(), "error", err)
	}
}

func (a *announcer) begin(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight[key]++
}

func (a *announcer) end(key string, failed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inFlight[key]--; a.inFlight[key] <= 0 {
		delete(a.inFlight, key)
	}
	if failed {
		a.due[key] = true
	}
}

// hurry wakes the relay.
func (a *announcer) hurry() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// stop ends the wait for acknowledgements, and returns when all tasks have ended
// or ctx ends. Nothing is lost: the markers stay.
func (a *announcer) stop(ctx context.Context) error {
	a.quitOnce.Do(func() { close(a.quit) })
	done := make(chan struct{})
	go func() { a.tasks.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
