package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

// patience is how long a command waits for an upload that was completed a moment ago
// to be in the index.
const patience = 5 * time.Second

type songsCmd struct {
	For    songsForCmd    `cmd:"" help:"List the songs that fit the voice of a recording, and why."`
	List   songsListCmd   `cmd:"" help:"List the songs."`
	Import songsImportCmd `cmd:"" help:"Add songs, or replace those with the same id."`
	Remove songsRemoveCmd `cmd:"" help:"Remove songs."`
}

type songsForCmd struct {
	remote

	ID    string `arg:"" help:"Id of the upload."`
	Limit int    `env:"-" short:"n" default:"10" help:"Maximum number of songs, up to 100."`
}

// Help implements kong.HelpProvider.
func (songsForCmd) Help() string {
	return `A song fits if all of its notes lie in the range of the voice, transposed by up to 6 semitones and sung
octaves lower or higher. The best are those that lie where the voice is at ease.

Examples:

    orak songs for 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak songs for 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq -r '.songs[].title'`
}

// Run prints the songs that fit, or why there are none.
func (s *songsForCmd) Run(ctx context.Context, con *console) error {
	ids, err := parseIDs([]string{s.ID})
	if err != nil {
		return err
	}
	cl, err := s.open(con)
	if err != nil {
		return err
	}
	found, err := cl.SongsFor(ctx, ids[0], s.Limit, patience)
	if err != nil {
		return err
	}
	if con.JSON {
		return con.Value(found)
	}
	con.songsFor(found)
	return nil
}

// songsFor prints the songs for a voice.
func (c *console) songsFor(found resource.FittingSongs) {
	for i, s := range found.Songs {
		c.Print("%s", c.songTitle(fmt.Sprintf("%2d. ", i+1), s.Song, fmt.Sprintf("%.2f", s.Score)))
		for _, line := range terminal.Wrap(terminal.Clean(s.Reason), c.Width-4) {
			c.Print("    %s", line)
		}
	}
	if found.Refusal != "" {
		for _, line := range terminal.Wrap(upperFirst(terminal.Clean(found.Refusal))+".", c.Width) {
			c.Print("%s", line)
		}
	}
	if found.Waiting > 0 {
		c.Tell("%s for the analysis of a reference.", countVerb(found.Waiting, "further song", "waits", "wait"))
	}
}

