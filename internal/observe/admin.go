package observe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orak/internal/listen"
	"orak/internal/startstop"
)

// AdminConfig is where operators and probes look at a process, whatever its
// roles.
type AdminConfig struct {
	Listen         string `help:"Address for /livez, /readyz and /metrics of every role. Empty serves none; port 0 takes a free one." default:"127.0.0.1:9464"`
	MaxConnections int    `help:"Most connections to that address at once; when more come, the one that has waited longest for a request is closed, and where none waits the new one is answered 503." default:"64"`
}

// Validate reports the first setting that cannot work.
func (c AdminConfig) Validate() error {
	if c.MaxConnections <= 0 {
		return errors.New("max-connections: want more than 0")
	}
	return nil
}

// Admin serves /livez, /readyz and /metrics. It has no authentication: listen
// where only operators and probes can reach.
type Admin struct {
	cfg      AdminConfig
	log      *slog.Logger
	server   *http.Server
	registry prometheus.Registerer
	fatal    chan error
	life     startstop.Once
	serving  sync.WaitGroup
	listener atomic.Pointer[listen.Listener]
}

// NewAdmin starts nothing.
func NewAdmin(cfg AdminConfig, health *Health, metrics *Metrics, log *slog.Logger) *Admin {
	mux := http.NewServeMux()
	mux.Handle("/", health.Handler())
	mux.Handle("GET /metrics", metrics.Handler())
	return &Admin{
		cfg:      cfg,
		log:      log,
		registry: metrics.Registry(),
		fatal:    make(chan error, 1),
		server: &http.Server{
			Handler:           busy(mux),
			ConnContext:       withConn,
			ConnState:         idle,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
}

// Start returns once the Admin listens; ctx bounds only that. With an empty
// Listen it serves nothing. An Admin is started once, and not after Stop.
func (a *Admin) Start(ctx context.Context) error { return a.life.Start(ctx, a.start) }

func (a *Admin) start(ctx context.Context) error {
	if a.cfg.Listen == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listening for health checks and metrics: %w", err)
	}
	l := listen.New(listener, listen.Options{
		Name: "admin", MaxConnections: listen.Limit(a.cfg.MaxConnections), Log: a.log, Metrics: a.registry,
	})
	a.listener.Store(l)
	a.serving.Go(func() { a.serve(l) })
	a.log.InfoContext(ctx, "health checks and metrics are served", "addr", l.Addr().String())
	return nil
}

func (a *Admin) serve(l *listen.Listener) {
	err := a.server.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return
	}
	a.log.ErrorContext(context.Background(), "health checks and metrics are no longer served", "error", err)
	a.fatal <- fmt.Errorf("serving health checks and metrics: %w", err)
}

// Fatal sends the error for which it ended by itself, once; it sends nothing
// when it is stopped. The process should end with it, for its supervisor.
func (a *Admin) Fatal() <-chan error { return a.fatal }

// Addr is the address that the Admin listens on; empty before Start.
func (a *Admin) Addr() string {
	l := a.listener.Load()
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// Stop lets running answers finish within ctx, then cuts them off, which is an
// error. It may be called again, and without Start.
func (a *Admin) Stop(ctx context.Context) error { return a.life.Stop(ctx, a.stop) }

func (a *Admin) stop(ctx context.Context) error {
	if l := a.listener.Load(); l != nil {
		l.Drain()
	}
	err := a.server.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("stopping health checks and metrics: %w", errors.Join(err, a.server.Close()))
	}
	a.serving.Wait()
	return err
}
