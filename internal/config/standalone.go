package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// StandaloneFile is the file in the data folder to which a standalone stack
// writes the settings that commands need to reach it.
const StandaloneFile = "orak.yaml"

// readStandalone reads the file of a standalone stack, if there is one. The
// file decides where the access key and requests are sent, so it is ignored
// unless it belongs to this user and nobody else can access it.
func (r *resolver) readStandalone(opts Options) error {
	if !opts.Standalone {
		return nil
	}
	path := filepath.Join(cmp.Or(r.env[EnvPrefix+"DATA_DIR"], ".orak"), StandaloneFile)
	private, err := isPrivate(path, opts)
	if err != nil || !private {
		return err
	}
	r.standalone, err = readFile(path, r.flags)
	return err
}

// isPrivate reports whether path is a file that belongs to this user and that nobody
// else can access. It warns of one that is not; no file is not private either.
func isPrivate(path string, opts Options) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", path, err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		warn(opts, fmt.Sprintf("%s was ignored: it must belong to you and be accessible to nobody else (chmod 600)", path))
		return false, nil
	}
	return true, nil
}
