package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"orak/internal/startstop"
)

// Options are set by the program, not by its user.
type Options struct {
	// ManyNamespaces makes fresh Temporal namespaces usable at once, with
	// their search attributes, at the cost of a database read for each start and
	// list. It is for tests.
	ManyNamespaces bool
	// Only are the servers to run; empty means all of them. Servers in separate
	// processes need separate data folders.
	Only []Name
	// Fatal is called if the Temporal server cannot continue, and must end the
	// process.
	Fatal func(msg string)
}

// Name names one of the servers; operators type it.
type Name string

// The servers.
const (
	// Temporal comes with its Web UI.
	Temporal Name = "temporal"
	Kafka    Name = "kafka"
	S3       Name = "s3"
)

func (o Options) runs(n Name) bool { return len(o.Only) == 0 || slices.Contains(o.Only, n) }

// Servers are Temporal, its Web UI, Kafka and S3, in this process.
type Servers struct {
	cfg  Config
	opts Options

	life        startstop.Once
	stops       []stop
	credentials Credentials
}

// stop is a named step of stopping.
type stop struct {
	name string
	run  func(context.Context) error
}

// New returns the servers; nothing runs before Start.
func New(cfg Config, opts Options) *Servers { return &Servers{cfg: cfg, opts: opts} }

// Start returns once all of them serve. It changes the working directory of
// the process. An error leaves nothing running; it is ErrInUse if another
// process uses the data folder, and a *PortError if a port is taken. Servers
// are started once, and not after Stop.
func (s *Servers) Start(ctx context.Context) error {
	return s.life.Start(ctx, func(ctx context.Context) error {
		err := s.start(ctx)
		if err == nil {
			return nil
		}
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return errors.Join(err, s.stopAll(stopping))
	})
}

func (s *Servers) start(ctx context.Context) error {
	log, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	broker := &kafka{port: s.cfg.KafkaPort, dir: s.path("kafka"), log: log.With("server", "kafka")}
	store := &s3{port: s.cfg.S3Port, dir: s.path("s3"), credentials: s.credentials, log: log.With("server", "s3")}
	temporal := &temporalServer{
		port: s.cfg.TemporalPort, dir: s.path("temporal"), dynamicConfig: s.cfg.DynamicConfig, many: s.opts.ManyNamespaces,
		log: log.With("server", "temporal"), fatal: s.opts.Fatal,
	}
	ui := &webUI{port: s.cfg.TemporalUIPort, temporalPort: s.cfg.TemporalPort}

	// Temporal takes the longest by far, so it starts concurrently.
	started := make(chan error, 1)
	if s.opts.runs(Temporal) {
		go func() { started <- temporal.start(ctx) }()
	}
	var failed error
	for _, part := range []struct {
		of         Name
		name       string
		start, end func(context.Context) error
	}{
		{S3, "S3", store.start, store.stop},
		{Kafka, "Kafka", broker.start, broker.stop},
		{Temporal, "Temporal", func(context.Context) error { return <-started }, temporal.stop},
		{Temporal, "the Temporal Web UI", ui.start, ui.stop},
	} {
		if s.opts.runs(part.of) {
			failed = errors.Join(failed, s.begin(ctx, part.name, part.start, part.end))
		}
	}
	return failed
}

// begin starts one server, and registers its stop after success.
func (s *Servers) begin(ctx context.Context, name string, start, end func(context.Context) error) error {
	if err := start(ctx); err != nil {
		return err
	}
	s.stops = append(s.stops, stop{name, end})
	return nil
}

// prepare creates the data folder and claims it and the ports.
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
// ctx; servers that do not end by then end with the process. It may be
// called again, and without Start.
func (s *Servers) Stop(ctx context.Context) error { return s.life.Stop(ctx, s.stopAll) }

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

// ports are the ports of the servers that will run.
func (s *Servers) ports() []Port {
	return slices.DeleteFunc(s.cfg.ports(), func(p Port) bool { return !s.opts.runs(p.Of) })
}

// Addresses returns the addresses of the servers. Call it after Start.
func (s *Servers) Addresses() Addresses {
	at := Addresses{DataDir: s.cfg.DataDir, Log: s.logPath()}
	if s.opts.runs(Temporal) {
		at.Temporal = address(s.cfg.TemporalPort)
		at.TemporalUI = "http://" + address(s.cfg.TemporalUIPort)
	}
	if s.opts.runs(Kafka) {
		at.Kafka = address(s.cfg.KafkaPort)
	}
	if s.opts.runs(S3) {
		at.S3 = address(s.cfg.S3Port)
		at.S3Credentials = s.path("s3-credentials.json")
	}
	return at
}

// Credentials returns the store's access key. Call it after Start.
func (s *Servers) Credentials() Credentials { return s.credentials }

func (s *Servers) path(name string) string { return filepath.Join(s.cfg.DataDir, name) }
func (s *Servers) logPath() string         { return filepath.Join(s.path("logs"), "servers.log") }

// maxLog is the size in bytes above which a log is rotated at the start.
const maxLog = 16 << 20

// OpenLog appends to the log at path; one older log is kept beside it.
func OpenLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("rotating the old log: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	return f, nil
}
