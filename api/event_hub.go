package api

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"orak"
	"orak/workflows"
)

// An upload that has not changed for slowAfter is polled slower times less often.
const (
	slowAfter = time.Minute
	slower    = 4
)

// hub polls the uploads that event streams watch: each upload once for all of its
// streams, and all uploads within one rate, including the first poll of a stream.
// Temporal applies the same limits to the bridge's starts.
//
//	streams ─┬─► topic (an upload) ─► poller ─┐
//	         ├─► topic ─────────────► poller ─┼─► limiter ─► lookup
//	streams ─┴─► topic ─────────────► poller ─┘
type hub struct {
	cfg     Config
	streams *places
	lookup  func(context.Context, orak.Tenant, orak.UploadID) (state, error)
	limiter *rate.Limiter
	metrics *metrics
	log     *slog.Logger

	mu     sync.Mutex
	topics map[topicKey]*topic
}

// topicKey identifies a watched upload.
type topicKey struct {
	tenant orak.Tenant
	id     orak.UploadID
}

func newHub(cfg Config, most func(orak.Tenant) int, lookup func(context.Context, orak.Tenant, orak.UploadID) (state, error), m *metrics, log *slog.Logger) *hub {
	return &hub{
		cfg: cfg, streams: newPlaces(cfg.MaxWatchers, most, m.watchers), lookup: lookup, metrics: m, log: log,
		limiter: rate.NewLimiter(rate.Limit(cfg.WatchRate), cfg.WatchRate),
		topics:  map[topicKey]*topic{},
	}
}

// admit counts a stream of a tenant until release. Streams beyond the bounds are
// refused.
func (h *hub) admit(t orak.Tenant) (release func(), err error) {
	switch release, err := h.streams.take(t); {
	case errors.Is(err, errNoPlace):
		return nil, refuse(codeUnavailable, "Too many event streams are open; request the upload itself, or try again later.")
	case err != nil:
		return nil, refuse(codeTooManyStreams, "Close some of your event streams, or request the uploads themselves.")
	default:
		return release, nil
	}
}

// join watches an upload, and returns once its state is known; the caller leaves the
// topic. ctx must outlive the request: polling continues until the last stream has
// left. join fails with the error of lookup, or after StatusTimeout.
func (h *hub) join(ctx context.Context, key topicKey) (*topic, error) {
	h.mu.Lock()
	tp := h.topics[key]
	if tp == nil {
		tp = &topic{hub: h, key: key, known: make(chan struct{}), changed: make(chan struct{}), movedAt: time.Now()}
		h.topics[key] = tp
		h.metrics.watched.Set(float64(len(h.topics)))
		// Polling belongs to no request's trace, since it serves many.
		polling, stop := context.WithCancel(trace.ContextWithSpanContext(ctx, trace.SpanContext{}))
		tp.stop = stop
		go tp.poll(polling)
	}
	tp.watchers++
	h.mu.Unlock()

	patience := time.NewTimer(h.cfg.StatusTimeout)
	defer patience.Stop()
	select {
	case <-tp.known:
	case <-ctx.Done():
	case <-patience.C:
	}
	if _, _, err := tp.now(); err != nil {
		tp.leave()
		return nil, err
	}
	return tp, nil
}

// drop removes a topic, so that the next stream polls anew.
func (h *hub) drop(tp *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics[tp.key] == tp {
		delete(h.topics, tp.key)
		h.metrics.watched.Set(float64(len(h.topics)))
	}
}

// interval is the wait between two polls of an upload that has not changed for still.
// It grows with the number of watched uploads, so that the limiter has room for new
// ones.
func (h *hub) interval(still time.Duration) time.Duration {
	wait := h.cfg.WatchInterval
	if still > slowAfter {
		wait *= slower
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(wait, time.Duration(len(h.topics))*time.Second/time.Duration(h.cfg.WatchRate))
}

// topic is a watched upload.
type topic struct {
	hub  *hub
	key  topicKey
	stop context.CancelFunc
	// watchers is guarded by hub.mu.
	watchers int
	// known is closed after the first poll.
	known chan struct{}

	mu     sync.Mutex
	looked bool
	latest state
	err    error
	// changed is closed and replaced when latest changes.
	changed chan struct{}
	movedAt time.Time
}

// errNotYet refuses a stream whose upload could not be polled in time.
var errNotYet = refuse(codeUnavailable, "The status cannot be read at the moment; try again later. Accepted uploads are safe.")

// now returns the state of the upload, and a channel that is closed when it changes.
func (tp *topic) now() (state, <-chan struct{}, error) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if !tp.looked {
		return state{}, tp.changed, errNotYet
	}
	return tp.latest, tp.changed, tp.err
}

// leave ends what join began.
func (tp *topic) leave() {
	tp.hub.mu.Lock()
	tp.watchers--
	last := tp.watchers == 0
	tp.hub.mu.Unlock()
	if last {
		tp.hub.drop(tp)
		tp.stop()
	}
}

// poll polls until the upload has ended or ctx ends.
func (tp *topic) poll(ctx context.Context) {
	for wait := time.Duration(0); ; wait = tp.hub.interval(tp.still()) {
		if !pause(ctx, wait) || tp.hub.limiter.Wait(ctx) != nil {
			return
		}
		if over := tp.look(ctx); over {
			break
		}
	}
	if st, _, err := tp.now(); err == nil && st.Status.Final() {
		// Clients that reconnect for the end, all at once, share this state. A
		// dead letter is not kept, since it may be reprocessed at any moment.
		pause(ctx, tp.hub.cfg.WatchInterval)
	}
	tp.hub.drop(tp)
}

func (tp *topic) still() time.Duration {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return time.Since(tp.movedAt)
}

// look polls once and wakes the streams if the state has changed.
func (tp *topic) look(ctx context.Context) (over bool) {
	bounded, cancel := context.WithTimeout(ctx, tp.hub.cfg.StatusTimeout)
	defer cancel()
	st, err := tp.hub.lookup(bounded, tp.key.tenant, tp.key.id)
	tp.hub.metrics.polls.Inc()
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if !tp.looked {
		tp.looked, tp.latest, tp.err = true, st, err
		close(tp.known)
		return err != nil || st.ended()
	}
	if r := (*refusal)(nil); errors.As(err, &r) && r.code == codeErased {
		st, err = state{Progress: workflows.ErasedProgress(tp.key.tenant, tp.key.id, time.Now().UTC())}, nil
	}
	if err != nil {
		// The streams continue during an outage; their clients get heartbeats.
		tp.hub.log.DebugContext(ctx, "a watched upload could not be polled", "upload_id", tp.key.id, "error", err)
		return false
	}
	if !sameEvent(st, tp.latest) {
		tp.latest, tp.movedAt = st, time.Now()
		close(tp.changed)
		tp.changed = make(chan struct{})
	}
	return st.ended()
}

// pause waits, and returns false if ctx ends first.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
