package webhook

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orak"
)

const (
	// maxFailures is how often a webhook has to fail in a row to have one place only.
	maxFailures = 5
	// maxRemembered bounds the webhooks whose pace is remembered. Beyond it, those
	// with nothing underway are forgotten, which costs a few attempts.
	maxRemembered = 10_000
	// minPace and maxAway bound the wait of an attempt that finds no place.
	minPace = 20 * time.Millisecond
	maxAway = time.Hour
)

// places bounds the requests that are underway for each webhook and each tenant. An
// attempt without a place does not wait here: it is told when to come back.
type places struct {
	perWebhook, perTenant int
	remembered            prometheus.Gauge

	mu      sync.Mutex
	pace    map[string]*pace
	tenants map[orak.Tenant]int
}

// pace is what is remembered of a webhook.
type pace struct {
	underway int
	// failures counts the attempts that failed since the last success.
	failures int
	// took is how long attempts took lately.
	took time.Duration
	// next is when the last attempt that was sent away comes back.
	next time.Time
	// held is until when the receiver asked for silence.
	held time.Time
}

func newPlaces(cfg Config, m *metrics) *places {
	return &places{
		perWebhook: cfg.PerWebhook, perTenant: cfg.PerTenant, remembered: m.webhooks,
		pace: map[string]*pace{}, tenants: map[orak.Tenant]int{},
	}
}

// enter takes a place; leave gives it back. If there is none, ok is false and the attempt
// should come back after wait: those that are sent away are given times at the pace at
// which the webhook answers, so that they do not come in vain.
func (p *places) enter(t orak.Tenant, webhook string, now time.Time) (wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.of(webhook)
	if held := w.held.Sub(now); held > 0 {
		return jittered(held), false
	}
	limit := p.perWebhook
	if w.failures >= maxFailures {
		limit = 1
	}
	if w.underway < limit && p.tenants[t] < p.perTenant {
		w.underway++
		p.tenants[t]++
		return 0, true
	}
	if w.next.Before(now) {
		w.next = now.Add(w.took)
	}
	w.next = w.next.Add(max(w.took/time.Duration(limit), minPace))
	return min(max(w.next.Sub(now), minPace), maxAway), false
}

// leave gives a place back, after an attempt that took so long. hold is for how long the
// receiver asked for silence.
func (p *places) leave(t orak.Tenant, webhook string, took, hold time.Duration, failed bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.of(webhook)
	w.underway--
	if p.tenants[t]--; p.tenants[t] == 0 {
		delete(p.tenants, t)
	}
	w.took += (took - w.took) / 4
	if w.failures++; !failed {
		w.failures = 0
	}
	if hold > 0 {
		w.held = now.Add(min(hold, maxAway))
	}
}

func (p *places) of(webhook string) *pace {
	w := p.pace[webhook]
	if w != nil {
		return w
	}
	if len(p.pace) >= maxRemembered {
		for id, other := range p.pace {
			if other.underway == 0 {
				delete(p.pace, id)
			}
		}
	}
	w = &pace{}
	p.pace[webhook] = w
	p.remembered.Set(float64(len(p.pace)))
	return w
}

// jittered lengthens d by up to a fifth, so that what failed together does not come back
// together.
func jittered(d time.Duration) time.Duration {
	return d + time.Duration(rand.Float64()*float64(d)/5)
}
