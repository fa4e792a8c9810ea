package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/activity"

	"orak"
)

// ConvertInput asks for the conversion of an upload.
type ConvertInput struct {
	Upload orak.Upload `json:"upload"`
	Limits orak.Limits `json:"limits,omitzero"`
	// Announce asks for the event events.Converted; nil in runs whose workflow
	// publishes it.
	Announce *StageEvent `json:"announce,omitempty"`
}

// Converted is the result of Convert.
type Converted struct {
	orak.Audio
	// Announced means that the event that was asked for is published. If it is
	// false, the workflow publishes it.
	Announced bool `json:"announced,omitempty"`
}

// scratchPrefix begins the name of every conversion's folder.
const scratchPrefix = "orak-convert-"

// Convert makes orak.AudioKey from orak.OriginalKey, and publishes that if it was
// asked to.
func (a *Activities) Convert(ctx context.Context, in ConvertInput) (Converted, error) {
	audio, err := a.convert(ctx, in)
	if err != nil {
		return Converted{}, err
	}
	return Converted{Audio: audio, Announced: a.announceStage(ctx, orak.StageConvert, in.Upload, in.Announce)}, nil
}

// convert works in a scratch folder that it removes before it returns.
func (a *Activities) convert(ctx context.Context, in ConvertInput) (_ orak.Audio, err error) {
	if err := a.makeScratch(); err != nil {
		return orak.Audio{}, scratchFault(err)
	}
	dir, err := os.MkdirTemp(a.scratchDir, scratchPrefix)
	if err != nil {
		return orak.Audio{}, scratchFault(fmt.Errorf("making scratch folder: %w", err))
	}
	defer func() {
		if rmErr := os.RemoveAll(dir); rmErr != nil {
			a.log.ErrorContext(ctx, "scratch folder was not removed", "upload_id", string(in.Upload.ID), "dir", dir, "error", rmErr)
		}
	}()
	// The converter needs absolute paths.
	if dir, err = filepath.Abs(dir); err != nil {
		return orak.Audio{}, scratchFault(fmt.Errorf("resolving scratch folder: %w", err))
	}
	src, dst := filepath.Join(dir, "original"), filepath.Join(dir, "audio.wav")
	if err := a.download(ctx, in.Upload, src); err != nil {
		return orak.Audio{}, err
	}
	audio, err := a.deps.Converter.Convert(ctx, src, dst, in.Limits, progress(ctx))
	if err != nil {
		return orak.Audio{}, fmt.Errorf("converting: %w", err)
	}
	if err := a.uploadAudio(ctx, in.Upload, dst); err != nil {
		return orak.Audio{}, err
	}
	return audio, nil
}

// makeScratch makes the scratch directory, where one is set.
func (a *Activities) makeScratch() error {
	if a.scratchDir == "" {
		return nil
	}
	if err := os.MkdirAll(a.scratchDir, 0o700); err != nil {
		return fmt.Errorf("making scratch directory: %w", err)
	}
	return nil
}

// downloadTries is how often a recording that differs from its announcement is
// fetched before the announcement counts as wrong: a bad connection must not look
// like a wrong announcement.
const downloadTries = 3

// errOtherSize and errOtherDigest mean that the fetched object differs from its
// announcement; errAbsent, that there is no object.
var (
	errOtherSize   = errors.New("the size of the object is not the announced one")
	errOtherDigest = errors.New("the digest of the object is not the announced one")
	errAbsent      = errors.New("the announced object does not exist")
)

// download fetches the recording to path and compares it with its announcement.
// A recording that differs means a wrong announcement, of class input.
func (a *Activities) download(ctx context.Context, u orak.Upload, path string) error {
	for try := 1; ; try++ {
		err := a.downloadOnce(ctx, u, path)
		other := errors.Is(err, errOtherSize) || errors.Is(err, errOtherDigest)
		switch {
		case errors.Is(err, errAbsent) && time.Since(activity.GetInfo(ctx).ScheduledTime) < a.deps.Arrival:
			// Without a Dependency, no outage is reported: the store is available.
			return &orak.Fault{Class: orak.ClassDependency, Message: "The announced recording is not in the store yet.", Err: err}
		case errors.Is(err, errAbsent), other && try == downloadTries:
			return announcementFault(u, err)
		case !other:
			return err
		}
		a.log.WarnContext(ctx, "recording differs from its announcement; fetching it again", "upload_id", string(u.ID), "error", err)
	}
}

