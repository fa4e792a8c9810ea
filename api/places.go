package api

import (
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"orak"
)

// places bounds how many things run at once, in total and for each tenant, so that one
// tenant cannot take the places of all.
type places struct {
	most int
	// mostOf bounds a tenant.
	mostOf func(orak.Tenant) int
	inUse  prometheus.Gauge

	mu       sync.Mutex
	taken    int
	byTenant map[orak.Tenant]int
}

var (
	errNoPlace         = errors.New("every place is taken")
	errNoPlaceOfTenant = errors.New("the tenant has taken as many places as it may")
)

func newPlaces(most int, mostOf func(orak.Tenant) int, inUse prometheus.Gauge) *places {
	return &places{most: most, mostOf: mostOf, inUse: inUse, byTenant: map[orak.Tenant]int{}}
}

// take takes a place until release, which may be called more than once. It fails with
// errNoPlace or errNoPlaceOfTenant.
func (p *places) take(t orak.Tenant) (release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.taken >= p.most:
		return nil, errNoPlace
	case p.byTenant[t] >= p.mostOf(t):
		return nil, errNoPlaceOfTenant
	}
	p.taken++
	p.byTenant[t]++
	p.inUse.Inc()
	return sync.OnceFunc(func() { p.release(t) }), nil
}

func (p *places) release(t orak.Tenant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.byTenant[t]--; p.byTenant[t] == 0 {
		delete(p.byTenant, t)
	}
	p.inUse.Dec()
}
