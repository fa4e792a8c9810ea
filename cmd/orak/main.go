package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"orak/internal/config"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run is main without globals.
func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The second Ctrl-C ends the process at once.
	context.AfterFunc(ctx, stop)

	con := newConsole(environ, stdin, stdout, stderr)
	var commands cli
	loaded, err := config.Load(args, &commands, config.Options{
		Name:        "orak",
		Description: description,
		Environ:     environ,
		Stdout:      stdout,
		Warn:        con.warn,
		Known:       standaloneVariables(),
		Standalone:  true,
		Kong:        []kong.Option{completes},
	})
	switch {
	case errors.Is(err, config.ErrHelp):
		return exitOK
	case err != nil:
		return con.explain(ctx, usageError(err))
	}

	con.repeat = func(name string) bool {
		source := loaded.Source(name)
		return source == config.SourceFlag || source == config.SourceFile && loaded.Source("config") == config.SourceFlag
	}
	con.keyFor = loaded.KeyFor
	if err := refuseEmpty(loaded.Context); err != nil {
		return con.explain(ctx, err)
	}
	loaded.Context.BindTo(ctx, (*context.Context)(nil))
	return con.explain(ctx, loaded.Context.Run(con, loaded))
}

const description = `Voice recordings in, analyses out; none is ever lost, stuck, or silently failed.

Exit codes: 0 done, 1 failed or refused, 2 wrong command line or configuration, 3 the watched upload ended without a
result, 4 the server cannot be reached, 5 a consumer group is in ERROR (orak lag), 130 interrupted.`

// cli is the command line.
type cli struct {
	Upload     uploadCmd     `cmd:"" group:"Uploads" help:"Send recordings to be analyzed."`
	Status     statusCmd     `cmd:"" group:"Uploads" help:"Print the status of an upload."`
	Analysis   analysisCmd   `cmd:"" group:"Uploads" help:"Print the analysis of a recording."`
	Audio      audioCmd      `cmd:"" group:"Uploads" help:"Save a recording, converted or as it was sent."`
	Watch      watchCmd      `cmd:"" group:"Uploads" help:"Follow all uploads: a line for every change."`
	Uploads    uploadsCmd    `cmd:"" group:"Uploads" help:"List uploads."`
	Similar    similarCmd    `cmd:"" group:"Uploads" help:"List the uploads with the most similar voices."`
	Songs      songsCmd      `cmd:"" group:"Uploads" help:"Songs for a voice: rank, list, import and remove them."`
	Cancel     cancelCmd     `cmd:"" group:"Uploads" help:"End the processing of uploads; their recordings are kept."`
	Erase      eraseCmd      `cmd:"" group:"Uploads" help:"Remove an upload and everything derived from it, for good."`
	API        apiCmd        `cmd:"" name:"api" group:"Serving" help:"Serve the HTTP API: accept uploads, report their status."`
	Bridge     bridgeCmd     `cmd:"" group:"Serving" help:"Start a workflow for every upload that is announced on Kafka."`
	Worker     workerCmd     `cmd:"" group:"Serving" help:"Run the workflows and their activities."`
	Lake       lakeCmd       `cmd:"" group:"Serving" help:"Write what happens to uploads into Parquet files on the store."`
	Index      indexCmd      `cmd:"" group:"Serving" help:"Keep the index of uploads, which lists and searches read."`
	Webhooks   webhooksCmd   `cmd:"" group:"Serving" help:"Deliver events to webhooks, or manage webhooks."`
	DLQ        dlqCmd        `cmd:"" name:"dlq" group:"Operating" help:"List dead letters (parked uploads) and decide about them."`
	Replay     replayCmd     `cmd:"" group:"Operating" help:"Read the uploads topic again and start what is missing or failed."`
	Reconcile  reconcileCmd  `cmd:"" group:"Operating" help:"Find and repair uploads that slipped through, or print what was repaired."`
	Offsets    offsetsCmd    `cmd:"" group:"Operating" help:"Print or reset the offsets of a consumer group."`
	Lag        lagCmd        `cmd:"" group:"Operating" help:"Print the lag of consumer groups, and whether they make progress."`
	Kafka      kafkaCmd      `cmd:"" name:"kafka" group:"Operating" help:"Print or switch the clusters that uploads are announced on."`
	Topics     topicsCmd     `cmd:"" group:"Operating" help:"Print the topics: rates, replicas, and what puts records at risk."`
	Audit      auditCmd      `cmd:"" group:"Operating" help:"List what was done by whom."`
	Keys       keysCmd       `cmd:"" group:"Operating" help:"Make, list, rotate and revoke API keys."`
	Login      loginCmd      `cmd:"" group:"Operating" help:"Keep a server and an API key for the other commands."`
	Console    consoleCmd    `cmd:"" group:"Operating" help:"Print an address that logs in to the console, once."`
	Settings   settingsCmd   `cmd:"" group:"Operating" help:"Print or change settings of running processes."`
	Engine     engineCmd     `cmd:"" group:"Operating" help:"Check model servers."`
	Config     configCmd     `cmd:"" group:"Operating" help:"Print the settings."`
	Completion completionCmd `cmd:"" group:"Operating" help:"Print code that lets a shell complete commands and flags."`
	Version    versionCmd    `cmd:"" group:"Operating" help:"Print the version."`
}

// standaloneVariables are the variables of the standalone binary and of the rehearsal,
// which are often run in the same environment.
func standaloneVariables() []string {
	return []string{"ORAK_REHEARSAL", "ORAK_DATA_DIR", "ORAK_TEMPORAL_PORT", "ORAK_TEMPORAL_UI_PORT", "ORAK_KAFKA_PORT", "ORAK_S3_PORT", "ORAK_API_PORT", "ORAK_ADMIN_PORT"}
}
