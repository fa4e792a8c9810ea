package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// binaryEnv names a binary to run in place of the one that is built here; a
// relative path begins at the workspace.
const binaryEnv = "ORAK_STANDALONE_BIN"

// program is the built orak-standalone. While it is held no other test
// process replaces the file.
type program struct {
	path string
	lock *os.File
}

// build brings bin/orak-standalone up to date. With a warm build cache that
// takes a second or two; the very first build takes minutes.
func build() (*program, error) {
	root, err := workspace()
	if err != nil {
		return nil, err
	}
	if path := os.Getenv(binaryEnv); path != "" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, path)
		}
		// To look at it also makes go test's cached results depend on it.
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("finding the binary that %s names: %w", binaryEnv, err)
		}
		return &program{path: path}, nil
	}
	bin := filepath.Join(root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of binaries: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(bin, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the binary: %w", err)
	}
	p := &program{path: filepath.Join(bin, "orak-standalone"), lock: lock}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		p.release()
		return nil, fmt.Errorf("locking the binary: %w", err)
	}
	cmd := exec.Command("go", "build", "-o", p.path, "./standalone")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"))
	if out, err := cmd.CombinedOutput(); err != nil {
		p.release()
		return nil, fmt.Errorf("building orak-standalone: %w\n%s", err, out)
	}
	return p, nil
}

func (p *program) release() {
	if p.lock != nil {
		p.lock.Close()
	}
}

// workspace finds the folder of go.work, from the test's folder upward.
func workspace() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the workspace: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("finding the workspace: no go.work in this folder or above")
		}
		dir = parent
	}
}

// environ is this process's environment without orak's own settings, so that
// those of the person who runs the tests do not reach into them.
func environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ORAK_") {
			env = append(env, kv)
		}
	}
	return env
}
