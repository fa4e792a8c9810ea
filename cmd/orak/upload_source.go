package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"orak/client"
	"orak/internal/terminal"
)

// standardInput is the argument for standard input.
const standardInput = "-"

// maxSpool bounds a recording that is not a file, in bytes. It is above what a
// server accepts.
const maxSpool = 2 << 30

// toSend is a recording to send.
type toSend struct {
	// typed is the argument, path a file that can be read repeatedly, and name
	// the name of the recording.
	typed, path, name string
}

// recordings checks all arguments before the first file is sent. It copies
// standard input and pipes to files: their length must be declared, and they
// must be sent again when a connection breaks. remove removes the copies.
func (c *console) recordings(ctx context.Context, typed []string) (all []toSend, remove func(), err error) {
	dir := ""
	remove = func() {
		if dir != "" {
			_ = os.RemoveAll(dir) // in the system's temporary folder
		}
	}
	seen := map[string]bool{}
	for _, arg := range typed {
		if arg == standardInput && seen[arg] {
			return nil, remove, usageError(errors.New("standard input can be sent only once"))
		}
		seen[arg] = true
		in, err := c.stream(arg)
		if err != nil {
			return nil, remove, usageError(err)
		}
		r := toSend{typed: arg, path: arg, name: filepath.Base(arg)}
		if in == nil {
			all = append(all, r)
			continue
		}
		if arg == standardInput {
			r.name = "standard input"
		}
		if dir == "" {
			if dir, err = os.MkdirTemp("", "orak-upload-"); err != nil {
				return nil, remove, fmt.Errorf("creating a folder for the recording: %w", err)
			}
		}
		if r.path, err = spool(ctx, dir, in); err != nil {
			return nil, remove, fmt.Errorf("reading %s: %w", r.name, err)
		}
		all = append(all, r)
	}
	return all, remove, nil
}

// stream opens what must be copied first; nil means a regular file.
func (c *console) stream(arg string) (io.ReadCloser, error) {
	if arg == standardInput {
		if terminal.Is(c.In) {
			return nil, errors.New("standard input is the terminal: redirect a recording into it, such as: orak upload - <voice.m4a")
		}
		return io.NopCloser(c.In), nil
	}
	info, err := os.Stat(arg)
	switch {
	case err != nil:
		return nil, err
	case info.Mode().IsRegular():
		return nil, nil
	case info.Mode()&os.ModeNamedPipe == 0:
		return nil, fmt.Errorf("%s: %w", arg, client.ErrNotAFile)
	}
	return os.Open(arg)
}

// spool copies in to a file in dir.
func spool(ctx context.Context, dir string, in io.ReadCloser) (path string, err error) {
	file, err := os.CreateTemp(dir, "")
	if err != nil {
		return "", errors.Join(err, in.Close())
	}
	// A read that waits for its writer cannot be canceled: it ends with the process.
	copied := make(chan error, 1)
	go func() {
		n, err := io.Copy(file, io.LimitReader(in, maxSpool+1))
		if err == nil && n > maxSpool {
			err = fmt.Errorf("it is larger than %s", terminal.Bytes(maxSpool))
		}
		copied <- errors.Join(err, file.Close(), in.Close())
	}()
	select {
	case err = <-copied:
		return file.Name(), err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
