package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
)

// Router is a Producer for several clusters: it sends what goes to the topic of uploads
// to the place that is active, and everything else, such as the act that an event tells
// of, to the main cluster. Primary is active at first. It is safe for concurrent use.
type Router struct {
	*Producer // of the main cluster
	places    map[Place]*Producer

	mu   sync.Mutex
	seat *seat
}

// seat is a time in which a place is active.
type seat struct {
	*Producer
	place Place

	mu sync.Mutex
	// over says that another place became active some time ago.
	over bool
	// waiting has what to call then, of each record that is not acknowledged yet.
	waiting map[uint64]func()
	next    uint64
}

// onLeave calls f once another place has been active for some time, unless stop is called
// before.
func (s *seat) onLeave(f func()) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		go f()
		return func() {}
	}
	s.next++
	id := s.next
	s.waiting[id] = f
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, id)
	}
}

// leave ends s.
func (s *seat) leave() {
	s.mu.Lock()
	left := s.waiting
	s.over, s.waiting = true, nil
	s.mu.Unlock()
	for _, f := range left {
		f()
	}
}

// leaveAfter is how long records that were handed over before a switch may still be
// acknowledged by the place that was active.
const leaveAfter = 2 * time.Second

// errSwitched is the cause of what was given up because of a switch. The record may still
// be sent, as after every error.
var errSwitched = errors.New("producers were moved to the other place of " + events.TopicUploads + " before it was acknowledged")

// NewRouter returns a Router. places has the Producer of each place of uploads, which may
// be main.
func NewRouter(main *Producer, places map[Place]*Producer) *Router {
	r := &Router{Producer: main, places: places}
	r.seat = r.newSeat(Primary)
	return r
}

func (r *Router) newSeat(p Place) *seat {
	return &seat{Producer: r.places[p], place: p, waiting: make(map[uint64]func())}
}

// Activate makes a place the active one; one that is not known changes nothing. Records
// that the other place does not acknowledge within seconds fail: an outbox announces them
// again, at this place.
func (r *Router) Activate(p Place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.places[p] == nil || r.seat.place == p {
		return
	}
	time.AfterFunc(leaveAfter, r.seat.leave)
	r.seat = r.newSeat(p)
}

// Active returns the active place.
func (r *Router) Active() Place { return r.active().place }

func (r *Router) active() *seat {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seat
}

// Main returns the Producer of the main cluster.
func (r *Router) Main() *Producer { return r.Producer }

// Publish is Producer.Publish on the cluster of the record's topic.
func (r *Router) Publish(ctx context.Context, rec *kgo.Record) error {
	if rec.Topic != events.TopicUploads {
		return r.Producer.Publish(ctx, rec)
	}
	return r.active().within(ctx, func(ctx context.Context, p *Producer) error { return p.Publish(ctx, rec) })
}

// PublishAsync is Producer.PublishAsync on the cluster of the record's topic.
func (r *Router) PublishAsync(ctx context.Context, rec *kgo.Record, done func(error)) {
	if rec.Topic != events.TopicUploads {
		r.Producer.PublishAsync(ctx, rec, done)
		return
	}
	s := r.active()
	s.PublishAsync(ctx, rec, s.once(done))
}

// PublishEvent is Producer.PublishEvent on the cluster of topic.
func (r *Router) PublishEvent(ctx context.Context, topic string, e events.Event) error {
	if topic != events.TopicUploads {
		return r.Producer.PublishEvent(ctx, topic, e)
	}
	if err := r.publishActOf(ctx, topic, e); err != nil {
		return err
	}
	return r.active().within(ctx, func(ctx context.Context, p *Producer) error { return p.publishAlone(ctx, topic, e) })
}

// PublishEventAsync is Producer.PublishEventAsync on the cluster of topic.
func (r *Router) PublishEventAsync(ctx context.Context, topic string, e events.Event, done func(error)) {
	if topic != events.TopicUploads {
		r.Producer.PublishEventAsync(ctx, topic, e, done)
		return
	}
	r.afterActOf(ctx, topic, e, done, func() { r.PublishAsync(ctx, e.Record(topic), done) })
}

// Ping returns nil if the main cluster and the active place of uploads answer.
func (r *Router) Ping(ctx context.Context) error {
	if err := r.Producer.Ping(ctx); err != nil {
		return err
	}
	s := r.active()
	if s.Producer == r.Producer {
		return nil
	}
	return s.Ping(ctx)
}

// within calls publish with a context that also ends with s.
func (s *seat) within(ctx context.Context, publish func(context.Context, *Producer) error) error {
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer s.onLeave(func() { cancel(errSwitched) })()
	err := publish(bounded, s.Producer)
	if err != nil && errors.Is(context.Cause(bounded), errSwitched) {
		return unreachable(fmt.Errorf("publishing record: %w", errSwitched))
	}
	return err
}

// once returns a function that calls done the first time it is called; if s ends before
// that, done gets an error.
func (s *seat) once(done func(error)) func(error) {
	var first sync.Once
	answer := func(err error) { first.Do(func() { done(err) }) }
	stop := s.onLeave(func() { answer(unreachable(fmt.Errorf("publishing record: %w", errSwitched))) })
	return func(err error) {
		stop()
		answer(err)
	}
}
