package observe

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"orak"
)

// checkTimeout bounds each readiness check.
const checkTimeout = 3 * time.Second

// Health answers liveness and readiness checks. It is safe for concurrent use.
type Health struct {
	log *slog.Logger

	mu       sync.Mutex
	checks   []check
	failing  map[string]bool
	stopping bool
}

type check struct {
	name string
	run  func(context.Context) error
}

// Report is the body of /readyz.
type Report struct {
	// Status is "ok", "failing" or, once Drain was called, "stopping".
	Status string        `json:"status"`
	Checks []CheckReport `json:"checks"`
}

// CheckReport is one check's part of a Report.
type CheckReport struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Error has no hosts, paths or secrets. The detail is in the log.
	Error string `json:"error,omitempty"`
}

// OK reports whether the process is ready.
func (r Report) OK() bool { return r.Status == statusOK }

const (
	statusOK       = "ok"
	statusFailing  = "failing"
	statusStopping = "stopping"
)

// NewHealth makes a Health without checks, which is ready.
func NewHealth(log *slog.Logger) *Health {
	return &Health{log: log, failing: map[string]bool{}}
}

// Add makes the process ready only while run returns nil. run must heed its
// context, which ends after 3 s, and may be called concurrently. A check of the
// same name is replaced.
func (h *Health) Add(name string, run func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = slices.DeleteFunc(h.checks, func(c check) bool { return c.name == name })
	h.checks = append(h.checks, check{name, run})
}

// Drain makes the process not ready for good, so that load balancers send no
// more requests before it stops. Liveness does not change.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// Ready runs all checks concurrently and reports them in the order of their names.
func (h *Health) Ready(ctx context.Context) Report {
	h.mu.Lock()
	checks, stopping := slices.Clone(h.checks), h.stopping
	h.mu.Unlock()

	report := Report{Status: statusOK, Checks: make([]CheckReport, len(checks))}
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { report.Checks[i] = h.run(ctx, c) })
	}
	all.Wait()

	slices.SortFunc(report.Checks, func(a, b CheckReport) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	if slices.ContainsFunc(report.Checks, func(c CheckReport) bool { return !c.OK }) {
		report.Status = statusFailing
	}
	if stopping {
		report.Status = statusStopping
	}
	return report
}

func (h *Health) run(ctx context.Context, c check) CheckReport {
	bounded, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := c.run(bounded)
	if ctx.Err() == nil {
		h.note(ctx, c.name, err)
	}
	if err == nil {
		return CheckReport{Name: c.name, OK: true}
	}
	return CheckReport{Name: c.name, Error: safe(err)}
}

// note logs a check only when it starts or stops to fail: probes come every few
// seconds.
func (h *Health) note(ctx context.Context, name string, err error) {
	h.mu.Lock()
	was := h.failing[name]
	h.failing[name] = err != nil
	h.mu.Unlock()
	switch {
	case err != nil && !was:
		h.log.WarnContext(ctx, "readiness check fails", "check", name, "error", err)
	case err == nil && was:
		h.log.InfoContext(ctx, "readiness check passes again", "check", name)
	}
}

// safe returns what may be shown of err to anyone.
func safe(err error) string {
	var fault *orak.Fault
	switch {
	case errors.As(err, &fault):
		return fault.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "It did not answer in time."
	default:
		return "It fails; the log has the reason."
	}
}

// Handler serves GET /livez, which is 200 as long as the process can answer, and
// GET /readyz, which is 200 or 503 with a Report.
func (h *Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) {
		h.answer(r.Context(), w, http.StatusOK, Report{Status: statusOK, Checks: []CheckReport{}})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		report, status := h.Ready(r.Context()), http.StatusOK
		if !report.OK() {
			status = http.StatusServiceUnavailable
		}
		h.answer(r.Context(), w, status, report)
	})
	return mux
}

func (h *Health) answer(ctx context.Context, w http.ResponseWriter, status int, report Report) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(report); err != nil {
		h.log.DebugContext(ctx, "health check was not answered", "error", err)
	}
}
