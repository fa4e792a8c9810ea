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

// slowAfter is for how long an upload must not have changed before it is looked
// at less often, and slower how much less.
const (
	slowAfter = time.Minute
	slower    = 4
)

// hub looks at the uploads that event streams watch: once for each upload,
// however many streams watch it, and within one rate for all of them, the first
// look of a stream included. Temporal serves the bridge's starts from the same
// limits.
//
//	streams ─┬─► topic (an upload) ─► poller ─┐
//	         ├─► topic ─────────────► poller ─┼─► limiter ─► lookup
//	streams ─┴─► topic ─────────────► poller ─┘
type hub struct {
	cfg     Config
	lookup  func(context.Context, orak.Tenant, orak.UploadID) (state, error)
	limiter *rate.Limiter
	metrics *metrics
	log     *slog.Logger

	mu     sync.Mutex
	topics map[topicKey]*topic
	// streams counts the open ones, all and by tenant.
	streams  int
	byTenant map[orak.Tenant]int
}

// topicKey names what is watched.
type topicKey struct {
	tenant orak.Tenant
	id     orak.UploadID
}

func newHub(cfg Config, lookup func(context.Context, orak.Tenant, orak.UploadID) (state, error), m *metrics, log *slog.Logger) *hub {
	return &hub{
		cfg: cfg, lookup: lookup, metrics: m, log: log,
		limiter: rate.NewLimiter(rate.Limit(cfg.WatchRate), cfg.WatchRate),
		topics:  map[topicKey]*topic{}, byTenant: map[orak.Tenant]int{},
	}
}

// admit counts one more stream of a tenant, until release; it refuses those
// beyond the bounds.
func (h *hub) admit(t orak.Tenant) (release func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.streams >= h.cfg.MaxWatchers:
		return nil, refuse(codeUnavailable, "Too many event streams are open; ask for the upload itself, or try again a little later.")
	case h.byTenant[t] >= h.cfg.MaxTenantWatchers:
		return nil, refuse(codeTooManyStreams, "Close some of your event streams, or ask for the uploads themselves.")
	}
	h.streams++
	h.byTenant[t]++
	h.metrics.watchers.Inc()
	return sync.OnceFunc(func() { h.dismiss(t) }), nil
}

func (h *hub) dismiss(t orak.Tenant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams--
	if h.byTenant[t]--; h.byTenant[t] == 0 {
		delete(h.byTenant, t)
	}
	h.metrics.watchers.Dec()
}

// join watches an upload, and returns once it is known where that stands; the
// caller leaves. ctx outlives the request: the looks go on until the last one
// has left. The error is lookup's, or that it took longer than StatusTimeout.
func (h *hub) join(ctx context.Context, key topicKey) (*topic, error) {
	h.mu.Lock()
	tp := h.topics[key]
	if tp == nil {
		tp = &topic{hub: h, key: key, known: make(chan struct{}), changed: make(chan struct{}), movedAt: time.Now()}
		h.topics[key] = tp
		h.metrics.watched.Set(float64(len(h.topics)))
		// Of no request's trace: it serves many.
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

// drop has the next one who joins look anew.
func (h *hub) drop(tp *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics[tp.key] == tp {
		delete(h.topics, tp.key)
		h.metrics.watched.Set(float64(len(h.topics)))
	}
}

// interval is how long to wait after a look at an upload that has not changed
// for so long. It grows with the uploads that are watched, so that the limiter
// has room for those that are new.
func (h *hub) interval(still time.Duration) time.Duration {
	wait := h.cfg.WatchInterval
	if still > slowAfter {
		wait *= slower
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(wait, time.Duration(len(h.topics))*time.Second/time.Duration(h.cfg.WatchRate))
}

// topic is one upload that is watched.
type topic struct {
	hub  *hub
	key  topicKey
	stop context.CancelFunc
	// watchers is the hub's to lock.
	watchers int
	// known is closed with the first look.
	known chan struct{}

	mu     sync.Mutex
	looked bool
	latest state
	err    error
	// changed is closed when latest is another one.
	changed chan struct{}
	movedAt time.Time
}

// errNotYet is what a stream is refused with whose upload could not be looked
// at in time.
var errNotYet = refuse(codeUnavailable, "The status cannot be told at the moment; ask again a little later. Uploads that were accepted are safe.")

// now is where the upload stands, and what is closed when that has changed.
func (tp *topic) now() (state, <-chan struct{}, error) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if !tp.looked {
		return state{}, tp.changed, errNotYet
	}
	return tp.latest, tp.changed, tp.err
}

// leave ends a watch that join began.
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

// poll looks until the upload is at an end, or ctx is.
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
		// Those who come back for the end, all at once, share this answer. A
		// dead letter may be run again at any moment.
		pause(ctx, tp.hub.cfg.WatchInterval)
	}
	tp.hub.drop(tp)
}

func (tp *topic) still() time.Duration {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return time.Since(tp.movedAt)
}

// look asks once, and tells the streams what is new.
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
		// The streams outlive an outage; their clients hear heartbeats.
		tp.hub.log.Debug("an upload that is watched could not be looked at", slog.String("upload_id", string(tp.key.id)), slog.Any("error", err))
		return false
	}
	if !sameEvent(st, tp.latest) {
		tp.latest, tp.movedAt = st, time.Now()
		close(tp.changed)
		tp.changed = make(chan struct{})
	}
	return st.ended()
}

// pause waits; false says that ctx ended.
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
