package main

import (
	"context"
	"errors"
	"os"

	"orak/standalone/servers"
)

// serversCommand runs only the servers.
type serversCommand struct {
	servers.Config
	lifetime

	Only []servers.Name `env:"-" enum:"temporal,kafka,s3" help:"Run only these of temporal (with its Web UI), kafka and s3. Servers in separate processes need separate data folders."`

	ManyNamespaces bool `hidden:"" env:"-" help:"Make fresh Temporal namespaces usable at once, for tests."`
	RemoveData     bool `hidden:"" env:"-" help:"Remove the data folder at the end, for tests."`
}

// Run serves until the process should end.
func (c *serversCommand) Run() error {
	s := servers.New(c.Config, servers.Options{Only: c.Only, ManyNamespaces: c.ManyNamespaces, Fatal: fatal})
	ending := c.watch()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.Start(ctx); err != nil {
		return err
	}
	forget, err := c.leaveSettings(s)
	if err == nil {
		err = c.report(os.Stdout, s)
	}
	if err != nil {
		return errors.Join(err, stopWithin(s))
	}
	<-ending
	err = errors.Join(forget(), stopWithin(s))
	if c.RemoveData {
		err = errors.Join(err, os.RemoveAll(s.Addresses().DataDir))
	}
	return err
}

func (c *serversCommand) leaveSettings(s *servers.Servers) (forget func() error, err error) {
	at := s.Addresses()
	if at.Kafka == "" {
		return leaveSettings(at, s.Credentials(), "", "")
	}
	return leaveSettings(at, s.Credentials(), "", "", at.Kafka)
}

func stopWithin(s *servers.Servers) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopServersTimeout)
	defer cancel()
	return s.Stop(ctx)
}
