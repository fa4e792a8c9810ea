package api

import (
	"cmp"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"orak"
	"orak/internal/auth"
)

// TenantLimits bound what a tenant may do in one process; 0 is no bound of its own.
type TenantLimits struct {
	// Requests is per second; as many may come at once.
	Requests int
	// DayBytes bounds the recordings that are accepted in a day (UTC).
	DayBytes int64
	// UploadBytes bounds one recording, instead of Config.MaxUploadBytes.
	UploadBytes int64
	// Watchers bounds the open event streams, instead of Config.MaxTenantWatchers.
	Watchers int
}

// maxAllowances bounds the tenants of which is known what they have used. One that is
// pushed out begins anew.
const maxAllowances = 10_000

// limits bound tenants. Only this process knows what was used, since a bound that
// all share would make every upload wait for another system.
type limits struct {
	cfg     Config
	of      func(orak.Tenant) TenantLimits
	metrics *metrics

	mu   sync.Mutex
	used *lru.Cache[orak.Tenant, *allowance]
}

// allowance is what a tenant has used.
type allowance struct {
	// requests is nil until the first request that counts.
	requests *rate.Limiter
	// day is the date of bytes.
	day   string
	bytes int64
}

func newLimits(cfg Config, of func(orak.Tenant) TenantLimits, m *metrics) *limits {
	used, err := lru.New[orak.Tenant, *allowance](maxAllowances)
	if err != nil {
		panic(err) // the size is positive
	}
	if of == nil {
		of = func(orak.Tenant) TenantLimits {
			return TenantLimits{Requests: cfg.MaxTenantRequests, DayBytes: cfg.MaxTenantDayBytes}
		}
	}
	return &limits{cfg: cfg, of: of, metrics: m, used: used}
}

// allowance returns what t has used. The caller holds the lock.
func (l *limits) allowance(t orak.Tenant) *allowance {
	a, ok := l.used.Get(t)
	if !ok {
		a = &allowance{}
		l.used.Add(t, a)
	}
	if today := time.Now().UTC().Format(time.DateOnly); a.day != today {
		a.day, a.bytes = today, 0
	}
	return a
}

// take counts a request of a tenant, and refuses one beyond the rate. The headers are
// those of draft-ietf-httpapi-ratelimit-headers. A request that expects 100-continue
// counts twice: it is handled before its body, and with it.
func (l *limits) take(c *fiber.Ctx, t orak.Tenant) error {
	most := l.of(t).Requests
	if most <= 0 {
		return nil
	}
	l.mu.Lock()
	a := l.allowance(t)
	if a.requests == nil || a.requests.Limit() != rate.Limit(most) {
		a.requests = rate.NewLimiter(rate.Limit(most), most)
	}
	allowed := a.requests.Allow()
	left := max(int(a.requests.Tokens()), 0)
	l.mu.Unlock()
	c.Set("RateLimit-Policy", `"requests";q=`+strconv.Itoa(most)+`;w=1`)
	c.Set("RateLimit", `"requests";r=`+strconv.Itoa(left)+`;t=1`)
	if allowed {
		return nil
	}
	l.metrics.limited.WithLabelValues("requests").Inc()
	r := refuse(codeRateLimited, fmt.Sprintf("The tenant may send %d requests per second to each instance of the server.", most))
	r.again = time.Second
	return r
}

// admits refuses a recording of size bytes, -1 if it is not known, where the tenant has
// sent as much as it may today.
func (l *limits) admits(t orak.Tenant, size int64) error {
	most := l.of(t).DayBytes
	if most <= 0 {
		return nil
	}
	l.mu.Lock()
	used := l.allowance(t).bytes
	l.mu.Unlock()
	if used+max(size, 1) <= most {
		return nil
	}
	l.metrics.limited.WithLabelValues("day-bytes").Inc()
	now := time.Now().UTC()
	r := refuse(codeDailyBytes, fmt.Sprintf("The tenant may send %d bytes a day. Nothing was stored; send it again tomorrow (UTC).", most))
	r.again = now.Truncate(24*time.Hour).Add(24*time.Hour).Sub(now).Truncate(time.Second) + time.Second
	return r
}

// sent counts an accepted recording.
func (l *limits) sent(t orak.Tenant, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allowance(t).bytes += bytes
}

// sentToday returns the bytes of the recordings that were accepted of a tenant today.
func (l *limits) sentToday(t orak.Tenant) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.used.Peek(t)
	if !ok || a.day != time.Now().UTC().Format(time.DateOnly) {
		return 0
	}
	return a.bytes
}

// uploadBytes is the size of the largest recording that a caller may send.
func (l *limits) uploadBytes(caller auth.Caller) int64 {
	most := cmp.Or(l.of(caller.Tenant).UploadBytes, l.cfg.MaxUploadBytes)
	if caller.MaxBytes > 0 {
		most = min(most, caller.MaxBytes)
	}
	return most
}

// watchers is how many event streams a tenant may have open.
func (l *limits) watchers(t orak.Tenant) int {
	return cmp.Or(l.of(t).Watchers, l.cfg.MaxTenantWatchers)
}

// boundOwner returns whose recording the caller sends: its credential decides where it
// names an owner, and the request may then only repeat it.
func boundOwner(caller auth.Caller, asked string) (string, error) {
	if caller.Owner != "" && asked != "" && asked != caller.Owner {
		return "", refuse(codeForeignOwner, "The credential only sends recordings of another owner. Leave owner out.")
	}
	owner, err := orak.ParseOwner(cmp.Or(caller.Owner, asked))
	if err != nil {
		return "", refuse(codeInvalidRequest, "owner: "+err.Error()+". Nothing was stored.")
	}
	return owner, nil
}
