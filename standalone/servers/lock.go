package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// lock marks a data folder as in use. The kernel drops it when the process ends,
// so there are no stale locks.
type lock struct{ file *os.File }

// ErrInUse is returned to a second process for a data folder that is in use.
var ErrInUse = errors.New("the data folder is in use")

// ErrNotInUse is returned by Holder for a data folder that no process uses.
var ErrNotInUse = errors.New("the data folder is not in use")

// patience is how long the next process waits for one that is ending.
const patience = 5 * time.Second

func lockDataDir(ctx context.Context, dir string) (*lock, error) {
	f, err := os.OpenFile(lockPath(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the data folder's lock: %w", err)
	}
	if err := flockWithin(ctx, f); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking the data folder: %w", err)
		}
		pid, _ := pidIn(f)
		return nil, fmt.Errorf("%w: process %d runs on %s; stop it, or choose another folder with --data-dir or ORAK_DATA_DIR",
			ErrInUse, pid, dir)
	}
	if err := writePID(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the data folder's lock: %w", err)
	}
	return &lock{file: f}, nil
}

// flockWithin tries to lock until patience is over.
func flockWithin(ctx context.Context, f *os.File) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := time.After(patience)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		select {
		case <-tick.C:
		case <-last:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Holder is the process that uses the data folder dir.
func Holder(dir string) (pid int, err error) {
	f, err := os.Open(lockPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, ErrNotInUse
	}
	if err != nil {
		return 0, fmt.Errorf("opening the data folder's lock: %w", err)
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if err == nil {
		return 0, ErrNotInUse
	}
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return 0, fmt.Errorf("testing the data folder's lock: %w", err)
	}
	return pidIn(f)
}

func lockPath(dir string) string { return filepath.Join(dir, "lock") }

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return err
}

func pidIn(f *os.File) (int, error) {
	text := make([]byte, 20)
	n, err := f.ReadAt(text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("reading the data folder's lock: %w", err)
	}
	pid, err := strconv.Atoi(string(text[:n]))
	if err != nil {
		return 0, fmt.Errorf("reading the data folder's lock: %w", err)
	}
	return pid, nil
}

// release is idempotent: a second close does nothing.
func (l *lock) release() error {
	if err := l.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("releasing the data folder's lock: %w", err)
	}
	return nil
}
