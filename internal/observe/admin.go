package observe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// AdminConfig is where a role without an HTTP server of its own can be looked
// at.
type AdminConfig struct {
	Listen string `help:"Address for /livez, /readyz and /metrics of a role that serves no API. Empty serves none; port 0 takes a free one." default:"127.0.0.1:9464"`
}

// Admin serves /livez, /readyz and /metrics. It has no authentication: listen
// where only operators and probes can reach.
type Admin struct {
	cfg     AdminConfig
	log     *slog.Logger
	server  *http.Server
	mu      sync.Mutex
	address string
	done    chan struct{}
}

// NewAdmin starts nothing.
func NewAdmin(cfg AdminConfig, health *Health, metrics *Metrics, log *slog.Logger) *Admin {
	mux := http.NewServeMux()
	mux.Handle("/", health.Handler())
	mux.Handle("GET /metrics", metrics.Handler())
	return &Admin{
		cfg: cfg,
		log: log,
		server: &http.Server{
			Handler:           mux,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
}

// Start returns once it listens. ctx bounds the starting alone. With an empty
// Listen it does nothing.
func (a *Admin) Start(ctx context.Context) error {
	if a.cfg.Listen == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listening for health checks and metrics: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.address, a.done = listener.Addr().String(), make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("health checks and metrics are no longer served", "error", err)
		}
	}(a.done)
	return nil
}

// Addr is the address that it listens on; empty before Start.
func (a *Admin) Addr() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.address
}

// Stop lets running answers finish within ctx, then cuts them off. It may be
// called again, and without Start.
func (a *Admin) Stop(ctx context.Context) error {
	a.mu.Lock()
	done := a.done
	a.mu.Unlock()
	if err := a.server.Shutdown(ctx); err != nil {
		if err := a.server.Close(); err != nil {
			return fmt.Errorf("closing health checks and metrics: %w", err)
		}
	}
	if done != nil {
		<-done
	}
	return nil
}
