package stack

import (
	"context"
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

// OrakAt builds the orak of a commit, in a temporary working tree, and returns its
// path: a file of dir with the commit's id in its name. A file that exists is not
// built again.
func OrakAt(ctx context.Context, ref, dir string) (program string, err error) {
	id, err := exec.CommandContext(ctx, "git", "rev-parse", "--verify", ref+"^{commit}").Output()
	if err != nil {
		return "", fmt.Errorf("finding commit %s: %w", ref, err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", fmt.Errorf("finding %s: %w", dir, err)
	}
	program = filepath.Join(dir, "orak-"+string(id[:12]))
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	tree, err := os.MkdirTemp(dir, "tree-")
	if err != nil {
		return "", fmt.Errorf("making a working tree: %w", err)
	}
	if err := inFolder(ctx, "", "git", "worktree", "add", "--quiet", "--detach", tree, ref); err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, inFolder(context.WithoutCancel(ctx), "", "git", "worktree", "remove", "--force", tree))
	}()
	// A killed build leaves no program.
	partial := filepath.Join(tree, "orak.built")
	if err := inFolder(ctx, tree, "go", "build", "-o", partial, "./cmd/orak"); err != nil {
		return "", err
	}
	return program, os.Rename(partial, program)
}

func inFolder(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return quietly(cmd)
}

// quietly runs cmd; an error has what it wrote.
func quietly(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w\n%s", cmd, err, out)
	}
	return nil
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
	return quietly(cmd)
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