func countVerb(n int, thing, one, many string) string {
	if n == 1 {
		return terminal.Count(n, thing) + " " + one
	}
	return terminal.Count(n, thing) + " " + many
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// songTitle returns one line: before, title and artist, and more at its end.
func (c *console) songTitle(before string, s resource.Song, more string) string {
	room := c.Width - terminal.Width(before) - terminal.Width(more) - 2
	title := terminal.Clean(s.Title)
	if s.Artist != "" {
		title += ", " + terminal.Clean(s.Artist)
	}
	return before + c.Paint(terminal.Bold, terminal.Pad(terminal.Fit(title, room), room)) + "  " + more
}

type songsListCmd struct {
	remote

	Limit int  `env:"-" short:"n" default:"100" help:"Maximum number to list."`
	All   bool `env:"-" help:"List all of them, page by page."`
}

// Help implements kong.HelpProvider.
func (songsListCmd) Help() string {
	return `The shipped songs are in the public domain; their ids begin with "orak.".

Examples:

    orak songs list
    orak songs list --all --json | jq -r '.songs[].id'

With --json every line is one page.`
}

// Run lists page by page.
func (l *songsListCmd) Run(ctx context.Context, con *console) error {
	if l.Limit < 1 {
		return usageError(fmt.Errorf("--limit %d: want 1 or more; --all lists all", l.Limit))
	}
	cl, err := l.open(con)
	if err != nil {
		return err
	}
	listed := 0
	for token := ""; ; {
		size := 0
		if !l.All {
			size = l.Limit - listed
		}
		page, err := cl.Songs(ctx, size, token)
		if err != nil {
			return err
		}
		if con.JSON {
			err = con.Value(page)
		} else {
			con.songLines(page.Songs)
		}
		if err != nil {
			return err
		}
		listed += len(page.Songs)
		if token = page.Next; token == "" || !l.All && listed >= l.Limit {
			break
		}
	}
	if !con.JSON {
		con.Tell("%s.", terminal.Count(listed, "song"))
	}
	return nil
}

func (c *console) songLines(list []resource.Song) {
	for _, s := range list {
		reach := s.Low + " " + c.Marks.Dash + " " + s.High
		if s.Low == "" {
			reach = "waiting for its reference"
		}
		c.Print("%s", c.songTitle("", s, terminal.Clean(reach)))
		about := []string{terminal.Clean(s.ID)}
		if s.Key != "" {
			about = append(about, terminal.Clean(s.Key))
		}
		if s.TempoBPM > 0 {
			about = append(about, fmt.Sprintf("%.0f bpm", s.TempoBPM))
		}
		c.Print("  %s", c.Paint(terminal.Faint, terminal.Fit(strings.Join(about, ", "), c.Width-2)))
	}
}

type songsImportCmd struct {
	remote

	File   string `arg:"" help:"A file of songs: CSV with a header row, or JSON Lines."`
	Format string `env:"-" enum:",csv,jsonl" default:"" placeholder:"FORMAT" help:"Format of the file, csv or jsonl; by default its name decides."`
}

// Help implements kong.HelpProvider.
func (songsImportCmd) Help() string {
	return `All songs of the file are imported, or none; every bad line is told. The fields are id, title, artist, low and high
(notes such as C4, F#3 or Bb3), key, tempo_bpm and reference (the id of an upload of kind song).

Examples:

    orak songs import songs.csv
    orak songs import songs.jsonl --json`
}

// Run sends the file.
func (i *songsImportCmd) Run(ctx context.Context, con *console) error {
	media, err := i.mediaType()
	if err != nil {
		return err
	}
	cl, err := i.open(con)
	if err != nil {
		return err
	}
	name := terminal.Clean(filepath.Base(i.File))
	view := &terminal.Progress{Terminal: con.Terminal, Title: name, Bytes: true, Once: true, Line: func(_, total int64) string {
		return fmt.Sprintf("%s: sending %s", name, terminal.Bytes(total))
	}}
	imported, err := cl.ImportSongs(ctx, client.SongFile{Path: i.File, MediaType: media, Progress: view.Set})
	view.Clear()
	if refusal, ok := errors.AsType[*client.Error](err); ok && len(refusal.Problem.Lines) > 0 && !con.JSON {
		con.badLines(name, refusal.Problem)
		return printedError{err}
	}
	if err != nil {
		return err
	}
	if con.JSON {
		return con.Value(imported)
	}
	con.Tell("%s %s imported.", con.PaintErr(terminal.Green, con.Marks.Done), terminal.Count(imported.Imported, "song"))
	return nil
}

func (i *songsImportCmd) mediaType() (string, error) {
	format := i.Format
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(i.File)), ".")
	}
	media, known := map[string]string{"csv": "text/csv", "jsonl": "application/jsonl", "ndjson": "application/jsonl"}[format]
	if !known {
		return "", usageError(fmt.Errorf("%s: its name does not tell its format: give --format csv or --format jsonl", i.File))
	}
	return media, nil
}

// badLines tells every bad line of a file.
func (c *console) badLines(name string, p resource.Problem) {
	c.Tell("%s Nothing was imported: %s has %s.", c.PaintErr(terminal.Red, "orak:"), name, terminal.Count(len(p.Lines)+p.MoreLines, "bad line"))
	for _, line := range p.Lines {
		c.Tell("  line %d: %s", line.Line, terminal.Clean(line.Message))
	}
	if p.MoreLines > 0 {
		c.Tell("  and %d more", p.MoreLines)
	}
}

type songsRemoveCmd struct {
	remote

	IDs []string `arg:"" name:"id" help:"Ids of the songs."`
}

// Help implements kong.HelpProvider.
func (songsRemoveCmd) Help() string {
	return `The shipped songs cannot be removed.

Examples:

    orak songs remove spring-day autumn-leaves`
}

// Run continues after a failure: the songs are independent.
func (r *songsRemoveCmd) Run(ctx context.Context, con *console) error {
	cl, err := r.open(con)
	if err != nil {
		return err
	}
	var worst error
	for _, id := range r.IDs {
		err := cl.RemoveSong(ctx, id)
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			con.Tell("%s %s was not removed", con.PaintErr(terminal.Red, con.Marks.Failed), terminal.Clean(id))
			con.explain(ctx, err)
			worst = worse(worst, printedError{err})
			continue
		}
		con.Tell("%s %s is removed", con.PaintErr(terminal.Green, con.Marks.Done), terminal.Clean(id))
	}
	return worst
}
