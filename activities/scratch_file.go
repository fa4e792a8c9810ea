package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"orak"
)

// fetchAudio copies orak.AudioKey to a scratch file, which the engine can read at
// its own speed. The file has no name: it is gone when the caller closes it, or
// the process ends.
func (a *Activities) fetchAudio(ctx context.Context, u orak.Upload) (*os.File, error) {
	body, _, err := a.deps.Store.Open(ctx, orak.AudioKey(u.Tenant, u.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, internalFault(fmt.Errorf("opening converted audio: %w", err))
	}
	if err != nil {
		return nil, fmt.Errorf("opening converted audio: %w", err)
	}
	defer body.Close()
	file, err := a.nameless()
	if err != nil {
		return nil, scratchFault(err)
	}
	if err := spool(file, body); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// spool copies body to file, and rewinds it.
func spool(file *os.File, body io.Reader) error {
	src := &source{r: body}
	_, err := io.Copy(file, src)
	if src.err != nil {
		return fmt.Errorf("reading converted audio: %w", src.err)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return scratchFault(fmt.Errorf("writing scratch file: %w", err))
	}
	return nil
}

// nameless creates a scratch file without a name, which no other process finds.
func (a *Activities) nameless() (*os.File, error) {
	if err := a.makeScratch(); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(a.scratchDir, "orak-analyze-")
	if err != nil {
		return nil, fmt.Errorf("creating scratch file: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("unlinking scratch file: %w", err), file.Close())
	}
	return file, nil
}
