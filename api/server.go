package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/api/resource"
	"orak/internal/auth"
	"orak/internal/direct"
	"orak/internal/flight"
	"orak/internal/listen"
	"orak/internal/resumable"
	"orak/internal/startstop"
	"orak/internal/throttle"
	"orak/workflows"
)

// maxHead bounds the head of a request, in bytes.
const maxHead = 16 << 10

// Server is the HTTP server with its outbox. It runs once, between Start and Stop.
type Server struct {
	cfg         Config
	store       Store
	workflows   Workflows
	payloads    workflows.Payloads
	codec       converter.PayloadCodec
	media       Sniffer
	workflowURL func(workflowID, runID string) string
	namespace   string
	log         *slog.Logger
	metrics     *metrics
	registry    prometheus.Registerer
	tracer      trace.Tracer
	events      Publisher
	active      func() string
	announcer   *announcer
	admission   *admission
	resumable   *resumable.Uploads
	direct      *direct.Uploads
	paused      func(orak.Tenant) bool
	outages     OutageReporter
	callers     auth.Authenticator
	// logins is nil where nobody logs in.
	logins     auth.Logins
	attempts   *loginAttempts
	temporalUI string
	limits     *limits
	keys       *auth.Keys
	index      Index
	webhooks   webhooks
	feed       Feed
	operations Operations
	// counts has the counts of dead letters.
	counts *flight.Cache[countKey, resource.DeadLetterCounts]
	// today has how many uploads a tenant sent today.
	today *flight.Cache[orak.Tenant, int64]
	// senders are the tenants of the latest uploads.
	senders         *flight.Cache[struct{}, []orak.Tenant]
	settings        Settings
	settingDefaults map[string]string
	// imports and rankings have one place for each that runs.
	imports, rankings chan struct{}
	// downloads has a place for each object that is being sent.
	downloads *places
	// waveforms has a place for each that is being made.
	waveforms *places
	// historyEvents bounds the events that are read for the history of an upload.
	historyEvents int
	// counted has the outages of counting them for operators' first page.
	counted *throttle.Outages
	// counting has a place for each count that reads dead letters.
	counting *places
	app      *fiber.App

	// relay publishes the outbox, and sweeps resumable and direct uploads and login codes, until halt ends the context of all work.
	relay func(began time.Time)
	halt  context.CancelFunc
	// stopping is closed when Stop begins.
	stopping chan struct{}
	life     startstop.Once
	hub      *hub

	listener *listen.Listener
	fatal    chan error
	serving  chan struct{}
	relaying chan struct{}
}

// New makes a Server; nothing runs before Start. It panics if two servers share a
// Registerer.
func New(cfg Config, deps Deps) *Server {
	if deps.Outages == nil {
		deps.Outages = unreported{}
	}
	deps.Store = timely{deps.Store}
	tracing := deps.Tracing
	if tracing == nil {
		tracing = noop.NewTracerProvider()
	}
	work, halt := context.WithCancel(context.Background())
	m := newMetrics(deps.Metrics)
	active := deps.ActiveCluster
	if active == nil {
		active = func() string { return "" }
	}
	s := &Server{
		active: active,
		cfg:    cfg, store: deps.Store, events: deps.Events, workflows: deps.Workflows, payloads: deps.Payloads, codec: deps.Codec, media: deps.Media,
		workflowURL: deps.WorkflowURL, namespace: deps.Namespace, log: deps.Log, metrics: m, registry: deps.Metrics,
		tracer:        tracing.Tracer("orak/api"),
		outages:       deps.Outages,
		index:         deps.Index,
		webhooks:      newWebhooks(deps),
		callers:       deps.Callers,
		attempts:      newLoginAttempts(cfg.MaxLogins),
		temporalUI:    deps.TemporalUI,
		limits:        newLimits(cfg, deps.Limits, m),
		keys:          deps.Keys,
		feed:          deps.Feed,
		operations:    deps.Operations,
		imports:       make(chan struct{}, cfg.MaxSongImports),
		rankings:      make(chan struct{}, runtime.GOMAXPROCS(0)),
		downloads:     newPlaces(cfg.MaxDownloads, func(orak.Tenant) int { return cfg.MaxTenantDownloads }, m.downloads),
		waveforms:     newPlaces(cfg.MaxWaveforms, func(orak.Tenant) int { return cfg.MaxTenantWaveforms }, m.waveforms),
		counting:      newPlaces(cfg.MaxCounts, func(orak.Tenant) int { return cfg.MaxTenantCounts }, m.counting),
		historyEvents: maxEvents,
		counted:       throttle.NewOutages(deps.Log),
		announcer:     newAnnouncer(cfg, deps, m),
		admission:     newAdmission(cfg, deps.MaxTenantUploads, m),
		paused:        deps.Paused,
		halt:          halt,
		fatal:         make(chan error, 1),
		stopping:      make(chan struct{}), serving: make(chan struct{}), relaying: make(chan struct{}),
	}
	s.app = fiber.New(fiber.Config{
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,        // it would write to disk
		Immutable:                    true,        // otherwise values of a request change after it
		BodyLimit:                    math.MaxInt, // not enforced on streams; see openRecording and decodeJSON
		ReadBufferSize:               maxHead,
		ReadTimeout:                  cfg.HeaderTimeout, // bodies extend it; see body
		IdleTimeout:                  cfg.KeepAlive,
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		ErrorHandler:                 s.unparsed, // observe answers everything else
	})
	s.settings, s.settingDefaults = deps.Settings, deps.SettingDefaults
	answers := flight.NewMetrics(deps.Metrics, "orak_api_shared")
	s.counts, s.today, s.senders = s.newCounts(answers), s.newToday(answers), s.newSenders(answers)
	if cfg.Console {
		s.logins, _ = deps.Callers.(auth.Logins)
	}
	s.direct = s.newDirect(deps)
	s.resumable = newResumable(cfg, deps, s)
	s.hub = newHub(cfg, s.limits.watchers, s.lookup, m, deps.Log)
	s.relay = func(began time.Time) {
		var group sync.WaitGroup
		group.Go(func() { s.sweepTus(work, deps.Bucket) })
		group.Go(func() { s.sweepDirect(work, deps.Bucket) })
		group.Go(func() { s.sweepLoginCodes(work, deps.Bucket) })
		s.announcer.relay(work, deps.Bucket, began)
		group.Wait()
	}
	s.app.Use(func(c *fiber.Ctx) error { return s.observe(work, c) })
	s.app.Use(s.addressed)
	if len(cfg.Origins) > 0 {
		s.app.Use(crossOrigin(cfg.Origins))
	}
	s.routes(deps)
	server, handler := s.app.Server(), s.app.Handler()
	server.Handler = s.closeUnread(handler)
	server.HeaderReceived = received
	server.ExpectHandler = s.expect(handler)
	server.ConnState = idle
	server.CloseOnShutdown = true
	return s
}

