package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"orak/internal/app"
	"orak/internal/config"
	"orak/internal/observe"
	"orak/standalone/servers"
)

// upCommand runs the servers and every role of the service.
type upCommand struct {
	servers.Config
	APIPort   int `name:"api-port" help:"Port of the API and the console; 0 takes any free port." default:"8080"`
	AdminPort int `name:"admin-port" help:"Port of the health checks and metrics; 0 takes any free port." default:"9464"`
	lifetime
	App app.Config `embed:""`

	// otherKafka says that --kafka-brokers names a broker to use in place of the
	// embedded one.
	otherKafka bool
}

// Validate reports the first setting that cannot be used.
func (c *upCommand) Validate() error {
	for flag, port := range map[string]int{"api-port": c.APIPort, "admin-port": c.AdminPort} {
		if port < 0 || port > 65535 {
			return fmt.Errorf("%s: %d is not a port: want 0 to 65535", flag, port)
		}
	}
	return c.Config.Validate()
}

// stack has the parts that up runs.
type stack struct {
	servers *servers.Servers
	app     *app.App
	log     *os.File
	// key is the path of the API key's file; empty where callers are not authenticated.
	key string
	// forget removes the settings for the commands; nil before they are written.
	forget func() error
}

// Run serves until the process should end.
func (c *upCommand) Run(loaded *config.Loaded) error {
	began := time.Now()
	ending := c.watch()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	go func() {
		// A signal during the start ends the start.
		<-ending
		cancel()
	}()
	set := given(loaded.Settings())
	c.otherKafka = set["kafka-brokers"]
	c.warnOwned(os.Stderr, set)
	s, err := c.start(ctx)
	if err != nil {
		return err
	}
	if err := c.report(ctx, os.Stdout, s, time.Since(began)); err != nil {
		return errors.Join(err, s.stop())
	}
	select {
	case <-ending:
	case err := <-s.app.Fatal():
		return errors.Join(err, s.stop())
	}
	if !c.JSON {
		fmt.Fprintln(os.Stderr, "ending; Ctrl-C again ends at once, and loses nothing either")
	}
	return s.stop()
}

func (c *upCommand) start(ctx context.Context) (*stack, error) {
	if err := c.absolute(); err != nil {
		return nil, err
	}
	if err := servers.ClaimPorts(c.claimed()); err != nil {
		return nil, err
	}
	opts := servers.Options{Fatal: fatal}
	if c.otherKafka {
		opts.Only = []servers.Name{servers.Temporal, servers.S3}
	}
	s := &stack{servers: servers.New(c.Config, opts)}
	if err := s.servers.Start(ctx); err != nil {
		return nil, err
	}
	if err := c.serve(ctx, s); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// serve starts the service.
func (c *upCommand) serve(ctx context.Context, s *stack) error {
	if err := c.clearScratch(s.servers.Addresses().DataDir); err != nil {
		return err
	}
	c.own(s.servers.Addresses(), s.servers.Credentials())
	var err error
	if len(c.App.Webhooks.Sending.Keys) == 0 {
		if c.App.Webhooks.Sending.Keys, err = webhooksKeys(s.servers.Addresses().DataDir); err != nil {
			return err
		}
	}
	if s.log, err = servers.OpenLog(orakLog(s.servers.Addresses())); err != nil {
		return err
	}
	if s.app, err = app.Start(ctx, c.App, app.All(), c.logger(s.log)); err != nil {
		return err
	}
	if s.key, err = c.ensureKey(ctx, s.servers.Addresses().DataDir, s.app.Keys()); err != nil {
		return err
	}
	s.forget, err = leaveSettings(s.servers.Addresses(), s.servers.Credentials(), "http://"+s.app.APIAddr(), c.App.Index.Dir, c.App.Kafka.Brokers...)
	return err
}

// logger writes everything to the log file, and warnings and errors that need a
// person to standard error.
func (c *upCommand) logger(file io.Writer) *slog.Logger {
	return slog.New(slog.NewMultiHandler(
		observe.NewLogger(c.App.Log, file).Handler(),
		slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}),
	))
}

// clearScratch empties the folder of running conversions, which a kill leaves
// behind. The data folder is locked, so no other process uses it.
func (c *upCommand) clearScratch(dataDir string) error {
	if c.App.Worker.ScratchDir != "" {
		return nil
	}
	c.App.Worker.ScratchDir = filepath.Join(dataDir, "scratch")
	if err := os.RemoveAll(c.App.Worker.ScratchDir); err != nil {
		return fmt.Errorf("clearing the scratch folder: %w", err)
	}
	if err := os.MkdirAll(c.App.Worker.ScratchDir, 0o700); err != nil {
		return fmt.Errorf("making the scratch folder: %w", err)
	}
	return nil
}

// stop ends the service, then the servers.
func (s *stack) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	if s.forget != nil {
		errs = append(errs, s.forget())
	}
	if s.app != nil {
		errs = append(errs, s.app.Stop(ctx))
	}
	errs = append(errs, stopWithin(s.servers))
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(errs...)
}
