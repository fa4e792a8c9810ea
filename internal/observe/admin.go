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

// AdminConfig has the settings of the endpoints for operators and probes.
type AdminConfig struct {
	Listen         string `help:"Address for /livez, /readyz and /metrics of every role. Empty serves none; port 0 takes a free one." default:"127.0.0.1:9464"`
	MaxConnections int    `help:"The most open connections to that address. For one more, the connection that has waited longest for a request is closed; if none waits, the new one is answered 503." default:"64"`
}

// Validate reports the first setting that cannot work.
func (c AdminConfig) Validate() error {
	if c.MaxConnections <= 0 {
		return errors.New("max-connections: want more than 0")
	}
	return nil
}

// Admin serves /livez, /readyz and /metrics without authentication: its address
// must be reachable only for operators and probes.
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

// NewAdmin makes an Admin; Start starts it.
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

// Fatal sends the error that ended the serving, once; it sends nothing when the
// Admin is stopped. The process should exit with it, so that its supervisor
// restarts it.
func (a *Admin) Fatal() <-chan error { return a.fatal }

// Addr returns the address that the Admin listens on; empty before Start.
func (a *Admin) Addr() string {
	l := a.listener.Load()
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// Stop lets requests in flight finish within ctx, then cuts them off and returns
// an error. It may be called again, and without Start.
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
