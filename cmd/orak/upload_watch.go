package main

import (
	"context"
	"time"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

// watcher follows one upload to its end and prints the end.
type watcher struct {
	con *console
	cl  *client.Client
	remote
	id orak.UploadID
	// name is the name of the file, or the id.
	name string
}

// run returns errNoResult for an end without a result, after printing it.
func (w watcher) run(ctx context.Context) error {
	var broken error
	view := newStageView(w.con, w.name)
	last, err := w.cl.Watch(ctx, w.id, client.Watching{
		Changed: func(u resource.Upload) {
			view.changed(u)
			if w.con.JSON && broken == nil {
				broken = w.con.Value(u)
			}
		},
		Lost:  func(err error, _ time.Duration) { view.unreachable(err) },
		Found: view.found,
	})
	view.line.Close()
	switch {
	case err != nil:
		return err
	case broken != nil:
		return broken
	case last.Status == orak.StatusCompleted && w.con.JSON:
		return nil
	case last.Status == orak.StatusCompleted:
		return w.result(ctx)
	case !w.con.JSON:
		w.con.ending(w.remote, last, w.name)
	}
	return errNoResult
}

// result prints the analysis.
func (w watcher) result(ctx context.Context) error {
	analysis, err := w.cl.Analysis(ctx, w.id)
	if err != nil {
		w.con.Tell("The upload is completed, but its result could not be fetched. Try: %s", w.command("analysis", string(w.id)))
		return err
	}
	w.con.title(w.name, string(w.id), w.con.Paint(terminal.Green, "completed"))
	w.con.result(analysis)
	return nil
}
