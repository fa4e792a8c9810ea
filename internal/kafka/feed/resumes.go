package feed

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak"
)

// resumes bounds how many readers resume at once, in total and of each tenant. A reader
// waits for its tenant first, so that the readers of one tenant, however many and slow,
// never keep those of others from a place.
type resumes struct {
	all              chan struct{}
	ofTenant         int
	reading, waiting prometheus.Gauge

	mu     sync.Mutex
	shares map[orak.Tenant]*share
}

// share is that of a tenant, while it has readers who resume or wait.
type share struct {
	places chan struct{}
	// users is guarded by resumes.mu.
	users int
}

func newResumes(cfg Config, reg prometheus.Registerer) *resumes {
	gauge := promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
		Name: "orak_feed_resumes",
		Help: "Readers of a tenant's events that resume now: reading what they missed, or waiting for a place.",
	}, []string{"state"})
	return &resumes{
		all: make(chan struct{}, cfg.MaxResumes), ofTenant: cfg.MaxTenantResumes, shares: map[orak.Tenant]*share{},
		reading: gauge.WithLabelValues("reading"), waiting: gauge.WithLabelValues("waiting"),
	}
}

// take waits for a place, which the caller releases once. It fails only with the error of
// ctx.
func (r *resumes) take(ctx context.Context, t orak.Tenant) (release func(), err error) {
	s := r.join(t)
	r.waiting.Inc()
	defer r.waiting.Dec()
	if err := enter(ctx, s.places); err != nil {
		r.leave(t, s)
		return nil, err
	}
	if err := enter(ctx, r.all); err != nil {
		<-s.places
		r.leave(t, s)
		return nil, err
	}
	r.reading.Inc()
	return func() {
		r.reading.Dec()
		<-r.all
		<-s.places
		r.leave(t, s)
	}, nil
}

func enter(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *resumes) join(t orak.Tenant) *share {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.shares[t]
	if s == nil {
		s = &share{places: make(chan struct{}, r.ofTenant)}
		r.shares[t] = s
	}
	s.users++
	return s
}

func (r *resumes) leave(t orak.Tenant, s *share) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(r.shares, t)
	}
}
