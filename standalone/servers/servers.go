package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Options are what the program decides, not its user.
type Options struct {
	// ManyNamespaces makes fresh Temporal namespaces usable at once, with
	// their search attributes, at the price of a read of the database for
	// each start and list. Tests want it.
	ManyNamespaces bool
	// NoKafka leaves the broker out, for a service that uses another one.
	NoKafka bool
	// Fatal is called where the Temporal server cannot go on, and must end
	// the process.
	Fatal func(msg string)
}

// Servers are Temporal, its Web UI, Kafka and S3, in this process.
type Servers struct {
	cfg  Config
	opts Options

	mu          sync.Mutex
	stops       []stop
	credentials Credentials
}

// stop is a named step of stopping.
type stop struct {
	name string
	run  func(context.Context) error
}

// New describes the servers; nothing runs before Start.
func New(cfg Config, opts Options) *Servers { return &Servers{cfg: cfg, opts: opts} }

// Start returns once all of them serve. It changes the working directory of
// the process. An error leaves nothing running; it is ErrInUse where another
// process uses the data folder and a *PortError where a port is taken.
func (s *Servers) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(ctx); err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return errors.Join(err, s.stopAll(stopping))
	}
	return nil
}

func (s *Servers) start(ctx context.Context) error {
	log, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	kafka := &kafka{port: s.cfg.KafkaPort, dir: s.path("kafka"), log: log.With("server", "kafka")}
	store := &s3{port: s.cfg.S3Port, dir: s.path("s3"), credentials: s.credentials, log: log.With("server", "s3")}
	temporal := &temporalServer{
		port: s.cfg.TemporalPort, dir: s.path("temporal"), many: s.opts.ManyNamespaces,
		log: log.With("server", "temporal"), fatal: s.opts.Fatal,
	}
	ui := &webUI{port: s.cfg.TemporalUIPort, temporalPort: s.cfg.TemporalPort}

	// Temporal takes the longest by far, so it starts beside the others.
	started := make(chan error, 1)
	go func() { started <- temporal.start(ctx) }()
	others := s.begin(ctx, "S3", store.start, store.stop)
	if !s.opts.NoKafka {
		others = errors.Join(others, s.begin(ctx, "Kafka", kafka.start, kafka.stop))
	}
	err = s.begin(ctx, "Temporal", func(context.Context) error { return <-started }, temporal.stop)
	if err := errors.Join(others, err); err != nil {
		return err
	}
	return s.begin(ctx, "the Temporal Web UI", ui.start, ui.stop)
}

// begin starts one server, and registers its stop where that went well.
func (s *Servers) begin(ctx context.Context, name string, start, end func(context.Context) error) error {
	if err := start(ctx); err != nil {
		return err
	}
	s.stops = append(s.stops, stop{name, end})
	return nil
}

// prepare makes the data folder ready and claims it and the ports.
func (s *Servers) prepare(ctx context.Context) (*slog.Logger, error) {
	if err := s.cfg.Validate(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(s.cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("finding the data folder: %w", err)
	}
	s.cfg.DataDir = dir
	for _, folder := range []string{"temporal", "kafka", "s3", "logs"} {
		if err := os.MkdirAll(s.path(folder), 0o700); err != nil {
			return nil, fmt.Errorf("making the data folder: %w", err)
		}
	}
	held, err := lockDataDir(ctx, dir)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, stop{"the lock", func(context.Context) error { return held.release() }})
	if err := ClaimPorts(s.ports()); err != nil {
		return nil, err
	}
	if s.credentials, err = loadCredentials(s.path("s3-credentials.json")); err != nil {
		return nil, err
	}
	file, err := OpenLog(s.logPath())
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, stop{"the log", func(context.Context) error { return file.Close() }})
	return slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelWarn})), nil
}

// Stop stops them in the reverse order of their start, each gracefully within
// ctx. It may be called again.
func (s *Servers) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopAll(ctx)
}

func (s *Servers) stopAll(ctx context.Context) error {
	var errs []error
	for _, stop := range slices.Backward(s.stops) {
		if err := stop.run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", stop.name, err))
		}
	}
	s.stops = nil
	return errors.Join(errs...)
}

// ports are those of the servers that are going to run.
func (s *Servers) ports() []Port {
	ports := s.cfg.ports()
	if s.opts.NoKafka {
		ports = slices.DeleteFunc(ports, func(p Port) bool { return p.Number == &s.cfg.KafkaPort })
	}
	return ports
}

// Addresses tells where the servers are. Call it after Start.
func (s *Servers) Addresses() Addresses {
	at := Addresses{
		Temporal:      address(s.cfg.TemporalPort),
		TemporalUI:    "http://" + address(s.cfg.TemporalUIPort),
		S3:            address(s.cfg.S3Port),
		S3Credentials: s.path("s3-credentials.json"),
		DataDir:       s.cfg.DataDir,
		Log:           s.logPath(),
	}
	if !s.opts.NoKafka {
		at.Kafka = address(s.cfg.KafkaPort)
	}
	return at
}

// Credentials is the store's access key. Call it after Start.
func (s *Servers) Credentials() Credentials { return s.credentials }

func (s *Servers) path(name string) string { return filepath.Join(s.cfg.DataDir, name) }
func (s *Servers) logPath() string         { return filepath.Join(s.path("logs"), "servers.log") }

// maxLog is the size in bytes past which a log is put aside at the start.
const maxLog = 16 << 20

// OpenLog appends to the log at path; one older log is kept beside it.
func OpenLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("putting the old log aside: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	return f, nil
}
