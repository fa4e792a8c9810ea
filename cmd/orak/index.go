package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orak/internal/app"
	"orak/internal/terminal"
	"orak/sinks/index/rebuild"
)

type indexCmd struct {
	Serve   indexServeCmd   `cmd:"" default:"withargs" help:"Keep the index of uploads, which lists and searches read (orak index alone does that)."`
	Rebuild indexRebuildCmd `cmd:"" help:"Make the rows of the index anew from the store of recordings."`
}

type indexServeCmd struct{ serve }

// Help implements kong.HelpProvider.
func (indexServeCmd) Help() string {
	return `Keeps a row of every upload with its last state, its analysis and its vector, for lists and searches: in PostgreSQL (--index-url), or in a SQLite file (--index-dir), which an API on the same machine reads, too.

Examples:

    orak index --config /etc/orak.yaml
    ORAK_KAFKA_BROKERS=kafka:9092 ORAK_INDEX_URL_FILE=/run/secrets/index orak index`
}

// Run keeps the index until ctx ends.
func (c *indexServeCmd) Run(ctx context.Context, con *console) error {
	if !c.Settings.Index.Configured() {
		return usageError(errNoIndex)
	}
	return c.run(ctx, con, app.Roles{Index: true})
}

// errNoIndex is returned where no setting says where the index is.
var errNoIndex = errors.New("where is the index? Set --index-url or --index-dir")

type indexRebuildCmd struct {
	Settings app.RebuildConfig `embed:""`

	JSON bool `name:"json" env:"-" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (indexRebuildCmd) Help() string {
	return `Writes a row for every upload and every erased one that the store of recordings has: how it ended, and its analysis. Rows that
are newer stay. It may run while the index is kept, and one that was interrupted goes on where it was.

An upload that has not ended is queued in the store; at which stage it is, and that it is parked, only the topics say.
A new index reads them by itself (orak index).

Examples:

    orak index rebuild
    orak index rebuild --index-dir /var/lib/orak/index --json`
}

// Run rebuilds the index.
func (c *indexRebuildCmd) Run(ctx context.Context, con *console) error {
	con.JSON = c.JSON
	if !c.Settings.Index.Configured() {
		return usageError(errNoIndex)
	}
	found := int64(0)
	counting := con.NewSpinner(func() string { return "counting: " + terminal.Count(int(found), "upload") })
	counted := sync.OnceFunc(counting.Close)
	view := newProgress(con, "rebuilding", "upload")
	result, err := app.RebuildIndex(ctx, c.Settings, con.quietLog(), func(n int64) { counting.Update(func() { found = n }) }, func(done, total int64) {
		counted()
		view.Set(done, total)
	})
	counted()
	view.Clear()
	if err != nil {
		con.Tell("Stopped after %s. The same command goes on from there.", terminal.Count(int(result.Examined), "upload"))
		return con.asOutage(ctx, err)
	}
	return con.rebuilt(result)
}

func (c *console) rebuilt(r rebuild.Result) error {
	if c.JSON {
		return c.Value(r)
	}
	resumed := ""
	if r.Resumed {
		resumed = ", behind a rebuild that was interrupted"
	}
	c.Print("%s rebuilt the index: %s of %s, in %s%s.", c.Marks.Done, terminal.Count(int(r.Written), "row"),
		terminal.Count(int(r.Examined), "upload"), fmt.Sprint(r.Took.Round(100*time.Millisecond)), resumed)
	return nil
}