// idle reports connections that wait for their next request to the listener.
func idle(nc net.Conn, state fasthttp.ConnState) {
	if c, ok := nc.(*listen.Conn); ok && state == fasthttp.StateIdle {
		c.Idle()
	}
}

// unreported is an OutageReporter that does nothing.
type unreported struct{}

// Report implements OutageReporter.
func (unreported) Report(error) {}

// Start returns once the server listens; ctx bounds only the start. A Server is
// started once, and not after Stop.
func (s *Server) Start(ctx context.Context) error {
	if err := s.life.Start(ctx, s.start); err != nil {
		return fmt.Errorf("starting the API server: %w", err)
	}
	return nil
}

func (s *Server) start(ctx context.Context) error {
	began := time.Now()
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", s.cfg.Addr, err)
	}
	s.listener = listen.New(ln, listen.Options{
		Name: "api", MaxConnections: s.maxConnections(ctx), WriteTimeout: s.cfg.BodyTimeout, Log: s.log, Metrics: s.registry,
	})
	go s.serve()
	go func() {
		defer close(s.relaying)
		s.relay(began)
	}()
	s.log.InfoContext(ctx, "the API is serving", "addr", s.Addr())
	return nil
}

// serve runs until Stop. An earlier end is fatal: the process should not continue
// without its API.
func (s *Server) serve() {
	defer close(s.serving)
	err := s.app.Listener(s.listener)
	select {
	case <-s.stopping:
		return
	default:
	}
	if err == nil {
		err = net.ErrClosed
	}
	s.log.ErrorContext(context.Background(), "the API server ended", "error", err)
	s.fatal <- fmt.Errorf("serving the API: %w", err)
}

// Fatal receives the error if the server ends without Stop, once. The process
// should then exit, so that its supervisor restarts it.
func (s *Server) Fatal() <-chan error { return s.fatal }

// maxConnections is the number of connections that the settings and the limit of
// open files allow.
func (s *Server) maxConnections(ctx context.Context) int {
	most := listen.Limit(s.cfg.MaxConnections)
	if most < s.cfg.MaxConnections {
		s.log.WarnContext(ctx, "fewer connections than configured: the limit of open files is too low", "max_connections", most, "configured", s.cfg.MaxConnections)
	}
	return most
}

// Addr is the address of the server as host:port; "" before Start.
func (s *Server) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Stop ends event streams and connections without a request, and lets running
// requests finish and the outbox remove acknowledged markers. When ctx ends first,
// it cuts them and returns an error; answered uploads are safe either way. It may be
// called again, and without Start.
func (s *Server) Stop(ctx context.Context) error { return s.life.Stop(ctx, s.stop) }

func (s *Server) stop(ctx context.Context) error {
	close(s.stopping)
	s.listener.Drain()
	s.resumable.Interrupt() // their senders go on elsewhere
	err := s.app.ShutdownWithContext(ctx)
	if errors.Is(err, net.ErrClosed) {
		err = nil // the listener had already ended
	}
	if err != nil {
		s.listener.CloseAll()
		err = fmt.Errorf("stopping the API server: %w", err)
	}
	if outErr := s.announcer.stop(ctx); outErr != nil {
		err = errors.Join(err, fmt.Errorf("stopping the outbox: %w", outErr))
	}
	_ = s.listener.Close() // if it was not served yet, nothing else has closed it
	<-s.serving
	s.halt()
	<-s.relaying
	return err
}
