package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak/internal/app"
)

// serve is what the roles of the server have in common. Each is given all the
// settings, so that one file and one environment serve every process.
type serve struct {
	Settings app.Config `embed:""`

	ShutdownTimeout time.Duration `help:"How long a stopping process may take to finish its work." default:"45s"`
}

// startTimeout bounds the wait for the dependencies of a role.
const startTimeout = 2 * time.Minute

// run serves until ctx ends, which is not an error, or until a role ends by
// itself, which is one: a supervisor restarts the process.
func (s *serve) run(ctx context.Context, con *console, roles app.Roles) error {
	log := s.Settings.Log.Logger(con.Err)
	app.LimitMemory(log)
	starting, started := context.WithTimeout(ctx, startTimeout)
	running, err := app.Start(starting, s.Settings, roles, log)
	started()
	if err != nil && ctx.Err() != nil {
		return nil
	}
	if err != nil {
		// It has been logged.
		return printedError{exitError{err, exitFailed}}
	}
	var ended error
	select {
	case <-ctx.Done():
	case ended = <-running.Fatal():
		log.ErrorContext(ctx, "a role ended by itself; stopping the process", "error", ended)
	}

	log.InfoContext(ctx, "stopping", "timeout", s.ShutdownTimeout)
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.ShutdownTimeout)
	defer cancel()
	err = running.Stop(bounded)
	if err != nil {
		err = fmt.Errorf("stopping: %w", err)
	}
	if err = errors.Join(ended, err); err != nil {
		return exitError{err, exitFailed}
	}
	return nil
}

type apiCmd struct{ serve }

// Help implements kong.HelpProvider.
func (apiCmd) Help() string {
	return `Accepts uploads even while Kafka or Temporal is unavailable: they wait in the store and are announced later.

Examples:

    orak api --api-addr 0.0.0.0:8080 --config /etc/orak.yaml
    ORAK_KAFKA_BROKERS=kafka:9092 ORAK_S3_SECRET_KEY_FILE=/run/secrets/s3 orak api`
}

// Run serves the API until ctx ends.
func (c *apiCmd) Run(ctx context.Context, con *console) error {
	return c.run(ctx, con, app.Roles{API: true})
}

type bridgeCmd struct{ serve }

// Help implements kong.HelpProvider.
func (bridgeCmd) Help() string {
	return `Starts one workflow for every upload that is announced on Kafka. Bridges beyond the number of partitions are idle.

Examples:

    orak bridge --config /etc/orak.yaml
    ORAK_KAFKA_BROKERS=kafka:9092 ORAK_TEMPORAL_ADDRESS=temporal:7233 orak bridge`
}

// Run starts workflows until ctx ends.
func (c *bridgeCmd) Run(ctx context.Context, con *console) error {
	return c.run(ctx, con, app.Roles{Bridge: true})
}

type lakeCmd struct{ serve }

// Help implements kong.HelpProvider.
func (lakeCmd) Help() string {
	return `Puts the events of all uploads into the lake: Parquet files below lake/v1/ in the bucket, for DuckDB, Athena, Trino and Spark. Lakes beyond the number of partitions are idle.

Examples:

    orak lake --config /etc/orak.yaml
    ORAK_KAFKA_BROKERS=kafka:9092 ORAK_S3_ENDPOINT=s3:9000 orak lake`
}

// Run writes the lake until ctx ends.
func (c *lakeCmd) Run(ctx context.Context, con *console) error {
	return c.run(ctx, con, app.Roles{Lake: true})
}
