package api

import (
	"sync"

	"orak"
)

// admission bounds the running uploads, in total and per tenant, and with them the
// memory that they take. A new upload beyond the bound is refused before its body
// is read. Slow senders cannot block others: the slowest one is evicted if it is
// slower than Config.MinUploadRate.
type admission struct {
	cfg     Config
	metrics *metrics
	// most is how many uploads of a tenant may run at once.
	most func(orak.Tenant) int

	mu       sync.Mutex
	inside   map[*body]orak.Tenant
	byTenant map[orak.Tenant]int
}

func newAdmission(cfg Config, most func(orak.Tenant) int, m *metrics) *admission {
	if most == nil {
		most = func(orak.Tenant) int { return cfg.MaxTenantUploads }
	}
	return &admission{cfg: cfg, metrics: m, most: most, inside: map[*body]orak.Tenant{}, byTenant: map[orak.Tenant]int{}}
}

// admit counts an upload as running until release.
func (a *admission) admit(t orak.Tenant, b *body) (release func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byTenant[t] >= a.most(t) && !a.makeRoom(func(o orak.Tenant) bool { return o == t }) {
		a.metrics.turnedAway.WithLabelValues("tenant").Inc()
		return nil, refuse(codeTooManyUploads, "Wait until some of your uploads are answered, then send this one again.")
	}
	if len(a.inside) >= a.cfg.MaxUploads && !a.makeRoom(func(orak.Tenant) bool { return true }) {
		a.metrics.turnedAway.WithLabelValues("full").Inc()
		return nil, refuse(codeUnavailable, "The service is receiving as many uploads as it accepts at once. Send this one again later.")
	}
	a.inside[b] = t
	a.byTenant[t]++
	a.metrics.receiving.Inc()
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.remove(b)
	}, nil
}

// count returns how many uploads of a tenant run.
func (a *admission) count(t orak.Tenant) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byTenant[t]
}

// makeRoom evicts the slowest upload of the tenants that of selects, if one is too
// slow.
func (a *admission) makeRoom(of func(orak.Tenant) bool) bool {
	var slowest *body
	least := float64(a.cfg.MinUploadRate)
	for b, t := range a.inside {
		if rate, ok := b.pace.measured(); ok && of(t) && rate < least {
			slowest, least = b, rate
		}
	}
	if slowest == nil {
		return false
	}
	a.remove(slowest)
	slowest.evict()
	a.metrics.turnedAway.WithLabelValues("slow").Inc()
	return true
}

// remove ends the counting of an upload. Further calls do nothing.
func (a *admission) remove(b *body) {
	t, ok := a.inside[b]
	if !ok {
		return
	}
	delete(a.inside, b)
	if a.byTenant[t]--; a.byTenant[t] == 0 {
		delete(a.byTenant, t)
	}
	a.metrics.receiving.Dec()
}
