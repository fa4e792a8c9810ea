package main

import (
	"context"
	"fmt"
	"strings"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

type uploadsCmd struct {
	remote

	Status      []string `env:"-" group:"Selection" placeholder:"STATUS" help:"Only those of this status, such as completed or dead_lettered. Several, separated by commas, mean any of them."`
	Owner       string   `env:"-" group:"Selection" placeholder:"OWNER" help:"Only those of this owner."`
	Kind        string   `env:"-" group:"Selection" placeholder:"KIND" help:"Only voices (voice), or only reference recordings of songs (song)."`
	From        string   `env:"-" group:"Selection" placeholder:"WHEN" help:"Only those received since this: an age such as 90m or 3d, or a time such as 2026-11-22T12:00:00Z."`
	To          string   `env:"-" group:"Selection" placeholder:"WHEN" help:"Only those received before this; in the form of --from."`
	Key         string   `env:"-" group:"Selection" placeholder:"KEY" help:"Only those in this key, such as 'F# minor', F# or minor."`
	TempoMin    float64  `env:"-" group:"Selection" placeholder:"BPM" help:"Only those of this tempo or faster, in beats per minute."`
	TempoMax    float64  `env:"-" group:"Selection" placeholder:"BPM" help:"Only those of this tempo or slower."`
	DurationMin float64  `env:"-" group:"Selection" placeholder:"SECONDS" help:"Only those of this length or longer."`
	DurationMax float64  `env:"-" group:"Selection" placeholder:"SECONDS" help:"Only those of this length or shorter."`
	Low         string   `env:"-" group:"Selection" placeholder:"NOTE" help:"Only voices that reach down to this note, such as C3."`
	High        string   `env:"-" group:"Selection" placeholder:"NOTE" help:"Only voices that reach up to this note, such as G4."`
	Text        string   `env:"-" group:"Selection" placeholder:"TEXT" help:"Only those with this text in their file name, whatever the case."`
	Limit       int      `env:"-" short:"n" default:"50" help:"Maximum number to list."`
	All         bool     `env:"-" help:"List all of them, page by page."`
}

// Help implements kong.HelpProvider.
func (uploadsCmd) Help() string {
	return `The list comes from the index, which follows the status of uploads by moments.

Examples:

    orak uploads
    orak uploads --status completed --low C3 --high G4
    orak uploads --key "F# minor" --tempo-min 90 --from 7d
    orak uploads --all --json | jq -r '.uploads[].id'

With --json every line is one page.`
}

func (u *uploadsCmd) selection(con *console) (q client.UploadQuery, err error) {
	q = client.UploadQuery{
		Owner: u.Owner, Kind: u.Kind, Key: u.Key, TempoMin: u.TempoMin, TempoMax: u.TempoMax,
		DurationMin: u.DurationMin, DurationMax: u.DurationMax, Low: u.Low, High: u.High, Text: u.Text,
	}
	for _, text := range u.Status {
		q.Statuses = append(q.Statuses, orak.Status(text))
	}
	if q.From, err = parseWhen(u.From, con.Now()); err != nil {
		return q, usageError(fmt.Errorf("--from %w", err))
	}
	if q.To, err = parseWhen(u.To, con.Now()); err != nil {
		return q, usageError(fmt.Errorf("--to %w", err))
	}
	if u.Limit < 1 {
		return q, usageError(fmt.Errorf("--limit %d: want 1 or more; --all lists all", u.Limit))
	}
	if !u.All {
		q.Page = u.Limit
	}
	return q, nil
}

// Run lists page by page.
func (u *uploadsCmd) Run(ctx context.Context, con *console) error {
	q, err := u.selection(con)
	if err != nil {
		return err
	}
	cl, err := u.open(con)
	if err != nil {
		return err
	}
	listed := 0
	for token := ""; ; {
		page, err := cl.Uploads(ctx, q, token)
		if err != nil {
			return err
		}
		if room := u.Limit - listed; !u.All && len(page.Uploads) > room {
			page.Uploads = page.Uploads[:room]
		}
		if con.JSON {
			err = con.Value(page)
		} else {
			con.uploadLines(page.Uploads, listed == 0)
		}
		if err != nil {
			return err
		}
		listed += len(page.Uploads)
		if token = page.Next; token == "" || !u.All && listed >= u.Limit {
			con.uploadsFoot(u.remote, listed, token != "")
			return nil
		}
	}
}

func (c *console) uploadsFoot(r remote, listed int, more bool) {
	switch {
	case c.JSON:
	case listed == 0:
		c.Tell("No upload is selected.")
	case more:
		c.Tell("The latest %d; --all lists all.", listed)
	default:
		c.Tell("%s. Next: %s", terminal.Count(listed, "upload"), r.command("songs", "for", "ID"))
	}
}

// uploadWidth is the width of the list in columns.
const uploadWidth = 78

// uploadLines lists uploads, the first ones below the names of the columns.
func (c *console) uploadLines(list []resource.ListedUpload, first bool) {
	if first && len(list) > 0 && c.Width >= uploadWidth {
		c.Print("%s", c.Paint(terminal.Faint, terminal.Pad("ID", 38)+terminal.Pad("STATUS", 15)+terminal.Pad("RECEIVED", 14)+"RANGE"))
	}
	for _, u := range list {
		c.uploadLine(u, "")
	}
}

// uploadLine prints the whole id, for copying, and below it more, the file, the key and
// the tempo.
func (c *console) uploadLine(u resource.ListedUpload, more string) {
	id, status, reach := terminal.Clean(string(u.ID)), terminal.Clean(string(u.Status)), ""
	var about []string
	for _, text := range []string{more, u.Filename, u.Owner} {
		if text != "" {
			about = append(about, terminal.Clean(text))
		}
	}
	if v := u.Voice; v != nil {
		if reach = "silent"; v.LowNote != "" {
			reach = terminal.Clean(v.LowNote) + " " + c.Marks.Dash + " " + terminal.Clean(v.HighNote)
		}
		if v.Key.Tonic != "" {
			about = append(about, terminal.Clean(v.Key.Tonic+" "+v.Key.Mode))
		}
		if v.TempoBPM > 0 {
			about = append(about, fmt.Sprintf("%.0f bpm", v.TempoBPM))
		}
		about = append(about, length(v.DurationS))
	}
	if c.Width >= uploadWidth {
		line := terminal.Pad(status, 15) + terminal.Pad(c.Since(u.CreatedAt), 14) + reach
		c.Print("%s%s", c.Paint(terminal.Bold, terminal.Pad(id, 38)), strings.TrimRight(line, " "))
	} else {
		c.Print("%s", c.Paint(terminal.Bold, id))
		c.Print("  %s", strings.TrimSpace(status+"  "+c.Since(u.CreatedAt)+"  "+reach))
	}
	if len(about) > 0 {
		c.Print("  %s", terminal.Fit(strings.Join(about, ", "), c.Width-2))
	}
}

type similarCmd struct {
	remote

	ID    string `arg:"" help:"Id of the upload."`
	Limit int    `env:"-" short:"n" default:"10" help:"Maximum number to list, up to 100."`
}

// Help implements kong.HelpProvider.
func (similarCmd) Help() string {
	return `Voices are compared by the embeddings of their recordings: 1 is the same, 0 is unrelated.

Examples:

    orak similar 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak similar 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq -r '.uploads[].id'`
}

// Run lists the nearest voices.
func (s *similarCmd) Run(ctx context.Context, con *console) error {
	ids, err := parseIDs([]string{s.ID})
	if err != nil {
		return err
	}
	cl, err := s.open(con)
	if err != nil {
		return err
	}
	found, err := cl.Similar(ctx, ids[0], s.Limit, patience)
	if err != nil {
		return err
	}
	if con.JSON {
		return con.Value(found)
	}
	con.similar(found)
	if len(found.Uploads) == 0 {
		con.Tell("No other voice is in the index yet.")
	}
	return nil
}

func (c *console) similar(found resource.SimilarUploads) {
	for _, u := range found.Uploads {
		c.uploadLine(u.ListedUpload, fmt.Sprintf("similarity %.2f", u.Similarity))
	}
}
