package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// binaryEnv names a binary to run in place of the one that is built here; a
// relative path begins at the workspace.
const binaryEnv = "ORAK_STANDALONE_BIN"

// build brings bin/orak-standalone up to date and returns its path. No other
// test process replaces the file until release is called. With a warm build
// cache that takes a second or two; the first build takes minutes.
func build() (path string, release func(), err error) {
	root, err := workspace()
	if err != nil {
		return "", nil, err
	}
	if path := os.Getenv(binaryEnv); path != "" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, path)
		}
		// Stat also makes go test's cached results depend on the file.
		if _, err := os.Stat(path); err != nil {
			return "", nil, fmt.Errorf("finding the binary that %s names: %w", binaryEnv, err)
		}
		return path, func() {}, nil
	}
	release, err = lockBin(root, ".lock")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(root, "bin", "orak-standalone")
	if err := inWorkspace(root, "go", "build", "-o", path, "./standalone"); err != nil {
		release()
		return "", nil, err
	}
	return path, release, nil
}

// Orak builds the command orak and returns its path.
func Orak(t testing.TB) string {
	t.Helper()
	return filepath.Join(once(t, "build:orak"), "orak")
}

// OperatorTools builds the commands that operators type, the real temporal and
// tctl and orak itself, and returns their folder. The first build takes
// minutes.
func OperatorTools(t testing.TB) (bin string) {
	t.Helper()
	return once(t, "operators")
}

// once runs a task that builds into bin/, and returns that folder. Test
// binaries take turns, so that the first builds and the others find the
// result.
func once(t testing.TB, task string) (bin string) {
	t.Helper()
	root, err := workspace()
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := lockBin(root, ".tools.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := inWorkspace(root, "go", "tool", "task", task); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "bin")
}

// lockBin takes a lock file in bin/, which one process holds at a time.
func lockBin(root, name string) (unlock func(), err error) {
	bin := filepath.Join(root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of binaries: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(bin, name), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the binaries: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		lock.Close()
		return nil, fmt.Errorf("locking the binaries: %w", err)
	}
	return func() { lock.Close() }, nil
}

// inWorkspace runs a command in the folder of go.work.
func inWorkspace(root, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w\n%s", cmd, err, out)
	}
	return nil
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
