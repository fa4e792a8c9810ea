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
}

// scratchPrefix begins the name of every conversion's folder.
const scratchPrefix = "orak-convert-"

// Convert makes orak.AudioKey out of orak.OriginalKey, by way of a scratch
// folder that is gone when it returns.
func (a *Activities) Convert(ctx context.Context, in ConvertInput) (_ orak.Audio, err error) {
	if err := a.makeScratch(); err != nil {
		return orak.Audio{}, scratchFault(err)
	}
	dir, err := os.MkdirTemp(a.scratchDir, scratchPrefix)
	if err != nil {
		return orak.Audio{}, scratchFault(fmt.Errorf("making scratch folder: %w", err))
	}
	defer func() {
		if rmErr := os.RemoveAll(dir); rmErr != nil {
			a.log.ErrorContext(ctx, "scratch folder stays behind", "upload_id", string(in.Upload.ID), "dir", dir, "error", rmErr)
		}
	}()
	// The converter wants absolute paths.
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

// downloadTries is how often a recording is fetched that is not the announced
// one, before its announcement is taken to be wrong: a bad line must not look
// like a bad announcement.
const downloadTries = 3

// errOtherSize and errOtherDigest mean that what was fetched is not what the
// announcement names; errAbsent, that there is no such object.
var (
	errOtherSize   = errors.New("the object has another size than the announced one")
	errOtherDigest = errors.New("the object has another digest than the announced one")
	errAbsent      = errors.New("there is no object where the announced one should be")
)

// download fetches the recording to path and checks that it is the announced
// one. A recording that is not is the announcement's fault, class input.
func (a *Activities) download(ctx context.Context, u orak.Upload, path string) error {
	for try := 1; ; try++ {
		err := a.downloadOnce(ctx, u, path)
		other := errors.Is(err, errOtherSize) || errors.Is(err, errOtherDigest)
		switch {
		case errors.Is(err, errAbsent) && time.Since(activity.GetInfo(ctx).ScheduledTime) < a.deps.Arrival:
			// No dependency is named: the store serves, and no outage is reported.
			return &orak.Fault{Class: orak.ClassDependency, Message: "The announced recording is not in the store yet.", Err: err}
		case errors.Is(err, errAbsent), other && try == downloadTries:
			return announcementFault(u, err)
		case !other:
			return err
		}
		a.log.WarnContext(ctx, "recording is not the announced one; fetching it again", "upload_id", string(u.ID), "error", err)
	}
}

// announcementFault says what is wrong with the announcement of u.
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

// SweepScratch removes the folders that conversions left behind longer than
// age ago, as a killed process does. Call it when a worker starts. However
// long a conversion takes, it writes to its folder all the time.
func (a *Activities) SweepScratch(age time.Duration) error {
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
			continue // another worker's, which runs
		}
		if err := os.RemoveAll(path); err != nil {
			errs = append(errs, fmt.Errorf("removing scratch folder: %w", err))
			continue
		}
		a.log.Info("removed a scratch folder that was left behind", "dir", path)
	}
	return errors.Join(errs...)
}

// lastWrite is when the folder or a file in it was last written to; zero
// where the folder is gone.
func lastWrite(dir string) (last time.Time) {
	paths := []string{dir}
	entries, _ := os.ReadDir(dir) // what cannot be read is not written either
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

// scratchFault is a disk that is full or broken: it would fail every upload,
// so it is waited out.
func scratchFault(err error) *orak.Fault {
	return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyConverter, Message: "The service is short of working space; it goes on by itself.", Err: err}
}

// source remembers the error of a reader, so that it can be told from the
// error of what consumed it.
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
