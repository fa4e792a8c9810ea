package main

import (
	"context"
	"errors"
	"os"

	"orak/standalone/servers"
)

// serversCommand runs the servers alone.
type serversCommand struct {
	servers.Config
	lifetime

	ManyNamespaces bool `hidden:"" env:"-" help:"Make fresh Temporal namespaces usable at once, for tests."`
	RemoveData     bool `hidden:"" env:"-" help:"Remove the data folder at the end, for tests."`
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

func stopWithin(s *servers.Servers) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopServersTimeout)
	defer cancel()
	return s.Stop(ctx)
}
