package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"orak/standalone/servers"
)

// Bounds of starting and of stopping gracefully.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 20 * time.Second
)

// serversCommand runs the servers alone.
type serversCommand struct {
	servers.Config
	lifetime

	ManyNamespaces bool `hidden:"" env:"-" help:"Make fresh Temporal namespaces usable at once, for tests."`
	RemoveData     bool `hidden:"" env:"-" help:"Remove the data folder at the end, for tests."`
}

// lifetime is how a command's end is decided and its readiness told.
type lifetime struct {
	JSON          bool `env:"-" help:"Say where everything is as one line of JSON, for programs, once it is up."`
	ExitWithStdin bool `env:"-" help:"End when standard input is closed, so that a parent which dies takes this process with it."`
}

// Run serves until it is told to end.
func (c *serversCommand) Run() error {
	s := servers.New(c.Config, servers.Options{ManyNamespaces: c.ManyNamespaces, Fatal: fatal})
	ending := c.watch()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.Start(ctx); err != nil {
		return err
	}
	if err := c.report(os.Stdout, s); err != nil {
		return errors.Join(err, stopWithin(s))
	}
	<-ending
	err := stopWithin(s)
	if c.RemoveData {
		err = errors.Join(err, os.RemoveAll(s.Addresses().DataDir))
	}
	return err
}

func (c *serversCommand) report(w io.Writer, s *servers.Servers) error {
	at := s.Addresses()
	if c.JSON {
		return json.NewEncoder(w).Encode(readiness{Ready: true, PID: os.Getpid(), Addresses: at})
	}
	_, err := fmt.Fprintf(w, "Temporal   %s\nWeb UI     %s\nKafka      %s\nS3         http://%s   (access key: %s)\nData       %s\n",
		at.Temporal, at.TemporalUI, at.Kafka, at.S3, at.S3Credentials, at.DataDir)
	return err
}

// readiness is the line that programs wait for.
type readiness struct {
	Ready bool `json:"ready"`
	PID   int  `json:"pid"`
	// API is the URL of the service; empty without it.
	API string `json:"api,omitempty"`
	servers.Addresses
}

// watch returns a channel that is closed when the process is to end: at the
// first SIGINT or SIGTERM, or with standard input. A second signal ends it at
// once.
func (l lifetime) watch() <-chan struct{} {
	ending := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	closed := make(chan struct{})
	if l.ExitWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(closed)
		}()
	}
	go func() {
		select {
		case <-signals:
		case <-closed:
		}
		close(ending)
		<-signals
		fatal("ended at once by a second signal")
	}()
	return ending
}

func stopWithin(s *servers.Servers) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return s.Stop(ctx)
}

// fatal ends the process where nothing can be stopped any more.
func fatal(msg string) {
	fmt.Fprintln(os.Stderr, "orak-standalone:", msg)
	os.Exit(1)
}
