package servers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock marks a data folder as in use. The kernel drops it with the process,
// however that ends, so there are no stale locks.
type lock struct{ file *os.File }

// ErrInUse is what a second process gets for a data folder that is in use.
var ErrInUse = errors.New("the data folder is in use")

func lockDataDir(dir string) (*lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the data folder's lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder := make([]byte, 16)
		n, _ := f.ReadAt(holder, 0)
		f.Close()
		return nil, fmt.Errorf("%w: process %s runs on %s; stop it, or choose another folder with --data-dir or ORAK_DATA_DIR",
			ErrInUse, strings.TrimSpace(string(holder[:n])), dir)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("locking the data folder: %w", err)
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the data folder's lock: %w", err)
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the data folder's lock: %w", err)
	}
	return &lock{file: f}, nil
}

// release is idempotent: a second close does nothing.
func (l *lock) release() error {
	if err := l.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("releasing the data folder's lock: %w", err)
	}
	return nil
}
