package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// StandaloneFile is where a standalone stack leaves, in its data folder, the
// settings by which the commands beside it reach it.
const StandaloneFile = "orak.yaml"

// standaloneFile is the path of StandaloneFile, in the data folder that the
// environment names or below the working directory.
func (r *resolver) standaloneFile() string {
	dir := r.env[EnvPrefix+"DATA_DIR"]
	if dir == "" {
		dir = ".orak"
	}
	return filepath.Join(dir, StandaloneFile)
}

// readStandalone reads what a standalone stack left, where there is one and
// no configuration file is named. The file decides where the access key
// is sent and requests go, so only one that this user alone can write counts.
func (r *resolver) readStandalone(opts Options) error {
	if !opts.Standalone {
		return nil
	}
	path := r.standaloneFile()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the standalone stack's settings: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		warn(opts, fmt.Sprintf("%s was ignored: it must belong to you and be accessible to nobody else (chmod 600)", path))
		return nil
	}
	r.standalone, err = readFile(path, r.flags)
	return err
}
