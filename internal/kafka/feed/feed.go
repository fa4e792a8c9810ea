package feed

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/throttle"
)

// Config bounds a Feed.
type Config struct {
	// MaxBehind is the most records that are read to resume; a reader that is further
	// behind is told that events were lost.
	MaxBehind int
	// MaxResumes is how many readers resume at once, and MaxTenantResumes how many of one
	// tenant; further ones wait.
	MaxResumes, MaxTenantResumes int
}

// queued is how many events a reader may be behind the session. One that is further
// behind is ended, and resumes.
const queued = 256

// Feed follows the topic while there are readers. It is safe for concurrent use.
type Feed struct {
	cfg     Config
	kafka   kafka.Config
	log     *slog.Logger
	faults  *throttle.Log
	resumes *resumes
	resumed *prometheus.CounterVec

	mu sync.Mutex
	// running is nil without readers.
	running *session
}

// New makes a Feed. It connects when the first reader comes.
func New(cfg Config, k kafka.Config, log *slog.Logger, reg prometheus.Registerer) *Feed {
	k.ClientID += "-feed"
	log = log.With("component", "feed")
	return &Feed{
		cfg: cfg, kafka: k, log: log, faults: throttle.NewLog(log), resumes: newResumes(cfg, reg),
		resumed: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "orak_feed_resumed_total",
			Help: "Readers of a tenant's events that resumed, by outcome: current (nothing was missed), read (missed events were read), lost (some could not be read any more), failed.",
		}, []string{"outcome"}),
	}
}

// ErrBehind ends a reader that does not keep up. It resumes from its last position.
var ErrBehind = errors.New("the reader does not keep up with the events")

// Follow gives each the events of a tenant from the position after on, or from now on
// if that is empty, until ctx ends or each fails, whose error it returns. The first step
// comes once the topic is followed and has only a position; at least one step comes in
// every. Other errors are ErrBehind and those of Kafka; Follow may be called again with
// the last position after any of them.
func (f *Feed) Follow(ctx context.Context, t orak.Tenant, after string, every time.Duration, each func(events.Followed) error) error {
	s := f.join()
	defer f.leave(s)
	select {
	case <-s.ready:
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
	r, from := s.subscribe(t)
	defer s.unsubscribe(t, r)
	if err := f.resume(ctx, s, t, after, from, every, each); err != nil {
		return err
	}
	beat := time.NewTicker(every)
	defer beat.Stop()
	for {
		var err error
		select {
		case step := <-r.queue:
			err = each(step)
		case <-beat.C:
			if at, idle := s.idle(r); idle {
				err = each(events.Followed{Position: at})
			}
		case <-r.behind:
			err = ErrBehind
		case <-s.done:
			err = s.err
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// resume gives the events between a position that a reader gave and the one from which
// the session has all.
func (f *Feed) resume(ctx context.Context, s *session, t orak.Tenant, after string, from position, every time.Duration, each func(events.Followed) error) error {
	first := events.Followed{Position: from.encode(s.topic)}
	if after == "" {
		return each(first)
	}
	topic, given, err := decode(after)
	missed, known := int64(0), err == nil && topic == s.topic
	if known {
		missed, known = given.behind(make(position, len(from)), from)
	}
	lost := func() error {
		f.resumed.WithLabelValues("lost").Inc()
		first.Lost = true
		return each(first)
	}
	switch {
	case !known, missed > int64(f.cfg.MaxBehind):
		return lost()
	case missed == 0:
		f.resumed.WithLabelValues("current").Inc()
		return each(first)
	}
	switch err = f.catchUp(ctx, s.topic, t, given, from, every, each); {
	case err == nil:
		f.resumed.WithLabelValues("read").Inc()
	case errors.Is(err, errLost):
		return lost()
	default:
		f.resumed.WithLabelValues("failed").Inc()
	}
	return err
}

// join returns the running session, and starts one if there is none.
func (f *Feed) join() *session {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running == nil {
		ctx, end := context.WithCancel(context.Background())
		s := &session{feed: f, end: end, ready: make(chan struct{}), done: make(chan struct{}), readers: map[orak.Tenant][]*reader{}}
		f.running = s
		go s.run(ctx)
	}
	f.running.users++
	return f.running
}

// leave ends the session with its last reader, and returns once it has ended.
func (f *Feed) leave(s *session) {
	f.mu.Lock()
	s.users--
	last := s.users == 0
	if last && f.running == s {
		f.running = nil
	}
	f.mu.Unlock()
	if last {
		s.end()
		<-s.done
	}
}

// drop lets the next reader start another session.
func (f *Feed) drop(s *session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running == s {
		f.running = nil
	}
}

// reader is who follows one tenant's events.
type reader struct {
	queue chan events.Followed
	// behind is closed when the queue was full.
	behind chan struct{}
}

// session is one consumer of the topic.
type session struct {
	feed *Feed
	end  context.CancelFunc
	// users is guarded by Feed.mu.
	users int
	// ready is closed once topic and now are known; done at the end, after err
	// is set.
	ready, done chan struct{}
	err         error
	topic       topicID

	mu      sync.Mutex
	now     position
	readers map[orak.Tenant][]*reader
}

func (s *session) run(ctx context.Context) {
	s.err = s.follow(ctx)
	if ctx.Err() == nil {
		s.feed.faults.WarnContext(ctx, "events cannot be followed; their readers have to resume", "error", s.err)
	}
	s.feed.drop(s)
	close(s.done)
}

// subscribe adds a reader, which gets every event behind the position from.
func (s *session) subscribe(t orak.Tenant) (r *reader, from position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r = &reader{queue: make(chan events.Followed, queued), behind: make(chan struct{})}
	s.readers[t] = append(s.readers[t], r)
	return r, slices.Clone(s.now)
}

func (s *session) unsubscribe(t orak.Tenant, r *reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(t, r)
}

func (s *session) remove(t orak.Tenant, r *reader) {
	if left := slices.DeleteFunc(slices.Clone(s.readers[t]), func(o *reader) bool { return o == r }); len(left) > 0 {
		s.readers[t] = left
		return
	}
	delete(s.readers, t)
}

// idle returns the position of a reader that has taken all of its events.
func (s *session) idle(r *reader) (at string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(r.queue) > 0 {
		return "", false
	}
	return s.now.encode(s.topic), true
}

// passOn moves the position behind a record and queues its event, if it has one.
func (s *session) passOn(partition int32, offset int64, l *events.Lifecycle, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(partition) >= len(s.now) {
		return
	}
	s.now[partition] = offset + 1
	if l == nil || len(s.readers[l.Upload.Tenant]) == 0 {
		return
	}
	step := events.Followed{Position: s.now.encode(s.topic), Lifecycle: l, At: at}
	for _, r := range s.readers[l.Upload.Tenant] {
		select {
		case r.queue <- step:
		default:
			close(r.behind)
			s.remove(l.Upload.Tenant, r)
		}
	}
}
