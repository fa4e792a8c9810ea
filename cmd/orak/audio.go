package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"orak"
	"orak/client"
	"orak/internal/terminal"
)

type audioCmd struct {
	remote

	ID       string `arg:"" help:"Id of the upload."`
	Output   string `short:"o" env:"-" placeholder:"FILE" help:"File to write; - is standard output. By default it is named by the id, in the current folder."`
	Original bool   `env:"-" help:"The recording as it was sent, not the converted one."`
	Force    bool   `short:"f" env:"-" help:"Replace the file if there is one."`
}

// Help implements kong.HelpProvider.
func (audioCmd) Help() string {
	return `The converted recording is a WAV, and what the analysis is of. It is there once the recording is converted, and the original
from the answer to the upload on. The file appears once it is complete.

Examples:

    orak audio 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak audio 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --original -o take1.m4a
    orak audio 0192f1c5-7a1e-7c3a-9d5e-0123456789ab -o - | ffplay -nodisp -autoexit -`
}

// saved is what --json prints.
type saved struct {
	ID        orak.UploadID `json:"id"`
	File      string        `json:"file"`
	MediaType string        `json:"media_type"`
	// Size is in bytes.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// stdoutName is the name for standard output.
const stdoutName = "-"

// Run saves the recording.
func (a *audioCmd) Run(ctx context.Context, con *console) error {
	ids, err := parseIDs([]string{a.ID})
	if err != nil {
		return err
	}
	cl, err := a.open(con)
	if err != nil {
		return err
	}
	if err := a.check(con); err != nil {
		return err
	}
	fetch := cl.Audio
	if a.Original {
		fetch = cl.Original
	}
	rec, err := fetch(ctx, ids[0])
	if err != nil {
		return a.early(ctx, con, a.ID, err)
	}
	defer rec.Close()
	return a.save(con, ids[0], rec)
}

// check refuses what cannot be written before anything is fetched.
func (a *audioCmd) check(con *console) error {
	switch {
	case a.Output == stdoutName && con.JSON:
		return usageError(errors.New("--json and -o - exclude each other: both write to standard output"))
	case a.Output == stdoutName && terminal.Is(con.Out):
		return usageError(errors.New("a recording is not written to a terminal: name a file with -o, or pass it on with |"))
	case a.Output == stdoutName || a.Output == "":
		return nil
	}
	return a.free(a.Output)
}

// free returns an error unless a file may be written at path.
func (a *audioCmd) free(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking for the file: %w", err)
	case !info.Mode().IsRegular():
		return usageError(fmt.Errorf("%s is not a regular file: name another one with -o", path))
	case !a.Force:
		return usageError(fmt.Errorf("%s exists: name another file with -o, or replace it with --force", path))
	}
	return nil
}

func (a *audioCmd) save(con *console, id orak.UploadID, rec *client.Recording) error {
	path := cmp.Or(a.Output, string(id)+extension(rec.MediaType))
	title := terminal.Clean(path)
	if path == stdoutName {
		title = string(id)
	}
	view := &terminal.Progress{Terminal: con.Terminal, Title: title, Bytes: true, Once: true, Line: func(_, total int64) string {
		return fmt.Sprintf("%s: receiving %s", title, terminal.Bytes(total))
	}}
	defer view.Clear()
	started := con.Now()
	counted := &received{r: rec, moved: func(n int64) { view.Set(n, max(n, rec.Size)) }}
	if path == stdoutName {
		_, err := io.Copy(con.Out, counted)
		return err
	}
	sum, err := a.write(path, counted)
	if err != nil {
		return err
	}
	view.Clear()
	if con.JSON {
		return con.Value(saved{ID: id, File: path, MediaType: rec.MediaType, Size: counted.n, SHA256: sum})
	}
	con.Print("%s %s  %s in %s", con.Paint(terminal.Green, con.Marks.Done), terminal.Clean(path),
		terminal.Bytes(counted.n), terminal.Took(con.Now().Sub(started)))
	return nil
}

// write writes a file that is whole or absent, for its user only, and returns its SHA-256.
func (a *audioCmd) write(path string, from io.Reader) (sum string, err error) {
	if err := a.free(path); err != nil {
		return "", err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".orak-*")
	if err != nil {
		return "", fmt.Errorf("making the file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, hash), from)
	if err := errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	// It may have been made meanwhile.
	if err := a.free(path); err != nil {
		return "", err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return "", fmt.Errorf("naming the file: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// received counts what is read.
type received struct {
	r     io.Reader
	n     int64
	moved func(n int64)
}

// Read implements io.Reader.
func (r *received) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.n += int64(n)
	r.moved(r.n)
	return n, err
}

// extension is that of a file of a media type. The name that the recording was sent with
// is not used: it is its sender's.
func extension(mediaType string) string {
	subtype, ok := strings.CutPrefix(mediaType, "audio/")
	if !ok {
		return ".bin"
	}
	return cmp.Or(map[string]string{
		"wav": ".wav", "mp4": ".m4a", "mpeg": ".mp3", "ogg": ".ogg", "webm": ".webm", "flac": ".flac", "aac": ".aac", "amr": ".amr",
		"3gpp": ".3gp", "aiff": ".aiff", "x-matroska": ".mka", "x-caf": ".caf", "x-w64": ".w64",
	}[subtype], ".bin")
}
