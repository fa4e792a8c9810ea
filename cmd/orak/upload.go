package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

type uploadCmd struct {
	remote

	Files          []string `arg:"" name:"file" help:"Recordings: webm, ogg, opus, mka, m4a, mp4, mov, 3gp, aac, amr, mp3, flac, wav, w64, aiff or caf. - is standard input."`
	Watch          bool     `short:"w" env:"-" help:"Follow each upload to its end and print the result."`
	Owner          string   `env:"-" help:"Your name for the person whose recording it is, such as the id of a user; at most 200 bytes."`
	Kind           string   `env:"-" enum:"voice,song" default:"voice" help:"What the recording is of: voice, or song for the reference recording of a song, which is analyzed at the lowest priority."`
	Metadata       string   `env:"-" placeholder:"JSON" help:"A JSON object of your own, at most 4 KiB, which the status and the events repeat."`
	IdempotencyKey string   `env:"-" placeholder:"KEY" help:"Sending the same file again with the same key gives the same upload. By default every file gets a new key."`
}

// Help implements kong.HelpProvider.
func (uploadCmd) Help() string {
	return `When the connection breaks, the file is sent again; that never makes a second upload. A file of more than 8 MiB goes on where
the stored bytes end, also when the command is given again after it was killed.

Examples:

    orak upload voice.m4a --watch
    orak upload *.wav --json | jq -r .id
    arecord -f cd -d 10 | orak upload - --watch
    orak upload voice.m4a --server https://orak.example.org --tenant choir

With --json every line has id, status and links; with --watch the last line of a file has its final status.`
}

// sent is a recording that was accepted.
type sent struct {
	toSend
	resource.Accepted
}

// Run sends all files before it watches any, since the server works on them
// meanwhile. It continues after a refused file, but not after an outage of the
// server.
func (u *uploadCmd) Run(ctx context.Context, con *console) error {
	if u.IdempotencyKey != "" && len(u.Files) > 1 {
		return usageError(errors.New("--idempotency-key is for one file: with the same key they would be one upload"))
	}
	about, err := u.describe()
	if err != nil {
		return err
	}
	cl, err := u.open(con)
	if err != nil {
		return err
	}
	recordings, remove, err := con.recordings(ctx, u.Files)
	defer remove()
	if err != nil {
		return err
	}
	accepted, err := u.sendAll(ctx, con, cl, recordings, about)
	if ctx.Err() != nil || !u.Watch {
		return err
	}
	return worse(err, u.watchAll(ctx, con, cl, accepted))
}

// describe returns what the flags say of the recordings.
func (u *uploadCmd) describe() (about client.Sending, err error) {
	if about.Owner, err = orak.ParseOwner(u.Owner); err != nil {
		return about, usageError(fmt.Errorf("--owner: %w", err))
	}
	if about.Kind, err = orak.ParseKind(u.Kind); err != nil {
		return about, usageError(fmt.Errorf("--kind: %w", err))
	}
	if about.Metadata, err = orak.ParseMetadata([]byte(u.Metadata)); err != nil {
		return about, usageError(fmt.Errorf("--metadata: %w", err))
	}
	return about, nil
}

func (u *uploadCmd) sendAll(ctx context.Context, con *console, cl *client.Client, recordings []toSend, about client.Sending) (accepted []sent, worst error) {
	for i, from := range recordings {
		one, err := u.send(ctx, con, cl, from, about)
		if ctx.Err() != nil {
			return accepted, err
		}
		if err != nil {
			con.Tell("%s %s", con.PaintErr(terminal.Red, con.Marks.Failed), terminal.Clean(from.name)+" was not sent")
			con.explain(ctx, err)
			worst = worse(worst, printedError{err})
			if _, ok := errors.AsType[*client.Unreachable](err); ok {
				if left := len(recordings) - i - 1; left > 0 {
					con.Tell("Not tried: %s.", terminal.Count(left, "further file"))
				}
				return accepted, worst
			}
			continue
		}
		accepted = append(accepted, sent{from, one})
		if con.JSON {
			if err := con.Value(one); err != nil {
				return accepted, err
			}
		} else if !u.Watch {
			con.Print("%s  %s", terminal.Clean(string(one.ID)), terminal.Clean(from.name))
		}
	}
	if !con.JSON && !u.Watch && len(accepted) > 0 {
		con.Tell("Follow it with: %s", u.command("status", string(accepted[len(accepted)-1].ID), "--watch"))
	}
	return accepted, worst
}

func (u *uploadCmd) send(ctx context.Context, con *console, cl *client.Client, from toSend, about client.Sending) (resource.Accepted, error) {
	key := u.IdempotencyKey
	if key == "" {
		key = client.NewIdempotencyKey()
	}
	name := terminal.Clean(from.name)
	view := &terminal.Progress{Terminal: con.Terminal, Title: name, Bytes: true, Once: true, Line: func(_, total int64) string {
		return fmt.Sprintf("%s: sending %s", name, terminal.Bytes(total))
	}}
	started := con.Now()
	send, again := cl.Send, u.resumes(con, from)
	if again != nil {
		key, send = again.key, cl.SendResumable
	}
	if again != nil && again.resumed && !con.JSON {
		con.Tell("%s going on with an earlier upload of %s", con.Marks.Note, name)
	}
	accepted, err := send(ctx, client.Sending{
		Path: from.path, Name: from.name, IdempotencyKey: key,
		Owner: about.Owner, Kind: about.Kind, Metadata: about.Metadata,
		Progress: view.Set,
		Retry: func(err error, wait time.Duration) {
			view.Clear()
			if !con.JSON {
				con.Tell("%s sending again in %s: %s", con.Marks.Note, terminal.Took(wait), why(err))
			}
		},
	})
	view.Clear()
	if again.settle(err) {
		return u.send(ctx, con, cl, from, about)
	}
	if ctx.Err() != nil {
		if again != nil && again.path != "" {
			con.Tell("Interrupted. To go on with %s:\n  %s", name, u.command("upload", from.typed))
			return accepted, err
		}
		con.Tell("Interrupted: %s may have arrived. To send it again without making a second upload:\n  %s",
			terminal.Clean(from.name), u.command("upload", from.typed, "--idempotency-key", key))
		return accepted, err
	}
	if err == nil && !con.JSON {
		con.Tell("%s %s  %s in %s", con.PaintErr(terminal.Green, con.Marks.Done), terminal.Clean(from.name),
			terminal.Bytes(accepted.Size), terminal.Took(con.Now().Sub(started)))
	}
	return accepted, err
}

func (u *uploadCmd) watchAll(ctx context.Context, con *console, cl *client.Client, accepted []sent) (worst error) {
	for i, one := range accepted {
		w := watcher{con: con, cl: cl, remote: u.remote, id: one.ID, name: one.name}
		err := w.run(ctx)
		if ctx.Err() != nil {
			con.Tell("Stopped watching; the processing goes on. Watch again with:")
			for _, left := range accepted[i:] {
				con.Tell("  %s", u.command("status", string(left.ID), "--watch"))
			}
			return err
		}
		if err != nil {
			con.explain(ctx, err)
			worst = worse(worst, printedError{err})
		}
	}
	return worst
}

// worse returns the error that decides the exit code: a failure of the command
// outranks an upload that ended without a result.
func worse(a, b error) error {
	if a == nil || b != nil && errors.Is(a, errNoResult) {
		return b
	}
	return a
}
