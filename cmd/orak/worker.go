package main

import (
	"context"

	"orak/internal/app"
)

type workerCmd struct {
	Serve   workerServeCmd   `cmd:"" default:"withargs" help:"Run the workflows and their activities (orak worker alone does that)."`
	Version workerVersionCmd `cmd:"" help:"List the versions of the workers, and change which of them gets tasks."`
}

// Help implements kong.HelpProvider.
func (workerCmd) Help() string { return workerServeCmd{}.Help() }

type workerServeCmd struct{ serve }

// Help implements kong.HelpProvider.
func (workerServeCmd) Help() string {
	return `Runs the workflows and their activities: convert, analyze, publish. Needs ffmpeg and ffprobe.

Examples:

    orak worker --config /etc/orak.yaml
    orak worker --gpu-slots 4
    orak worker --worker-deployment orak --worker-build-id v1.4.0`
}

// Run runs workflows and activities until ctx ends.
func (c *workerServeCmd) Run(ctx context.Context, con *console) error {
	return c.run(ctx, con, app.Roles{Worker: true})
}