// announcementFault words what is wrong with the announcement of u.
func announcementFault(u orak.Upload, err error) *orak.Fault {
	message := "The announcement names a recording that is not in the store."
	switch {
	case errors.Is(err, errOtherSize):
		message = fmt.Sprintf("The announcement names a size of %d bytes that the stored object does not have.", u.Size)
	case errors.Is(err, errOtherDigest):
		message = "The announcement names a digest that the stored object does not have."
	}
	return &orak.Fault{Class: orak.ClassInput, Message: message, Err: err}
}

func (a *Activities) downloadOnce(ctx context.Context, u orak.Upload, path string) error {
	body, size, err := a.deps.Store.Open(ctx, u.Key)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s: %w", errAbsent, u.Key, err)
	}
	if err != nil {
		return fmt.Errorf("opening recording: %w", err)
	}
	defer body.Close()
	if size != u.Size {
		return fmt.Errorf("%w: %d bytes, not %d", errOtherSize, size, u.Size)
	}
	file, err := os.Create(path)
	if err != nil {
		return scratchFault(fmt.Errorf("creating scratch file: %w", err))
	}
	defer file.Close()
	sum, src := sha256.New(), &source{r: body}
	n, err := io.Copy(io.MultiWriter(file, sum), src)
	if src.err != nil {
		return fmt.Errorf("reading recording: %w", src.err)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return scratchFault(fmt.Errorf("writing scratch file: %w", err))
	}
	if n != u.Size {
		return fmt.Errorf("%w: %d bytes, not %d", errOtherSize, n, u.Size)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != u.SHA256 {
		return fmt.Errorf("%w: %s, not %s", errOtherDigest, got, u.SHA256)
	}
	return nil
}

func (a *Activities) uploadAudio(ctx context.Context, u orak.Upload, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return internalFault(fmt.Errorf("opening converted audio: %w", err))
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return scratchFault(fmt.Errorf("measuring converted audio: %w", err))
	}
	err = a.deps.Store.Put(ctx, orak.AudioKey(u.Tenant, u.ID), file, st.Size(), "audio/wav")
	if err != nil {
		return fmt.Errorf("storing converted audio: %w", err)
	}
	return nil
}

// SweepScratch removes folders of conversions that were last written to more
// than age ago, such as those of a killed process. Call it when a worker starts.
// A running conversion writes to its folder all the time.
func (a *Activities) SweepScratch(ctx context.Context, age time.Duration) error {
	dir := a.scratchDir
	if dir == "" {
		dir = os.TempDir()
	}
	entries, err := filepath.Glob(filepath.Join(dir, scratchPrefix+"*"))
	if err != nil {
		return fmt.Errorf("listing scratch folders: %w", err)
	}
	var errs []error
	for _, path := range entries {
		if time.Since(lastWrite(path)) < age {
			continue // of another worker that runs
		}
		if err := os.RemoveAll(path); err != nil {
			errs = append(errs, fmt.Errorf("removing scratch folder: %w", err))
			continue
		}
		a.log.InfoContext(ctx, "removed an abandoned scratch folder", "dir", path)
	}
	return errors.Join(errs...)
}

// lastWrite returns when the folder or a file in it was last written to; zero
// where the folder is gone.
func lastWrite(dir string) (last time.Time) {
	paths := []string{dir}
	entries, _ := os.ReadDir(dir) // one that cannot be read has no last write
	for _, e := range entries {
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	for _, path := range paths {
		if st, err := os.Stat(path); err == nil && st.ModTime().After(last) {
			last = st.ModTime()
		}
	}
	return last
}

// scratchFault reports a full or broken disk. It is retried without counting
// attempts, since every upload would fail on it.
func scratchFault(err error) *orak.Fault {
	return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyConverter, Message: "The service is short of working space; the upload continues by itself.", Err: err}
}

// source remembers the error of a reader, to distinguish it from an error of the
// writer.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
